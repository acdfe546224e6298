"""What the jobs of a computation took lately, kept in the table.

A computation has one item of some slots. A worker that completes a job writes what it took into a
slot chosen by chance: one write without a read, and the old is forgotten at the pace of the new.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from backburner import aws
from backburner.protocol.item import attribute
from backburner.telemetry import count, measure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from backburner.protocol.entry import Job
    from backburner.protocol.store import Clock

SLOTS = 64
KEPT_FOR_S = 30 * 86400
"""Seconds after the last job until DynamoDB may forget the computation."""
REFRESH_EVERY_S = 10
"""An instance reads and writes a computation's item once in so many seconds at most."""
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Sample:
    """What one job took."""

    queue_wait: float
    """Seconds from the request to the beginning."""
    run_share: float
    """Its run time over the time that the computation expected for its parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """The samples of each computation. They serve an estimate: to lack them is no failure."""

    client: "DynamoDBClient"
    table: str
    clock: "Clock"
    timer: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    _read: dict[str, tuple[float, Sequence[Sample]]] = field(default_factory=dict)
    _written: dict[str, float] = field(default_factory=dict)

    def of(self, computation: str) -> Sequence[Sample]:
        """The samples, read some seconds ago at most; none if there are none yet."""
        read_at, samples = self._read.get(computation, (NEVER, ()))
        if self.timer() - read_at < REFRESH_EVERY_S:
            return samples
        try:
            found = self.client.get_item(TableName=self.table, Key=_key(computation))
            samples = _samples(found.get("Item", {}))
        except (ClientError, BotoCoreError) as error:
            aws.log("the run times could not be read", error)
        self._read[computation] = (self.timer(), samples)
        return samples

    def record(self, computation: str, job: "Job", computed_at: float) -> None:
        """Tell operators and the next clients' estimates what a job took."""
        started_at = job.started_at or computed_at
        queue_wait, run_time = started_at - job.requested_at, computed_at - started_at
        count("computed", computation)
        measure("queue_wait", queue_wait, computation)
        measure("run_time", run_time, computation)
        if job.attempts == 1:
            self.add(computation, Sample(queue_wait, run_time / job.expected_time))

    def add(self, computation: str, sample: Sample) -> None:
        """Remember what a job took, unless another was remembered just now."""
        if self.timer() - self._written.get(computation, NEVER) < REFRESH_EVERY_S:
            return
        self._written[computation] = self.timer()
        slot = f"slot_{int(SLOTS * self.random())}"
        try:
            self.client.update_item(
                TableName=self.table,
                Key=_key(computation),
                UpdateExpression=f"SET {slot} = :took, expires_at = :end",
                ExpressionAttributeValues={
                    ":took": {"L": [attribute(sample.queue_wait), attribute(sample.run_share)]},
                    ":end": attribute(int(self.clock()) + KEPT_FOR_S),
                },
            )
        except (ClientError, BotoCoreError) as error:
            aws.log("a run time could not be written", error)


def _key(computation: str) -> "dict[str, AttributeValueTypeDef]":
    return {"signature": {"S": f"run-times/{computation}"}}


def _samples(item: Mapping[str, Any]) -> list[Sample]:
    slots = (value["L"] for name, value in item.items() if name.startswith("slot_"))
    return [Sample(float(wait["N"]), float(share["N"])) for wait, share in slots]
