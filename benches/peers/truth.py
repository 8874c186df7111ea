#!/usr/bin/env python3
"""Does loadgate tell the truth about a server that stands still? Its quantiles against those computed from the schedule
and the server's own log of when each answer left.

The stand-in answers in 2 ms and freezes for 0.5 s in every 5 s; 1,000 arrivals a second come for 20 s. An arrival is due
at a known instant, users serve in the order of arrival, and the server logs when each answer left: the difference is what
a user waited. With a user too few, arrivals queue, and a simulated queue says what that implies.
"""

import argparse
import heapq
import json
import re
import tempfile
from datetime import datetime
from pathlib import Path

import common
from common import LOADGATE

SECONDS, RATE = 20, 1000
FREEZE, EVERY = 0.5, 5.0
SCENARIO = """
name: truth
user_classes: [{ name: reader, tasks: [{ steps: [{ get: /prod/catalog/items/SKU-10458, name: GET item }] }] }]
load: [{ phase: peak, arrivals: RATE/s, for: SECONDSs, max_users: USERS }]
"""


def quantiles(latencies):
    latencies = sorted(latencies)
    return [latencies[min(len(latencies) - 1, int(q * len(latencies)))] * 1e3 for q in (0.5, 0.95, 0.99)]


def told(record):
    """loadgate's own quantiles over the whole run, in milliseconds, by its metrics file."""
    text = Path(record).read_text()
    found = []
    for q in ("0.5", "0.95", "0.99"):
        line = re.search(rf'request="overall",phase="all",quantile="{re.escape(q)}"}} (\S+)', text)
        found.append(float(line[1]) * 1e3)
    return found


def load(url, home, users, rate=RATE, seconds=SECONDS):
    text = SCENARIO.replace("RATE", str(rate)).replace("SECONDS", str(seconds)).replace("USERS", str(users))
    folder, out = common.gate(home / "gate", text), home / "out"
    common.measure([LOADGATE, "run", folder, "--target", url, "--out", out, "--quiet"])
    return common.result(out), told(out / "metrics.txt")


def due(rate=RATE, seconds=SECONDS):
    """Even arrivals stand in the middle of their share of a second."""
    return [(k + 0.5) / rate for k in range(rate * seconds)]


def from_log(record, log):
    """What users waited, by the server's log: the first lines are the unrecorded user's."""
    started = datetime.fromisoformat(record["run"]["started"]).timestamp()
    lines = [json.loads(line) for line in Path(log).read_text().splitlines()]
    lines = sorted((line for line in lines if line["unix_us"] / 1e6 >= started - 1e-3), key=lambda line: line["t_us"])
    if len(lines) != RATE * SECONDS:
        common.fail(f"the server logged {len(lines)} requests of {RATE * SECONDS}")
    waited = []
    for instant, line in zip(due(), lines):
        left = (line["unix_us"] - line["t_us"] + line["sent_us"]) / 1e6
        waited.append(left - started - instant)
    return waited


def simulated(users, record, log):
    """A queue of so many users before a server that freezes when the log says it did."""
    started = datetime.fromisoformat(record["run"]["started"]).timestamp()
    lines = [json.loads(line) for line in Path(log).read_text().splitlines()]
    answer = common.median((line["sent_us"] - line["t_us"]) / 1e6 for line in lines)
    offset = lines[0]["unix_us"] / 1e6 - lines[0]["t_us"] / 1e6 - started
    # The server takes as long as its log says, and freezes at every whole multiple of five seconds of its own clock.
    free = [0.0] * users
    waited = []
    for instant in due():
        sent = max(instant, heapq.heappop(free))
        done = sent + answer
        own = done - offset
        into = own % EVERY
        if own >= EVERY and into < FREEZE:
            done += FREEZE - into
        heapq.heappush(free, done)
        waited.append(done - instant)
    return waited


def freeze():
    print("\n| users at most | | P50 | P95 | P99 |")
    print("| --: | --- | --: | --: | --: |")
    worst = 0.0
    for users in (1000, 100, 10):
        with tempfile.TemporaryDirectory() as home:
            log = Path(home) / "log"
            arguments = ["--latency", "2ms", "--spread", "0", "--provisioned", "1000", "--freeze", "500ms"]
            with common.stand_in(*arguments, "--freeze-every", "5s", "--log", log) as url:
                record, ours = load(url, Path(home), users)
            truth = quantiles(from_log(record, log))
            for name, row in [("loadgate", ours), ("truth, by the server's log", truth)]:
                print(f"| {users:,} | {name} | " + " | ".join(f"{ms:.1f} ms" for ms in row) + " |")
            if users == 10:
                row = quantiles(simulated(users, record, log))
                print(f"| {users:,} | simulated queue | " + " | ".join(f"{ms:.1f} ms" for ms in row) + " |")
        for own, true in zip(ours, truth):
            worst = max(worst, min(abs(own - true) / true / 0.03, abs(own - true) / 2.0))
    print(f"\nLargest difference: {worst:.2f} of what is allowed (3 % or 2 ms, whichever is more)")


def pacing():
    """Without a freeze, fast: how late the generator is, and whether its median is wrk's."""
    with common.nginx() as url, tempfile.TemporaryDirectory() as home:
        record, ours = load(url, Path(home), 1000, 5000, 10)
        script = Path(home) / "median.lua"
        script.write_text('done = function(s, l, r) io.write("median " .. l:percentile(50.0) .. "\\n") end')
        wrk = common.measure(["wrk", "-t1", "-c1", "-d5s", "-s", script, f"{url}/prod/catalog/items/SKU-10458"])
    late = max(piece["late_p99_s"] for piece in record["slices"]) * 1e3
    health = record["health"]
    closed = int(re.search(r"median (\d+)", wrk.output)[1]) / 1e3
    print(
        f"\n5,000 arrivals/s: late P99 {health['late_p99_s'] * 1e3:.3f} ms over all, {late:.3f} ms in the worst slice; "
        f"CPU of its core {health['core_share'] * 100:.0f} %; median {ours[0]:.3f} ms, wrk's on one connection {closed:.3f} ms"
    )


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    common.install()
    print(common.machine())
    freeze()
    pacing()


if __name__ == "__main__":
    main()
