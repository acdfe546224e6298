"""The lanes: each is a queue and whoever takes from it. A computation's policy names its own.

The standard lane is always deployed. Each other one has a parameter in template.yaml.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from backburner.computation import WAITING
from backburner.problems import Unavailable
from backburner.protocol.task_queue import TaskQueue

PARAMETERS = {WAITING: "MaxWaitingWorkers"}
"""The parameter that deploys a lane, if it is not OFF."""
OFF = "0"
RETRY_AFTER_S = 60
"""Seconds. A deployment is needed first."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """The queues of the lanes that are deployed, by lane."""

    queues: Mapping[str, TaskQueue]

    def of(self, lane: str) -> TaskQueue:
        """The queue of a lane; Unavailable if that is not deployed."""
        if lane not in self.queues:
            raise Unavailable(
                f"the lane {lane!r} is not deployed; deploy with the parameter "
                f"{PARAMETERS.get(lane, 'of this lane')}, as `backburner docs operations` says",
                retry_after=RETRY_AFTER_S,
            )
        return self.queues[lane]
