"""What it costs, from the calls that are counted on each path: the tables of docs/costs.md.

    PYTHONPATH=src .venv/bin/python -m benchmarks.costs

It runs the paths of tests/support/aws_calls on moto, with questions from tests/support/instances.
That takes seconds. What is assumed and not counted is at the top, and the document says so.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

import boto3
from moto import mock_aws

from backburner.development.local.template import Stack, create_stack
from backburner.protocol.store import Leases
from backburner.telemetry import logger
from tests.conftest import REGION, MotoDeployment
from tests.support.aws_calls import paths
from tests.support.aws_calls.functions import NAMES, REQUEST, WORKER, Functions
from tests.support.aws_calls.paths import Path
from tests.support.aws_calls.recorder import Call, Clients, Recorder, heard_clients
from tests.support.instances import parameters

from .prices import (
    ADDRESS,
    ALARM,
    API_REQUEST,
    BALANCER,
    DASHBOARD,
    DISK,
    FARGATE_CPU,
    FARGATE_GB,
    GB_SECOND,
    LAMBDA_REQUEST,
    LOGS,
    MACHINE,
    READ_UNIT,
    REDIS,
    SQS_REQUEST,
    WRITE_UNIT,
)

OWN_TIME = {REQUEST: 3, WORKER: 30}
"""Assumed: milliseconds of a function beside its calls and the computation."""
CALL_TIME = 5
"""Assumed: milliseconds of one call to AWS, from a function that is warm."""
RECEIVE_AND_DELETE = 2
"""What Lambda asks of SQS for a message, by the documentation of its mappings."""
POLLERS, LONG_POLL = 5, 20
"""Assumed: how many times at once, and for how many seconds, Lambda asks an empty queue."""
SHARE_OF_MISSES, POLLS, RUN_TIME = 0.1, 2, 5
"""Assumed for the comparison: one question in ten is new, and takes so many polls and seconds."""

WORKERS = {"the standard lane": WORKER, "the async lane": "AsyncWorkerFunction"}
HOURS, SECONDS = 730, 730 * 3600
"""In a month."""
GB = 1e9
OF_A_LOG_EVENT = 26
"""Bytes that CloudWatch counts beside the text."""
ID = "1f0c4d3e-8b2a-4c57-9d1e-6a7b8c9d0e1f"
LAMBDAS_LINES = [
    f"START RequestId: {ID} Version: 12",
    f"END RequestId: {ID}",
    f"REPORT RequestId: {ID}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 1024 MB\t"
    "Max Memory Used: 128 MB\t",
]
REQUEST_ID = "JKJaXmPLvHcESHA="
ACCESS = {
    "requestId": REQUEST_ID,
    "requestTimeEpoch": "1800000000000",
    "identity.sourceIp": "203.0.113.195",
    "httpMethod": "POST",
    "routeKey": "$default",
    "status": "200",
    "responseLength": "12345",
    "responseLatency": "23",
    "integration.latency": "20",
    "integration.integrationStatus": "200",
    "error.message": "-",
    "authorizer.error": "-",
}
"""A line of the access log, as long as they are."""

REQUESTS: dict[str, Path] = {
    "hits": paths.hit,
    "hits from the local cache": paths.local_cache_hit,
    "`304`": paths.not_modified,
    "misses": paths.miss,
    "polls": paths.poll,
    "stale answers, with a refresh": paths.stale,
    "refusals": paths.refused,
}
QUESTIONS = {"E-n22-k4": 21, "X-n200-k36": 199}
"""Of route-plan: an instance and its stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one time of a path takes."""

    function: str
    memory: float
    """GB."""
    calls: list[Call]
    log_bytes: int

    def of(self, service: str) -> int:
        return sum(call.operation.startswith(f"{service}:") for call in self.calls)

    @property
    def read_units(self) -> float:
        return sum(call.read_units for call in self.calls)

    @property
    def write_units(self) -> float:
        return sum(call.write_units for call in self.calls)

    @property
    def milliseconds(self) -> float:
        return OWN_TIME[self.function] + CALL_TIME * len(self.calls)

    def dollars(self) -> dict[str, float]:
        """Of a million, by who charges them. A request comes by the API, a job by the queue."""
        by_api = self.function == REQUEST
        messages = 0 if by_api else RECEIVE_AND_DELETE
        gb_seconds = self.milliseconds / 1000 * self.memory
        return {
            "API Gateway": API_REQUEST.dollars * by_api,
            "Lambda": LAMBDA_REQUEST.dollars + GB_SECOND.dollars * gb_seconds,
            "DynamoDB": READ_UNIT.dollars * self.read_units + WRITE_UNIT.dollars * self.write_units,
            "SQS": SQS_REQUEST.dollars * (self.of("sqs") + messages),
            "logs": LOGS.dollars * self.log_bytes * 1e6 / GB,
        }

    @property
    def total(self) -> float:
        return sum(self.dollars().values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a question costs on each of its ways."""

    requests: dict[str, Taken]
    job: Taken
    beating: Taken
    """The same job, with three heartbeats."""

    def second(self) -> dict[str, float]:
        """A million computed seconds, beside what their jobs cost."""
        beats = 1e6 / Leases().heartbeat / 3
        write_units = (self.beating.write_units - self.job.write_units) * beats / 1e6
        hidden = (self.beating.of("sqs") - self.job.of("sqs")) * beats / 1e6
        return {
            "Lambda": GB_SECOND.dollars * self.job.memory,
            "DynamoDB": WRITE_UNIT.dollars * write_units,
            "SQS": SQS_REQUEST.dollars * hidden,
        }

    def questions(self) -> float:
        """Dollars of a million questions, of which some are new."""
        asked = self.requests["misses"].total + POLLS * self.requests["polls"].total
        computed = self.job.total + RUN_TIME * sum(self.second().values())
        hits = (1 - SHARE_OF_MISSES) * self.requests["hits"].total
        return hits + SHARE_OF_MISSES * (asked + computed)


