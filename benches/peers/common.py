"""What the comparisons share: servers on loopback, processes with their cost, figures of the host."""

import contextlib
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target" / "peers"
LOADGATE = ROOT / "target" / "dist" / "loadgate"
CLIENT_CORE, SERVER_CORE = "0", "1"
BODY = json.dumps(
    {"items": [{"sku": f"SKU-{10458 + n}", "name": f"Item {n}", "price": 1999 + n, "stock": 7} for n in range(18)]}
)[:1200]


def fail(why):
    sys.exit(f"benches/peers: {why}")


def run(*command, **more):
    """Runs a command that must succeed, quietly."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode:
        fail(f"{' '.join(map(str, command))} failed:\n{done.stdout}")
    return done.stdout


def install(tools=()):
    """Brings nginx, wrk and what is missing of these tools, each from its package registry."""
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    TOOLS.mkdir(parents=True, exist_ok=True)
    missing = [package for tool, package in [("wrk", "wrk"), ("nginx", "nginx-light")] if not shutil.which(tool)]
    if missing:
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        run(*sudo, "apt-get", "update", "-qq")
        run(*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing)
    if "oha" in tools and not (TOOLS / "bin" / "oha").exists():
        run("cargo", "install", "--quiet", "--locked", "--root", TOOLS, "oha")
    python = TOOLS / "venv" / "bin" / "python"
    if {"k6", "Locust"} & set(tools) and not (TOOLS / "venv" / "bin" / "locust").exists():
        run(sys.executable, "-m", "venv", TOOLS / "venv")
        run(python, "-m", "pip", "install", "--quiet", "locust", "k6")
    run("cargo", "build", "--profile", "dist", "--locked", cwd=ROOT)


def k6_program():
    """Where the package puts k6: the program itself, not the script that starts it, whose cost would be counted too."""
    script = TOOLS / "venv" / "bin" / "k6"
    found = [path for path in (TOOLS / "venv").rglob("k6*") if path.is_file() and os.access(path, os.X_OK)]
    programs = [path for path in found if path.read_bytes()[:4] == b"\x7fELF"]
    return programs[0] if programs else script


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        time.sleep(0.01)
    fail(f"nothing listens on port {port}")


@contextlib.contextmanager
def nginx():
    """An nginx of one worker on the server's core, answering the catalogue's routes."""
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        temporary = "".join(f"{kind}_temp_path {home}/{kind};" for kind in ["proxy", "fastcgi", "uwsgi", "scgi"])
        Path(home, "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;"
            "events { worker_connections 16384; }"
            f"http {{ access_log off; client_body_temp_path {home}/body; {temporary}"
            "default_type application/json; keepalive_requests 1000000000; keepalive_timeout 600s;"
            f"server {{ listen 127.0.0.1:{port} backlog=16384; location / {{ return 200 '{BODY}'; }} }} }}"
        )
        command = ["taskset", "-c", SERVER_CORE, "nginx", "-p", home, "-c", f"{home}/nginx.conf", "-e", f"{home}/log"]
        server = subprocess.Popen(command)
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


@contextlib.contextmanager
def stand_in(*arguments):
    """The built-in stand-in on the server's core."""
    command = ["taskset", "-c", SERVER_CORE, LOADGATE, "lambda", *map(str, arguments)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


def host_ticks():
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return sum(fields), fields[7]


class Cost:
    """What one process took."""

    def __init__(self, output, wall, cpu, peak_mb, steal, sampled):
        self.output, self.wall, self.cpu, self.peak_mb, self.steal = output, wall, cpu, peak_mb, steal
        self.sampled = sampled  # resident megabytes by second


def memory_mb(pid, key):
    """Resident memory now (VmRSS) or at its peak (VmHWM); what wait4 tells would include the memory of this script."""
    with contextlib.suppress(OSError):
        found = re.search(rf"{key}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def measure(command, **more):
    """Runs a client on its core and says what it cost."""
    before, began = host_ticks(), time.monotonic()
    pinned = ["taskset", "-c", CLIENT_CORE, *map(str, command)]
    peak, sampled = 0.0, []
    with tempfile.TemporaryFile("w+") as output:
        client = subprocess.Popen(pinned, stdout=output, stderr=subprocess.STDOUT, **more)
        while True:
            done, status, usage = os.wait4(client.pid, os.WNOHANG)
            if done:
                break
            peak = max(peak, memory_mb(client.pid, "VmHWM"))
            sampled.append((time.monotonic() - began, memory_mb(client.pid, "VmRSS")))
            time.sleep(0.05)
        client.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        output.seek(0)
        text = output.read()
    after = host_ticks()
    steal = (after[1] - before[1]) / max(1, after[0] - before[0])
    return Cost(text, wall, usage.ru_utime + usage.ru_stime, peak, steal, sampled)


def median(values):
    return statistics.median(values)


def machine():
    cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return f"{cpu[1] if cpu else platform.processor()}, {os.cpu_count()} cores, Linux {platform.release()}"


def gate(folder, scenario, thresholds="limits: { overall: { error_rate: off } }\n"):
    """Writes a gate that judges nothing: a benchmark wants the figures alone."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.yml").write_text(scenario)
    (folder / "thresholds.yml").write_text(thresholds)
    return folder


def result(out):
    return json.loads(Path(out, "result.json").read_text())


def requests_of(record, measured_only=False):
    """Requests and failures over all slices, or those of measured phases."""
    sent = failed = 0
    for piece in record["slices"]:
        if measured_only and not record["phases"][piece["phase"]]["measured"]:
            continue
        for cell in piece["cells"]:
            sent += cell["requests"]
            failed += cell["failures"]
    return sent, failed
