"""How long a computation's recent jobs took, kept in the table.

Each computation has one item with SLOTS slots. A worker that completes a job writes its times into
a random slot. This takes one write and no read, and new samples overwrite old ones.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from backburner.aws import time_limits
from backburner.protocol.item import attribute
from backburner.telemetry import count, measure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from backburner.protocol.entry import Job
    from backburner.protocol.store import Clock

SLOTS = 64
KEPT_FOR_S = 30 * 86400
"""Seconds after the last job until DynamoDB may delete the computation's item."""
REFRESH_EVERY_S = 10
"""An instance reads and writes a computation's item at most once in so many seconds."""
FEW, FIRST_EVERY_S = 8, 1
"""The same while there are only a few samples: one cold start would make all clients wait."""
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Sample:
    """The times of one job."""

    queue_wait: float
    """Seconds from the request to the start of the run."""
    run_share: float
    """The run time divided by the expected time for these parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """The samples of each computation. They are only for estimates, so errors are just logged."""

    client: "DynamoDBClient"
    table: str
    clock: "Clock"
    timer: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    _read: dict[str, tuple[float, Sequence[Sample]]] = field(default_factory=dict)
    _written: dict[str, tuple[float, Sequence[Sample]]] = field(default_factory=dict)

    def of(self, computation: str) -> Sequence[Sample]:
        """The samples of a computation, at most some seconds old; empty if there are none yet."""
        read_at, samples = self._read.get(computation, (NEVER, ()))
        if self._is_recent(read_at, samples):
            return samples
        try:
            found = self.client.get_item(TableName=self.table, Key=_key(computation))
            samples = _samples(found.get("Item", {}))
        except (ClientError, BotoCoreError) as error:
            time_limits.log("the run times could not be read", error)
        self._read[computation] = (self.timer(), samples)
        return samples

    def record(self, computation: str, job: "Job", stored_at: float) -> None:
        """Record a job's times in the metrics and, from a first attempt, in the samples.

        Clients can have the answer from `stored_at` on, so the run time lasts until then.
        """
        started_at = job.started_at or stored_at
        queue_wait, run_time = started_at - job.requested_at, stored_at - started_at
        count("computed", computation)
        measure("queue_wait", queue_wait, computation)
        measure("run_time", run_time, computation)
        if job.attempts == 1:
            self.add(computation, Sample(queue_wait, run_time / job.expected_time))

    def add(self, computation: str, sample: Sample) -> None:
        """Write a sample, unless this instance wrote one just now."""
        written_at, samples = self._written.get(computation, (NEVER, ()))
        if self._is_recent(written_at, samples):
            return
        slot = f"slot_{int(SLOTS * self.random())}"
        try:
            written = self.client.update_item(
                TableName=self.table,
                Key=_key(computation),
                UpdateExpression=f"SET {slot} = :took, expires_at = :end",
                ExpressionAttributeValues={
                    ":took": {"L": [attribute(sample.queue_wait), attribute(sample.run_share)]},
                    ":end": attribute(int(self.clock()) + KEPT_FOR_S),
                },
                ReturnValues="ALL_NEW",
            )
            samples = _samples(written.get("Attributes", {}))
        except (ClientError, BotoCoreError) as error:
            time_limits.log("a run time could not be written", error)
        self._written[computation] = (self.timer(), samples)

    def _is_recent(self, at: float, samples: Sequence[Sample]) -> bool:
        return self.timer() - at < (FIRST_EVERY_S if len(samples) < FEW else REFRESH_EVERY_S)


def _key(computation: str) -> "dict[str, AttributeValueTypeDef]":
    return {"signature": {"S": f"run-times/{computation}"}}


def _samples(item: Mapping[str, Any]) -> list[Sample]:
    slots = (value["L"] for name, value in item.items() if name.startswith("slot_"))
    return [Sample(float(wait["N"]), float(share["N"])) for wait, share in slots]