def report(deployment: MotoDeployment) -> list[str]:
    """The tables, in the order of the document."""
    sessions = {name: boto3.Session(region_name=deployment.stack.region) for name in NAMES}
    counting = Counting(deployment, *heard_clients(deployment.stack, sessions))
    costs = {question: counting.counted(question) for question in QUESTIONS}
    return [
        *map(of_requests, costs.values()),
        of_seconds(costs),
        of_a_month(deployment),
        of_the_async_lane(deployment),
        of_the_worst_month(deployment, list(costs.values())),
        of_containers(deployment, list(costs.values())),
        of_a_busy_month(list(costs.values())),
    ]


@dataclass(frozen=True, slots=True)
class Counting:
    """Goes paths, and looks at what they take."""

    deployment: MotoDeployment
    clients: Clients
    recorder: Recorder

    def counted(self, question: str) -> Costs:
        body = json.dumps(parameters(question) | {"effort": "quick"})
        return Costs(
            requests={label: self.taken(REQUEST, path, body) for label, path in REQUESTS.items()},
            job=self.taken(WORKER, paths.computed, body),
            beating=self.taken(WORKER, paths.computed_with_three_heartbeats, body),
        )

    def taken(self, function: str, path: Path, body: str) -> Taken:
        functions = Functions(
            deployment=self.deployment,
            clients=self.clients,
            recorder=self.recorder,
            computation="route-plan",
            body=body,
        )
        with written(self.recorder) as lines:
            calls = path(functions)
        self.deployment.empty()
        own = re.sub(r"request-\d+", REQUEST_ID, lines.getvalue()).splitlines()
        access = [access_line(self.deployment.stack.template)] if function == REQUEST else []
        return Taken(
            function=function,
            memory=self.deployment.stack.function(function).memory / 1024,
            calls=calls,
            log_bytes=size([*own, *LAMBDAS_LINES, *access]),
        )


@contextmanager
def written(recorder: Recorder) -> Iterator[io.StringIO]:
    """What is logged and emitted since the recording began."""
    lines = io.StringIO()
    recorder.begins = lambda: (lines.seek(0), lines.truncate())
    handler: Any = logger.registered_handler
    before = handler.setStream(lines)
    try:
        with redirect_stdout(lines):
            yield lines
    finally:
        handler.setStream(before)


def size(lines: list[str]) -> int:
    return sum(len(line.encode()) + OF_A_LOG_EVENT for line in lines)


def access_line(template: dict[str, Any]) -> str:
    line: str = template["Resources"]["Stage"]["Properties"]["AccessLogSettings"]["Format"]
    return re.sub(r"\$context\.([A-Za-z.]+)", lambda found: ACCESS[found[1]], line)


def of_requests(costs: Costs) -> str:
    services = list(costs.job.dollars())
    rows = [*costs.requests.items(), ("jobs, without their seconds", costs.job)]
    return table(
        ["a million", "calls", "read units", "write units", "log bytes", *services, "in all"],
        [
            [
                label,
                f"{len(each.calls)}",
                f"{each.read_units:g}",
                f"{each.write_units:g}",
                f"{each.log_bytes:,}",
                *map(dollars, each.dollars().values()),
                f"**{dollars(each.total)}**",
            ]
            for label, each in rows
        ],
    )


