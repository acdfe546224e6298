"""Cold starts: a new process up to its first answer, beside boto3 with two clients and the same
calls. Counted is the processor time of user and system; the programs run in turns.

The last figure is the same bundle without its bytecode, which botocore keeps.
"""

import json
import os
import resource
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import bare, built, questions
from benchmarks.canned_control import heard
from benchmarks.paired import Ratio
from benchmarks.questions import SETTLED, UNKNOWN, Event

ROUNDS = 11
REQUEST = """
import json, sys
from backburner.request import handler
answer = handler(json.loads(sys.argv[1]), None)
sys.exit(0 if answer["statusCode"] in (200, 202) else f"the answer was {answer}")
"""
WORKER = """
import json, sys
from dataclasses import replace
from backburner import worker
from backburner.attempt import alone
def compute(name, parameters, *_):
    return alone.result(name, parameters, lambda _: None)
here = replace(worker.worker(), compute=compute)
worker.worker = lambda: here
outcome = worker.handler(json.loads(sys.argv[1]), None)
sys.exit(f"it failed: {outcome}" if outcome["batchItemFailures"] else 0)
"""
FLOOR = """
import boto3
clients = {service: boto3.client(service) for service in ("dynamodb", "sqs")}
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A command of Python and its environment."""

    line: list[str]
    environment: dict[str, str]

    def processor_time(self) -> float:
        """Seconds that a new process takes."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(  # noqa: S603 - the command is ours
            self.line, env=self.environment, cwd="/", check=True, stdout=subprocess.DEVNULL
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@dataclass(frozen=True, slots=True)
class Starting:
    """Makes the programs, against one canned server."""

    endpoint: str

    def ours(self, function: str, program: str, event: Event) -> Program:
        return Program(*built.command(function, self.endpoint, "-c", program, json.dumps(event)))

    def floor(self, ours: Program) -> Program:
        """boto3 with two clients, and the calls that ours makes."""
        heard(self.endpoint)
        ours.processor_time()
        calls = "\n".join(_call(*call) for call in heard(self.endpoint))
        return Program([*ours.line[:2], "-c", FLOOR + calls], ours.environment)


def measure() -> dict[str, Ratio]:
    with built.canned_aws() as endpoint, tempfile.TemporaryDirectory() as folder:
        locations = built.run(built.WORKER, "benchmarks.prepare", endpoint)
        starting = Starting(endpoint)
        get = questions.get(locations[f"21 {SETTLED}"])
        post = questions.post(questions.route_plan(21, UNKNOWN))
        by_get = starting.ours(built.REQUEST, REQUEST, get)
        by_post = starting.ours(built.REQUEST, REQUEST, post)
        job = starting.ours(built.WORKER, WORKER, questions.message(locations["message"]))
        return in_turns(
            {
                "cold_start_get": (by_get, starting.floor(by_get)),
                "cold_start_post": (by_post, starting.floor(by_post)),
                "worker_cold_start": (job, starting.floor(job)),
                "cold_start_compiled": (by_post, without_bytecode(by_post, Path(folder))),
            }
        )


def in_turns(pairs: dict[str, tuple[Program, Program]]) -> dict[str, Ratio]:
    """Each program once a round, in the reverse order every second round."""
    programs = list(dict.fromkeys(id(each) for pair in pairs.values() for each in pair))
    named = {id(each): each for pair in pairs.values() for each in pair}
    rounds = []
    for n in range(ROUNDS):
        order = programs if n % 2 else programs[::-1]
        rounds.append({each: named[each].processor_time() for each in order})
    return {
        name: Ratio.of([times[id(ours)] / times[id(floor)] for times in rounds])
        for name, (ours, floor) in pairs.items()
    }


def without_bytecode(ours: Program, folder: Path) -> Program:
    """The same, from a copy of the bundle."""
    copy = folder / "uncompiled"
    bundle = built.BUILT / built.REQUEST
    shutil.copytree(bundle, copy, ignore=shutil.ignore_patterns("__pycache__"))
    path = f"{copy}{os.pathsep}{built.ROOT}"
    return Program(ours.line, {**ours.environment, "PYTHONPATH": path})


def _call(operation: str, body: dict[str, object]) -> str:
    service, method = bare.method_of(operation)
    return f"clients[{service!r}].{method}(**{bare.with_bytes(body)!r})"
