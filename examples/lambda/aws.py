"""Runs the gate beside moto, which gets each event of the function's log. Both end with this process."""

import json
import logging
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
from moto.cloudwatch.models import Statistics
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

LOADGATE = os.environ.get("LOADGATE", "loadgate")
EVENTS = Path(".demo/events.jsonl")
FUNCTION = "list-items"
TARGET = (
    f"exec '{LOADGATE}' lambda --address 127.0.0.1:$LOADGATE_PORT --front url --proactive-inits 20% --report-log {EVENTS}"
)
# moto asks for credentials and checks none.
CREDENTIALS = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"}
# Calls that moto does not know, by the end of their path.
UNKNOWN_TO_MOTO = {
    "/account-settings": {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}},
    "/provisioned-concurrency": {"ProvisionedConcurrencyConfigs": []},
}


def statistic_with_percentiles(statistics, name, of_moto=Statistics.get_statistics_for_type):
    """A statistic of a metric, also a percentile (by nearest rank), which moto does not know."""
    if not name.startswith("p"):
        return of_moto(statistics, name)
    values = sorted(statistics.metric_single_values_list)
    return values[math.ceil(len(values) * float(name[1:]) / 100) - 1]


def aws():
    """Starts moto with what it lacks, and returns its address."""
    Statistics.get_statistics_for_type = statistic_with_percentiles
    moto = DomainDispatcherApplication(create_backend_app)

    def respond(environ, start_response):
        for end, body in UNKNOWN_TO_MOTO.items():
            if environ["PATH_INFO"].endswith(end):
                start_response("200 OK", [("content-type", "application/json")])
                return [json.dumps(body).encode()]
        return moto(environ, start_response)

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, respond, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def deploy(client):
    """Gives moto the function that the events are of, and returns its log."""
    role = client("iam").create_role(RoleName="demo", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client("lambda").create_function(
        FunctionName=FUNCTION, Role=role, Runtime="python3.13", Handler="function.handler", Code={"ZipFile": b"-"},
        MemorySize=512, Timeout=15,
    )
    log = {"logGroupName": f"/aws/lambda/{FUNCTION}", "logStreamName": "demo"}
    client("logs").create_log_group(logGroupName=log["logGroupName"])
    client("logs").create_log_stream(**log)
    return log


def metrics(events):
    """What CloudWatch counts of these events. Without errors and throttles Lambda's metrics of them need no points."""
    for event in events:
        own = {"Timestamp": event["timestamp"] / 1e3, "Dimensions": [{"Name": "FunctionName", "Value": FUNCTION}]}
        duration = re.search(r"\tDuration: ([0-9.]+) ms", event["message"])
        yield {**own, "MetricName": "Invocations", "Value": 1}
        yield {**own, "MetricName": "Duration", "Value": float(duration[1]), "Unit": "Milliseconds"}


def follow(client, log):
    """Puts the events into moto as the function's log and metrics, while the load runs and after it."""
    logs, cloudwatch = client("logs"), client("cloudwatch")
    done = 0
    while True:
        lines = EVENTS.read_text().split("\n")[:-1] if EVENTS.exists() else []
        events = [json.loads(line) for line in lines[done : done + 500]]
        done += len(events)
        if events:
            events = [{key: event[key] for key in ("timestamp", "message")} for event in events]
            events.sort(key=lambda event: event["timestamp"])
            logs.put_log_events(logEvents=events, **log)
            cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=list(metrics(events)))
        else:
            time.sleep(0.5)


def main():
    os.environ.update(CREDENTIALS)
    EVENTS.parent.mkdir(exist_ok=True)
    EVENTS.unlink(missing_ok=True)
    url = aws()

    def client(service):
        return boto3.client(service, endpoint_url=url, region_name=CREDENTIALS["AWS_REGION"])

    threading.Thread(target=follow, args=(client, deploy(client)), daemon=True).start()
    gate = subprocess.Popen(
        [LOADGATE, "run", "thresholds/api", "--ready", "/health", "--target-cmd", TARGET, *sys.argv[1:]],
        env={**os.environ, "AWS_ENDPOINT_URL": url},
    )
    # loadgate ends its target, writes what it has, and gives the exit code.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: gate.send_signal(number))
    return gate.wait()


if __name__ == "__main__":
    sys.exit(main())