def of_seconds(costs: dict[str, Costs]) -> str:
    rows = [
        [
            f"of {QUESTIONS[question]} stops",
            *map(dollars, each.second().values()),
            f"**{dollars(sum(each.second().values()))}**",
        ]
        for question, each in costs.items()
    ]
    [first, *_] = costs.values()
    return table(["a million seconds", *first.second(), "in all"], rows)


def at_rest(deployment: MotoDeployment) -> dict[str, float]:
    """Dollars a month without a request."""
    return of_a_stack(replace(deployment.stack, parameters={}))


def of_a_stack(stack: Stack) -> dict[str, float]:
    resources = stack.template["Resources"].items()
    alarms = sum(r["Type"] == "AWS::CloudWatch::Alarm" and stack.has(i) for i, r in resources)
    mappings = sum(len(f.event_sources) for f in stack.functions())
    polls = mappings * POLLERS * SECONDS / LONG_POLL
    return {
        f"{alarms} alarms": alarms * ALARM.dollars,
        "the dashboard": DASHBOARD.dollars,
        f"{polls / 1e6:.2f} million empty receives": polls * SQS_REQUEST.dollars / 1e6,
    }


def of_a_month(deployment: MotoDeployment) -> str:
    rows = at_rest(deployment)
    total = f"**{dollars(sum(rows.values()))}**"
    shown = [[what, dollars(each)] for what, each in rows.items()]
    return table(["a month at rest", "dollars"], [*shown, ["in all", total]])


def of_the_async_lane(deployment: MotoDeployment) -> str:
    """What the lane adds to a month at rest, and a second of a worker of each lane."""
    rest = sum(at_rest(deployment).values())
    more = sum(of_a_stack(deployment.stack).values()) - rest
    seconds = {
        label: GB_SECOND.dollars * deployment.stack.function(name).memory / 1024
        for label, name in WORKERS.items()
    }
    rows = [["the async lane, a month at rest", dollars(more)]]
    rows += [
        [f"a million seconds of a worker of {each}", dollars(seconds[each])] for each in seconds
    ]
    return table(["", "dollars"], rows)


def of_the_worst_month(deployment: MotoDeployment, costs: list[Costs]) -> str:
    """As much as the default parameters let through, all month."""
    rate, workers = (deployment.stack.resolve({"Ref": n}) for n in ("RequestRate", "MaxWorkers"))
    requests = rate * SECONDS / 1e6 * max(each.requests["refusals"].total for each in costs)
    seconds = workers * SECONDS / 1e6 * max(sum(each.second().values()) for each in costs)
    rows = [
        [f"{rate} requests a second, all refused", dollars(requests)],
        [f"{workers} workers, day and night", dollars(seconds)],
    ]
    return table(["the worst month", "dollars"], rows)


def of_containers(deployment: MotoDeployment, costs: list[Costs]) -> str:
    hourly = 1.25 * FARGATE_CPU.dollars + 2.5 * FARGATE_GB.dollars
    fargate = HOURS * (hourly + BALANCER.dollars + REDIS.dollars)
    machine = HOURS * (MACHINE.dollars + ADDRESS.dollars) + 20 * DISK.dollars
    rest = sum(at_rest(deployment).values())
    named = {
        "Fargate: a server, a worker, a load balancer, Redis": fargate,
        "EC2: all on one t4g.small": machine,
    }
    rows = [["backburner, at rest", dollars(rest), "", ""]]
    for label, fixed in named.items():
        equal = [f"{(fixed - rest) / each.questions():.2f}" for each in costs]
        rows.append([label, dollars(fixed), *equal])
    heading = [f"break-even: million questions of {n} stops" for n in QUESTIONS.values()]
    return table(["", "a month", *heading], rows)


def of_a_busy_month(costs: list[Costs]) -> str:
    seconds = SECONDS / 1e6
    here = max(sum(each.second().values()) for each in costs) * seconds
    fargate = HOURS * (FARGATE_CPU.dollars + 2 * FARGATE_GB.dollars)
    rows = [["backburner", dollars(here)], ["a container on Fargate", dollars(fargate)]]
    return table([f"one worker, day and night: {seconds:.2f} million seconds", "a month"], rows)


def dollars(value: float) -> str:
    return f"{value:.2f}" if value else "0"


def table(heading: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *["--:"] * (len(heading) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *rows))


def main() -> None:
    with mock_aws():
        stack = create_stack(boto3.client("cloudformation", region_name=REGION))
        deployment = MotoDeployment(
            stack,
            dynamodb=boto3.client("dynamodb", region_name=REGION),
            sqs=boto3.client("sqs", region_name=REGION),
            s3=boto3.client("s3", region_name=REGION),
        )
        print(*report(deployment), sep="\n\n")


if __name__ == "__main__":
    main()
