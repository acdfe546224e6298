"""When the disturbances end."""

import json
from pathlib import Path
from typing import Any

from tests.evidence.chaos.disturbances import Disturber, Kill


class SlowMachine(Disturber):
    """Each round only begins a computation; every twentieth kills a worker."""

    rounds, rounds_in_all = 0, 1000

    def _kill_a_worker(self) -> None:
        self.rounds += 1
        if self.rounds > self.rounds_in_all:
            return
        with self._notes.open("a") as notes:
            begins = {"what": "begins", "number": 1, "process": 1, "worker": 1, "at": self.rounds}
            notes.write(json.dumps(begins) + "\n")
        if self.rounds % 20 == 0:
            self.kills.append(Kill(at=self.rounds, number=None))


def disturbed(folder: Path, **how: Any) -> SlowMachine:
    deployment: Any = type("Nothing", (), {"pids": lambda self, name: []})()
    machine = SlowMachine(deployment, folder / "notes.jsonl", seed=1)
    vars(machine).update(how)
    machine.disturb(10, pace=0, patience=0)
    return machine


def test_however_slow_a_machine_is_it_goes_on_while_something_happens(tmp_path: Path) -> None:
    assert len(disturbed(tmp_path).kills) == 10


def test_it_ends_where_nothing_happens(tmp_path: Path) -> None:
    assert disturbed(tmp_path, rounds_in_all=45).rounds == 46
