"""A run of it all: the deployment, its clients, what is done to it, and what was seen."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path

from backburner.development.local.deployment import Deployment
from tests.evidence.chaos import verdict
from tests.evidence.chaos.clients import Asked, Clients
from tests.evidence.chaos.disturbances import Disturber, Execution, Kill, executions
from tests.evidence.chaos.faulty_aws import AwsFault, FaultyAws, Write, faulty_aws
from tests.support.ports import free_port

COMPUTATIONS = Path(__file__).with_name("computations")
LEASES = {"RUNNING_LEASE": "2", "HEARTBEAT_INTERVAL": "0.5", "QUEUED_LEASE": "4"}
"""Seconds, instead of 30, 10 and 60: so a killed job is back in time to be killed again."""
FAULTY_SHARE = 0.12
"""Of the functions' calls to AWS. Each is tried three times, so about one in 600 fails for good."""
CLIENTS, WORKERS = 40, 8
"""How many there are at once."""
PACE = 0.5
"""Seconds from one kill to the next, on the average."""
PATIENCE = 60
"""Seconds without a kill and without a computation that begins, after which it ends."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of it."""

    kills_wanted: int
    asked: list[Asked]
    wrong_at_the_end: list[str]
    executions: list[Execution]
    writes: list[Write]
    kills: list[Kill]
    restarts: int
    injected: Counter[AwsFault]

    def violations(self) -> list[str]:
        found = [
            *verdict.unanswered(self.asked),
            *self.wrong_at_the_end,
            *verdict.computed_twice(self.asked, self.writes, self.executions),
        ]
        if len(self.kills) < self.kills_wanted:
            found.append(f"only {len(self.kills)} of {self.kills_wanted} kills came about")
        return found

    def report(self) -> list[str]:
        return [self._counts(), self._recovery(), self._waiting()]

    def _counts(self) -> str:
        requests = sum(each.statuses.total() for each in self.asked)
        accepted = sum(bool(each.location) for each in self.asked)
        at_work = sum(kill.number is not None for kill in self.kills)
        faults = ", ".join(f"{self.injected[fault]:,} {fault.value}" for fault in AwsFault)
        return (
            f"{requests:,} requests, {accepted:,} questions accepted, "
            f"{len({each.number for each in self.executions}):,} different ones computed in "
            f"{len(self.executions):,} runs; {len(self.kills):,} workers killed, {at_work:,} of "
            f"them at work; {self.restarts} restarts of the request function; "
            f"{self.injected.total():,} calls to AWS failed: {faults}"
        )

    def _recovery(self) -> str:
        times = verdict.recovery_times(self.kills, self.executions)
        return f"a killed job was computed again after: {verdict.p50_and_max(times)}"

    def _waiting(self) -> str:
        longest = verdict.longest_wait_past_expected(self.asked)
        return f"the longest wait past the expected_at told first: {longest:.1f} s"


def run(folder: Path, *, kills: int, seed: int) -> Seen:
    """Until so many workers have been killed; the folder gets what the functions print and note."""
    notes = folder / "notes.jsonl"
    with deployed(folder / "console.txt", seed) as (deployment, aws):
        clients = Clients(deployment.url, notes, clients=CLIENTS, seed=seed)
        disturber = Disturber(deployment, notes, seed=seed)
        with clients.asking():
            disturber.disturb(kills, pace=PACE, patience=PATIENCE)
        aws.share = 0
        return Seen(
            kills_wanted=kills,
            asked=clients.asked,
            wrong_at_the_end=clients.wrong_at_the_end(),
            executions=executions(notes),
            writes=aws.writes,
            kills=disturber.kills,
            restarts=disturber.restarts,
            injected=aws.injected,
        )


@contextmanager
def deployed(console: Path, seed: int) -> Iterator[tuple[Deployment, FaultyAws]]:
    """The functions call AWS through the proxy; what stands for AWS itself, the pumps, does not."""
    moto_port = free_port()
    with (
        console.open("w") as output,
        redirect_stderr(output),
        faulty_aws(f"http://127.0.0.1:{moto_port}", share=FAULTY_SHARE, seed=seed) as aws,
        Deployment(
            moto_port=moto_port,
            workers=WORKERS,
            environment={**LEASES, "AWS_ENDPOINT_URL": aws.url},
            computations=[COMPUTATIONS],
            console=output.fileno(),
        ) as deployment,
    ):
        yield deployment, aws
