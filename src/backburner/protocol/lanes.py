"""The lanes: each is a queue and whoever takes from it.

The standard lane is always deployed, and takes the jobs of any that is not: each runs there alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from backburner.computation import STANDARD, WAITING
from backburner.protocol.task_queue import TaskQueue

PARAMETERS = {WAITING: "MaxWaitingWorkers"}
"""The parameter in template.yaml that deploys a lane, if it is not 0."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """The queues of the lanes that are deployed, by lane."""

    queues: Mapping[str, TaskQueue]

    def of(self, lane: str) -> TaskQueue:
        """The queue of a lane; the standard one if that lane is not deployed."""
        return self.queues.get(lane, self.queues[STANDARD])
