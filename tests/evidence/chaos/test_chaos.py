"""`make chaos` in short."""

from pathlib import Path

import pytest

from tests.evidence.chaos import experiment
from tests.evidence.chaos.faulty_aws import AwsFault

KILLS = 7


@pytest.mark.enable_socket
def test_nothing_is_lost_or_computed_twice_while_workers_are_killed(tmp_path: Path) -> None:
    seen = experiment.run(tmp_path, kills=KILLS, seed=1)
    assert seen.violations() == []
    assert len(seen.kills) == KILLS
    assert seen.restarts
    assert len(seen.injected) == len(AwsFault)
    assert any(kill.number for kill in seen.kills)
