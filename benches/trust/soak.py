#!/usr/bin/env python3
"""Real duets on loopback, each with fresh servers: how often does the gate cry wolf, and what does it miss?

Every duet appends one line to a gzipped file: the world it was run in, the exit code and the record with every slice's
histograms, so that any rule can be replayed on it. A soak that was stopped goes on where it was: what is in the file
is not run again. Stop it with Ctrl-C; the servers end with their duet. Duets of one world can run side by side
(`--jobs`): they take less time and disturb each other, as jobs on one host do.

    python3 benches/trust/soak.py duets           # 50 duets with slices of a second, about 35 minutes
    python3 benches/trust/soak.py soak --jobs 6   # 780 duets with short slices, about 40 minutes; one at a time, 4 hours
    python3 benches/trust/soak.py mixed --jobs 6  # 780 mixed duets of running servers
"""

import argparse
import gzip
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADGATE = ROOT / "target" / "dist" / "loadgate"
SCENARIO = """
name: soak
user_classes:
  - name: shopper
    tasks:
      - steps:
          - get: /prod/catalog/items
            name: GET /catalog/items
load:
  - {{ phase: warm-up, arrivals: {rate}/s, for: 2s, measure: false }}
  - {{ phase: steady, arrivals: {rate}/s, for: 10s }}
"""
THRESHOLDS = """
limits: {{ overall: {{ error_rate: off }} }}
regression: {{ gate: [{metric}, error_rate] }}
"""
# The servers of every world: so many environments that no cold start disturbs, and an answer in 5 ms.
SERVER = "--latency 5ms --provisioned 200"


class World:
    """What differs between the two sides, and what must come out."""

    def __init__(self, name, count, target="", base="", failing=False, neighbour=False, **load):
        self.name, self.count, self.target, self.base = name, count, target, base
        self.failing, self.neighbour = failing, neighbour
        self.load = load


SECOND = {"slice": "1s", "guard": "0.3s", "rate": 400, "metric": "p95"}
SHORT = {"slice": "0.25s", "guard": "20ms", "rate": 800, "metric": "p95"}
STALL = {"slice": "2s", "guard": "20ms", "rate": 1000, "metric": "p99"}
# 3,000 requests of both versions together, unless it ends early.
MIXED = {"slice": "0.25s", "rate": 400, "metric": "p95, p99"}
PRESETS = {
    "duets": [
        World("unchanged", 20, **SECOND),
        World("+30 %", 10, "--slow 1.3", failing=True, **SECOND),
        World("errors 0.1 % to 1.5 %", 10, "--errors 1.5%", "--errors 0.1%", failing=True, **SECOND),
        World("unchanged, neighbour", 10, neighbour=True, **SECOND),
    ],
    "soak": [
        World("unchanged", 300, **SHORT),
        World("unchanged, neighbour", 300, neighbour=True, **SHORT),
        World("+10 %", 30, "--slow 1.1", failing=True, **SHORT),
        World("+20 %", 30, "--slow 1.2", failing=True, **SHORT),
        World("+50 %", 30, "--slow 1.5", failing=True, **SHORT),
        World("slowest tenth +50 %", 30, "--tail 10% --tail-slow 1.5", failing=True, **SHORT),
        World("+1 % errors", 30, "--errors 1%", failing=True, **SHORT),
        World("stall of 50 ms every 2 s", 30, "--freeze 50ms --freeze-every 2s", failing=True, **STALL),
    ],
    "mixed": [
        World("unchanged", 300, **MIXED),
        World("unchanged, neighbour", 300, neighbour=True, **MIXED),
        World("+20 %", 60, "--slow 1.2", failing=True, **MIXED),
        World("+20 %, neighbour", 60, "--slow 1.2", failing=True, neighbour=True, **MIXED),
        World("slowest 2 % +50 %", 60, "--tail 2% --tail-slow 1.5", failing=True, **MIXED),
    ],
}
EXITS = {0: "passed", 1: "failed", 3: "invalid", 4: "inconclusive"}


def gate(folder, load):
    folder.mkdir()
    (folder / "scenario.yml").write_text(SCENARIO.format(**load))
    (folder / "thresholds.yml").write_text(THRESHOLDS.format(**load))
    return folder


def neighbour(seed):
    """A process that burns a core for random stretches, until it is ended."""
    code = (
        "import random, time\n"
        f"draw = random.Random({seed})\n"
        "while True:\n"
        "    end = time.monotonic() + draw.uniform(0.2, 2)\n"
        "    while time.monotonic() < end: pass\n"
        "    time.sleep(draw.uniform(0.2, 2))\n"
    )
    return subprocess.Popen([sys.executable, "-c", code])


