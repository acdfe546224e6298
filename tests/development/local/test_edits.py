"""An edit of a computation's code is noticed, and its past forgotten; nothing else is."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backburner.development.local.edits import Edits
from backburner.protocol.store import LostRace
from tests.conftest import MotoDeployment

CODE = {
    "computations/doubling.py": "import units\nPOLICY = Policy(version=1, fresh_for=60)\n",
    "computations/patient/__init__.py": "from . import part\nPOLICY = Policy(version=FIRST)\n",
    "computations/patient/part.py": "def of():\n    from shared import rates\n",
    "computations/patient/table.csv": "1,2",
    "units.py": "from shared.rates import EUR",
    "shared/__init__.py": "",
    "shared/rates.py": "EUR = 1",
    "unused.py": "x = 1",
}
ASKED = "/v1/doubling?number={}"


@dataclass
class Edited:
    """Its code, on which a local deployment looks."""

    folder: Path
    deployment: MotoDeployment
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for file, text in CODE.items():
            self.write(file, text)
        self.start()

    def write(self, file: str, text: str) -> None:
        """At a time of its own: a clock of files is coarse."""
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (len(self.said), hash(text) % 10**9))

    def start(self) -> None:
        dynamodb, table = self.deployment.dynamodb, self.deployment.table
        self.edits = Edits(dynamodb, table, self.folder, [], self.said.append)
        self.edits.notice()

    def answers(self, *numbers: int) -> list[int]:
        return [self.deployment.get(ASKED.format(each)).status for each in numbers]


@pytest.fixture
def project(tmp_path: Path, deployment: MotoDeployment) -> Edited:
    made = Edited(tmp_path, deployment)
    made.answers(1, 2)
    deployment.work()
    assert made.answers(1, 2) == [200, 200]
    deployment.request_handler.local_cache.clear()  # each edit has new processes
    return made


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("computations/doubling.py", CODE["computations/doubling.py"] + "x = 1"),
        ("units.py", "from shared.rates import EUR, SEK"),
        ("shared/rates.py", "EUR = 2"),
        ("shared/__init__.py", "x = 1"),
    ],
)
@pytest.mark.parametrize("between_two_runs", [False, True])
def test_after_an_edit_of_what_it_uses_it_computes_afresh_and_says_so_once(
    project: Edited, file: str, text: str, between_two_runs: bool
) -> None:
    project.write(file, text)
    project.start() if between_two_runs else project.edits.notice()
    assert project.answers(1, 2) == [202, 202]
    [said] = project.said
    assert said == (
        "doubling was edited, and its version is still 1: answers of its former code are "
        "forgotten here (2). In AWS they would be served until they expire: raise version in its "
        "POLICY"
    )
    project.edits.notice()
    project.start()
    assert len(project.said) == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("units.py", "from shared.rates import EUR"),
        ("units.py", "from shared.rates import (\n    EUR,  # a comment\n)\n"),
        ("units.py", "def"),
        ("computations/doubling.py", "POLICY = ("),
        ("computations/patient/table.csv", "3,4"),
        ("unused.py", "x = 2"),
        ("computations/new.py", "x = 1"),
        ("computations/.hidden.py", "x = 1"),
    ],
    ids=["touched", "comment", "no Python", "no Python either", "another's", "unused", "new", "."],
)
def test_what_is_no_edit_of_its_code_forgets_nothing(project: Edited, file: str, text: str) -> None:
    project.write(file, text)
    project.edits.notice()
    assert project.answers(1, 2) == [200, 200]
    project.write(file, CODE.get(file, ""))
    project.start()
    assert project.answers(1, 2) == [200, 200]
    assert project.said == []


def test_an_edit_that_was_no_python_in_between_is_noticed(project: Edited) -> None:
    for text in ("def", "x = 1"):
        project.write("units.py", text)
        project.edits.notice()
    assert project.answers(1) == [202]


def test_with_another_version_nothing_needs_to_be_said(project: Edited) -> None:
    project.write("computations/doubling.py", "V = 2\nPOLICY: Policy = Policy(version=V)")
    project.edits.notice()
    assert (project.answers(1), project.said) == ([202], [])


def test_a_failure_is_forgotten_without_a_word(project: Edited) -> None:
    """It is not what the edit is to keep, and no version would be raised for it."""
    project.deployment.empty()
    project.start()
    project.answers(-1)
    project.deployment.work()
    assert project.answers(-1) == [422]
    project.write("units.py", "x = 1")
    project.edits.notice()
    assert (project.answers(-1), project.said) == ([202], [])


def test_a_job_under_way_begins_again_by_the_new_code(project: Edited) -> None:
    deployment = project.deployment
    asked = deployment.get(ASKED.format(3)).signature
    [message] = deployment.messages()
    run = deployment.store.begin(deployment.entry(asked))
    project.write("units.py", "x = 1")
    project.edits.notice()
    job = deployment.entry(asked).the_job
    assert (job.run, job.attempts, run.job.attempts) == (None, 0, 1)
    assert deployment.get(f"/v1/doubling/{asked}").status == 202
    assert deployment.entry(asked).the_job.sends == 1
    with pytest.raises(LostRace):
        deployment.store.heartbeat(run, 0.5)
    deployment.delete(message)


@pytest.mark.parametrize("file", ["part.py", "table.csv", "deeper/__init__.py"])
def test_all_files_of_a_folder_are_its_code(project: Edited, file: str) -> None:
    before = project.deployment.item("code")
    project.write(f"computations/patient/{file}", "x = 3")
    project.edits.notice()
    after = project.deployment.item("code")
    assert {name for name in after if before[name] != after[name]} == {"patient"}


def test_imports_within_functions_count(project: Edited) -> None:
    before = project.deployment.item("code")
    project.write("shared/rates.py", "EUR = 3")
    project.edits.notice()
    after = project.deployment.item("code")
    assert {name for name in after if before[name] != after[name]} == {"doubling", "patient"}
