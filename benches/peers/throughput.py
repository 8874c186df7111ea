#!/usr/bin/env python3
"""loadgate and its peers in turns on one nginx: requests/s, CPU per request and memory, as ratios within one run.

The client has one core and nginx, with one worker, the other. Every contender keeps 50 connections busy without a wait.
loadgate runs the catalogue (weights 3 to 1, a template in a path, statistics per name, phase and slice); wrk and oha
send one plain GET; k6 and Locust do what they do by default. Installs what is missing.
"""

import argparse
import re
import tempfile
from pathlib import Path

import common
from common import LOADGATE, TOOLS, median

CONNECTIONS = 50
CATALOGUE = """
name: catalogue
variables: { skus: [SKU-10458, SKU-20491, SKU-30912] }
user_classes:
  - name: shopper
    wait: WAIT
    tasks:
      - weight: 3
        steps:
          - get: /prod/catalog/items
            name: GET /catalog/items
            query: { category: electronics, limit: 20 }
      - weight: 1
        steps:
          - get: "/prod/catalog/items/{{ pick(skus) }}"
            name: GET /catalog/items/:itemId
load:
  - { phase: warm-up, users: FIRST..USERS, for: 5s, measure: false }
  - { phase: steady, users: USERS, for: SECONDSs }
"""
K6 = """
import http from 'k6/http';
export const options = { vus: VUS, duration: 'SECONDSs', discardResponseBodies: true };
export default function () { http.get('URL/prod/catalog/items?category=electronics&limit=20'); SLEEP }
"""
LOCUST = """
from locust import FastHttpUser, task, WAIT
class Shopper(FastHttpUser):
    wait_time = PAUSE
    @task(3)
    def items(self):
        self.client.get("/prod/catalog/items?category=electronics&limit=20", name="GET /catalog/items")
    @task(1)
    def item(self):
        self.client.get("/prod/catalog/items/SKU-10458", name="GET /catalog/items/:itemId")
"""


def scenario(users, seconds, wait=None):
    """Users that wait come one after the other, as no crowd comes at once; without a wait nothing is warmed up."""
    text = CATALOGUE.replace("USERS", str(users)).replace("SECONDS", str(seconds)).replace("FIRST", "0")
    if wait is None:
        text = "".join(line for line in text.splitlines(True) if "warm-up" not in line)
    return text.replace("WAIT", wait or "0s")


def loadgate(url, home, seconds, users=CONNECTIONS, wait=None):
    folder = common.gate(home / "gate", scenario(users, seconds, wait))
    out = home / "out"
    command = [LOADGATE, "run", folder, "--target", url, "--out", out, "--quiet"]
    cost = common.measure(command)
    record = common.result(out)
    requests, failures = common.requests_of(record)
    if failures:
        common.fail(f"loadgate counted {failures} failures")
    return cost, requests, record


def wrk(url, home, seconds):
    cost = common.measure(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"{url}/prod/catalog/items"])
    return cost, int(re.search(r"(\d+) requests in", cost.output)[1])


def oha(url, home, seconds):
    command = [TOOLS / "bin" / "oha", "--no-tui", "-c", CONNECTIONS, "-z", f"{seconds}s", f"{url}/prod/catalog/items"]
    cost = common.measure(command)
    answered = re.search(r"\[200\]\s+(\d+) responses", cost.output)
    return cost, int(answered[1])


def k6(url, home, seconds, users=CONNECTIONS, sleep=""):
    script = home / "k6.js"
    text = K6.replace("VUS", str(users)).replace("SECONDS", str(seconds)).replace("URL", url)
    if sleep:
        text = "import { sleep } from 'k6';" + text
    script.write_text(text.replace("SLEEP", sleep))
    cost = common.measure([common.k6_program(), "run", "--quiet", "--no-usage-report", script])
    return cost, int(re.search(r"http_reqs\.*:\s+(\d+)", cost.output)[1])


def locust(url, home, seconds, users=CONNECTIONS, wait="constant", pause="constant(0)", rate=None):
    script = home / "locustfile.py"
    script.write_text(LOCUST.replace("WAIT", wait).replace("PAUSE", pause))
    command = [TOOLS / "venv" / "bin" / "locust", "-f", script, "--headless", "--only-summary", "-H", url]
    command += ["-u", users, "-r", rate or users, "-t", f"{seconds}s", "--exit-code-on-error", "0"]
    cost = common.measure(command)
    total = re.findall(r"^\s*Aggregated\s+(\d+)", cost.output, re.MULTILINE)
    return cost, int(total[0])


CONTENDERS = {
    "loadgate": lambda url, home, seconds: loadgate(url, home, seconds)[:2],
    "wrk": wrk,
    "oha": oha,
    "k6": k6,
    "Locust": locust,
}