def duet(world, seed, home):
    """One duet; its exit code and its record."""
    rng = random.Random(f"{world.name} {seed}")
    folder, out = gate(home / "gate", world.load), home / "out"

    # Each start draws its own latencies: with one seed, the servers of all pairs would answer alike, and twelve pairs
    # would tell no more than one.
    def server(own):
        start = f"exec {shlex.quote(str(LOADGATE))} lambda --address 127.0.0.1:$LOADGATE_PORT"
        return f"{start} --seed $(({rng.randrange(10**9)} + $$)) {SERVER} {own}"

    command = [LOADGATE, "run", folder, "--out", out, "--quiet", "--strict", "--seed", str(seed)]
    command += ["--slice", world.load["slice"]]
    if "guard" in world.load:
        command += ["--guard", world.load["guard"]]
    else:
        command += ["--interleave", "mixed", "--restart-every", "0"]
    command += ["--base-cmd", server(world.base), "--target-cmd", server(world.target), "--ready", "/prod/catalog/items"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LOADGATE_", "GITHUB_", "CI"))}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=clean)
    result = out / "result.json"
    record = json.loads(result.read_text()) if result.exists() else None
    return done.returncode, (done.stdout + done.stderr).strip(), record


def slim(record):
    """What a rule looks at: the timeline and the parts are left out."""
    return record and {key: value for key, value in record.items() if key not in ("timeline", "parts")}


def kept(path):
    """Every duet of the file. Each is a gzip member of its own; one that was cut short is the last, and is dropped."""
    data = path.read_bytes() if path.exists() else b""
    size = len(data)
    while data:
        member = zlib.decompressobj(wbits=31)
        line = member.decompress(data)
        if not member.eof:
            os.truncate(path, size - len(data))
            return
        yield json.loads(line)
        data = member.unused_data


def table(path, worlds):
    """How the duets of each world came out."""
    outcomes = {world.name: Counter() for world in worlds}
    for told in kept(path):
        if told["world"] in outcomes:
            outcomes[told["world"]][EXITS.get(told["exit"], f"exit {told['exit']}")] += 1
    print("| world | duets | passed | failed | inconclusive | invalid | other |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, counts in outcomes.items():
        known = [counts[word] for word in ("passed", "failed", "inconclusive", "invalid")]
        row = [sum(counts.values()), *known, sum(counts.values()) - sum(known)]
        print(f"| {name} | " + " | ".join(map(str, row)) + " |")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("preset", choices=PRESETS)
    arguments.add_argument("--file", type=Path, help="where the duets are kept [default: target/trust/PRESET.jsonl.gz]")
    arguments.add_argument("--jobs", type=int, default=1, help="duets of one world that run at once [default: 1]")
    arguments.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    arguments.add_argument("--worlds", nargs="+", help="only these")
    arguments.add_argument("--table", action="store_true", help="only tell what the file holds")
    told = arguments.parse_args()
    path = told.file or ROOT / "target" / "trust" / f"{told.preset}.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    worlds = [world for world in PRESETS[told.preset] if not told.worlds or world.name in told.worlds]
    if not told.table:
        subprocess.run(["cargo", "build", "--profile", "dist", "--locked"], cwd=ROOT, check=True)
        run(worlds, path, told.jobs, time.monotonic() + 60 * told.minutes)
    table(path, worlds)


def run(worlds, path, jobs, until):
    """Every world in turns, so that a soak that is stopped early has some of each."""
    held = Counter(told["world"] for told in kept(path))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while time.monotonic() < until:
            open_worlds = [world for world in worlds if held[world.name] < world.count]
            if not open_worlds:
                break
            world = min(open_worlds, key=lambda world: held[world.name] / world.count)
            seeds = range(held[world.name] + 1, min(held[world.name] + jobs, world.count) + 1)
            for line in together(world, seeds):
                with path.open("ab") as file:
                    file.write(gzip.compress(json.dumps(line).encode() + b"\n"))
                held[world.name] += 1
                print(f"{world.name} {line['seed']}/{world.count}: {EXITS.get(line['exit'], line['exit'])}", flush=True)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here")


def together(world, seeds):
    """Duets side by side, beside one neighbour where the world has one; the lines that the file keeps of them."""
    burner = neighbour(seeds[0]) if world.neighbour else None
    try:
        with ThreadPoolExecutor(len(seeds)) as pool:
            return list(pool.map(lambda seed: kept_of(world, seed), seeds))
    finally:
        if burner:
            burner.kill()
            burner.wait()


def kept_of(world, seed):
    with tempfile.TemporaryDirectory() as home:
        code, said, record = duet(world, seed, Path(home))
    line = {"world": world.name, "failing": world.failing, "seed": seed, "metric": world.load["metric"]}
    return line | {"exit": code, "said": said, "record": slim(record)}


if __name__ == "__main__":
    main()