def table(seconds, rounds, tools):
    """One row per contender, and each round's figures for the ratios."""
    figures = {name: [] for name in tools}
    with common.nginx() as url, tempfile.TemporaryDirectory() as home:
        for number in range(rounds):
            order = list(tools)
            # Each takes each place in turn, so that none always runs on a machine that another has warmed up.
            order = order[number % len(order) :] + order[: number % len(order)]
            for name in order:
                cost, requests = CONTENDERS[name](url, Path(home), seconds)
                figures[name].append((requests / seconds, cost.cpu / requests * 1e6, cost.peak_mb, cost.steal))
    print(f"\n| tool | requests/s | CPU per request | peak memory | requests/s, loadgate / it | CPU, loadgate / it | steal |")
    print("| --- | --: | --: | --: | --: | --: | --: |")
    own = figures["loadgate"]
    for name, rows in figures.items():
        rate, cpu, peak, steal = (median(column) for column in zip(*rows))
        rates = median([a[0] / b[0] for a, b in zip(own, rows)])
        cpus = median([a[1] / b[1] for a, b in zip(own, rows)])
        print(
            f"| {name} | {rate:,.0f} | {cpu:.1f} µs | {peak:.0f} MB | {rates:.3f} × | {cpus:.3f} × "
            f"| {steal * 100:.1f} % |"
        )


def quantile(record, metric):
    """The largest of the slices' figures: no slice of a run of equal slices hides a stall."""
    measured = [piece for piece in record["slices"] if record["phases"][piece["phase"]]["measured"]]
    cells = [cell for piece in measured for cell in piece["cells"]]
    return max(cell["quantiles_ms"].get(metric, 0.0) for cell in cells)


def growth(seconds=60):
    with common.nginx() as url, tempfile.TemporaryDirectory() as home:
        cost, _, _ = loadgate(url, Path(home), seconds)
    early = min(cost.sampled, key=lambda sample: abs(sample[0] - 10))[1]
    late = min(cost.sampled, key=lambda sample: abs(sample[0] - (seconds - 1)))[1]
    print(f"\nMemory of loadgate without a wait: {early:.1f} MB at 10 s, {late:.1f} MB at {seconds - 1} s")


def waiting(users, seconds=30):
    """Many users that wait 1 s to 3 s, on answers that take far less than a millisecond."""
    with common.nginx() as url, tempfile.TemporaryDirectory() as home:
        cost, requests, record = loadgate(url, Path(home), seconds, users, "1s..3s")
        print(
            f"\n{users:,} users waiting 1 s to 3 s: {cost.peak_mb:.1f} MB, {requests:,} requests, P50 {quantile(record, 'p50'):.2f} ms, "
            f"P99 {quantile(record, 'p99'):.2f} ms in the worst slice, steal {cost.steal * 100:.1f} %"
        )


def peers_waiting(users=3000, seconds=30):
    with common.nginx() as url, tempfile.TemporaryDirectory() as home:
        cost, _ = k6(url, Path(home), seconds, users, "sleep(1 + 2 * Math.random());")
        p99 = re.search(r"http_req_duration.*?avg=(\S+)", cost.output)
        print(f"k6, {users:,} such users: {cost.peak_mb:.0f} MB, {p99[1] if p99 else '?'} on average")
        cost, _ = locust(url, Path(home), seconds, users, "between", "between(1, 3)", 500)
        average = re.findall(r"^\s*Aggregated\s+\d+\s+\S+\s+\|\s*(\d+)", cost.output, re.MULTILINE)
        print(f"Locust, {users:,} such users: {cost.peak_mb:.0f} MB, {average[0] if average else '?'} ms on average")


def start_up(rounds=20):
    """From the start of the process to the first request's arrival at a server."""
    import socket
    import subprocess
    import threading
    import time

    taken = []
    for _ in range(rounds):
        with socket.socket() as listener, tempfile.TemporaryDirectory() as home:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            arrived = []

            def serve():
                peer, _ = listener.accept()
                peer.recv(1)
                arrived.append(time.monotonic())
                peer.close()

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            folder = common.gate(Path(home) / "gate", scenario(1, 1))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            began = time.monotonic()
            client = subprocess.Popen(
                [LOADGATE, "run", folder, "--target", url, "--out", Path(home) / "out"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            thread.join(5)
            client.kill()
            client.wait()
            taken.append((arrived[0] - began) * 1e3)
    print(f"\nStart of the process to the first request: {median(taken):.1f} ms (median of {rounds}), {max(taken):.1f} ms at most")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=10, help="how long each contender runs")
    arguments.add_argument("--rounds", type=int, default=5, help="how often each contender runs")
    arguments.add_argument("--tools", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS))
    arguments.add_argument("--only", choices=["table", "growth", "waiting", "peers-waiting", "start"])
    chosen = arguments.parse_args()
    needed = {"table": chosen.tools, "growth": [], "waiting": [], "start": []}
    common.install(needed.get(chosen.only, list(CONTENDERS)))
    print(common.machine())
    parts = {
        "table": lambda: table(chosen.seconds, chosen.rounds, chosen.tools),
        "growth": growth,
        "waiting": lambda: [waiting(users) for users in (3_000, 10_000)],
        "peers-waiting": peers_waiting,
        "start": start_up,
    }
    for name, part in parts.items():
        if chosen.only in (None, name):
            part()


if __name__ == "__main__":
    main()
