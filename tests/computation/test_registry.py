"""Which computations there are, and what is said of a file that is none."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import computations
from backburner.computation import ASYNC, STANDARD, registry
from backburner.errors import BrokenComputation, NoSuchComputation
from backburner.telemetry import where
from tests.conftest import COMPUTATIONS

ROOT = Path(__file__).parents[2]
SOURCE = Path(computations.__file__).parent
SHIPPED = registry.names()


def test_a_name_on_disk_is_the_name_in_the_api() -> None:
    files = [path.stem for path in SOURCE.iterdir() if path.name[0].isalpha()]
    assert sorted(stem.replace("_", "-") for stem in files) == SHIPPED


def test_names_are_known_without_an_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('imported')")
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    assert registry.names() == ["broken"]


def test_a_folder_that_is_on_the_path_twice_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computations, "__path__", [*computations.__path__] * 2)
    assert registry.load("doubling").name == "doubling"


def test_an_unknown_name_is_told_which_there_are() -> None:
    with pytest.raises(NoSuchComputation, match=r"there are .*doubling"):
        registry.load("tripling")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Of computations, beside those that work."""
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    return tmp_path


DOUBLING = Path(COMPUTATIONS, "doubling.py").read_text()
AGAIN = DOUBLING.count("\n") + 2
"""The line of what comes after it and an empty line."""
START = '"""It is broken."""\n\n'
MEND, HEAVY, LEAVE = "mend it there", "import heavy libraries inside compute", "leave that out"
IT_WAITS = "\nasync def compute(parameters, progress): ..."
LANES = {
    DOUBLING: STANDARD,
    DOUBLING + IT_WAITS: ASYNC,
}
"""What is in a file, and whose workers compute it."""
BROKEN = {
    # What is in the file: the line, what is said, the remedy.
    "def": (3, "SyntaxError at .*: invalid syntax", MEND),
    "x = '\xff'": (3, "SyntaxError at .*can't decode byte 0xff", "in UTF-8"),
    "x = '\0'": (None, "SyntaxError at .*null bytes", "in UTF-8"),
    "import sys; sys.exit(3)": (3, "SystemExit at .*: 3", LEAVE),
    "raise BaseException('in_it')": (3, "BaseException at .*: in_it", MEND),
    "raise GeneratorExit": (3, "GeneratorExit", MEND),
    "1 / 0": (3, "ZeroDivisionError at .*: division by zero", MEND),
    "import asyncio\nraise asyncio.CancelledError": (4, "CancelledError", MEND),
    "import no_such_library": (3, "ModuleNotFoundError at .*: .*no_such_library", HEAVY),
    "from no_such_library import it": (3, "ModuleNotFoundError at .*: .*no_such_library", HEAVY),
    "from json import nothing_such": (3, "ImportError at .*: .*nothing_such", HEAVY),
    "from backburner.computation import Polcy": (
        3,
        "ImportError at .*: .*Polcy",
        "backburner.computation has no 'Polcy', but Policy$",
    ),
    "from backburner.computations import Policy": (
        3,
        "ModuleNotFoundError at .*: .*backburner.computations",
        "backburner has no 'computations', but computation$",
    ),
    "from backburner import computation\ncomputation.Hour": (
        4,
        "AttributeError at .*: .*Hour",
        "backburner.computation has no 'Hour', but HOUR",
    ),
    "from backburner.computation import Xyz": (
        3,
        "ImportError at .*: .*Xyz",
        "backburner.computation has no 'Xyz', but DAY, HOUR, MINUTE, .*TryAgain, Uncomputable$",
    ),
    "from computations import no_such_part": (3, "ImportError at .*: .*no_such_part", HEAVY),
    "from backburner.computation import Policy\nPOLICY = Policy(\n  version=1,\n  fresh_for=1)": (
        4,
        "ValueError at .*: fresh_for=1 is under 60 s",
        "give 60 or more",
    ),
    "from backburner.computation import Policy\n"
    "POLICY = Policy(version=1, fresh_for=60, time_limit=9, gives_up_after=8)": (
        4,
        "ValueError at .*: gives_up_after=8 is under time_limit=9",
        "make it longer",
    ),
    "POLICY = 1": (None, "lacks Parameters, Result, EXAMPLE, compute in ", "define it there"),
    # A part that works is defined again.
    DOUBLING + "\n__doc__ = ''": (None, "lacks a docstring in ", "define it there"),
    DOUBLING + "\nParameters = dict": (
        AGAIN,
        "a wrong Parameters",
        "inherits computation.Parameters",
    ),
    DOUBLING + "\nResult = Parameters": (AGAIN, "a wrong Result", "inherits computation.Result"),
    DOUBLING + "\nclass Result:\n  it: int": (
        AGAIN,
        "a wrong Result",
        "inherits computation.Result",
    ),
    DOUBLING + "\nPOLICY: dict = {'version': 1}": (AGAIN, "a wrong POLICY", r"Policy\(version="),
    DOUBLING + "\nEXAMPLE = [1]": (AGAIN, "a wrong EXAMPLE", "a dict"),
    DOUBLING + "\ncompute = 1": (AGAIN, "a wrong compute", "a function"),
    DOUBLING + "\nfrom json import decoder as compute": (AGAIN, "a wrong compute", "a function"),
    DOUBLING.replace("number: float", "number: set[float]"): (
        15,
        r"Parameters\.number \(set\[float\]\)",
        "use a list",
    ),
    DOUBLING + "\nclass Result(computation.Result):\n  it: set[int]": (
        AGAIN + 1,
        r"Result\.it \(set\[int\]\)",
        "use a list",
    ),
    DOUBLING + "\nclass Parameters(computation.Parameters):\n  it: 'Nowhere'": (
        AGAIN,
        "Nowhere",
        "define or import",
    ),
}


@pytest.mark.parametrize("source", BROKEN)
def test_whatever_is_wrong_with_a_file_it_is_named_with_line_and_remedy(
    source: str, folder: Path
) -> None:
    line, said, remedy = BROKEN[source]
    # A name of its own: what can be imported stays so.
    name = f"faulty_{list(BROKEN).index(source)}"
    file = folder / f"{name}.py"
    file.write_text((START if DOUBLING[:9] not in source else "") + source + "\n", "latin-1")
    with pytest.raises(BrokenComputation, match=said) as caught:
        registry.load(name.replace("_", "-"))
    told = str(caught.value)
    assert f"computation {name.replace('_', '-')!r}" in told
    assert re.search(remedy, told)
    assert str(file) + (f", line {line}" if line else "") in told


@pytest.mark.parametrize("content", LANES)
def test_its_lane_is_that_of_its_kind(content: str, folder: Path) -> None:
    number = list(LANES).index(content)
    (folder / f"in_lane_{number}.py").write_text(content)
    assert registry.load(f"in-lane-{number}").lane == LANES[content]


def test_an_example_without_parameters_is_one(folder: Path) -> None:
    bare = f"{DOUBLING}\nclass Parameters(computation.Parameters): pass\nEXAMPLE = {{}}\n"
    (folder / "bare.py").write_text(bare)
    assert registry.load("bare").example == {}


def test_what_a_file_imports_of_its_own_folder_is_named_if_that_is_wrong(folder: Path) -> None:
    (folder / "split").mkdir()
    (folder / "split/__init__.py").write_text('"""Split."""\nfrom .solver import it\n')
    (folder / "split/solver.py").write_text("\n\nimport no_such_library\n")
    with pytest.raises(BrokenComputation, match=f"{folder / 'split/solver.py'}, line 3: No module"):
        registry.load("split")


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "elsewhere.py").symlink_to(folder / "nowhere.py")
    with pytest.raises(BrokenComputation, match=f"{folder / 'elsewhere.py'}"):
        registry.load("elsewhere")


MISNAMED = {
    "my-report.py": "my-report",
    "2024.py": "2024",
    "über.py": "über",
    "Report.py": "Report",
    "class.py": "class",
    "my.report.py": "my.report",
    "my report.py": "my report",
    "my-folder/__init__.py": "my-folder",
}


@pytest.mark.parametrize("file", MISNAMED)
def test_a_name_that_cannot_be_a_path_is_said_of_its_file(file: str, folder: Path) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(DOUBLING)
    assert MISNAMED[file] in registry.names()
    path = folder / file.removesuffix("/__init__.py")
    with pytest.raises(BrokenComputation, match=rf"{re.escape(str(path))}: a name .*; rename it"):
        registry.load(MISNAMED[file])


@pytest.mark.parametrize("file", ["a1_b.py", "a.py", "a_/__init__.py"])
def test_lower_case_letters_digits_and_underscores_are_a_name(file: str, folder: Path) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(DOUBLING)
    name = file.partition(".")[0].partition("/")[0].replace("_", "-")
    assert registry.load(name).name == name


def test_a_folder_of_code_without_an_init_is_not_passed_over(folder: Path) -> None:
    (folder / "half").mkdir()
    (folder / "half/solver.py").touch()
    with pytest.raises(BrokenComputation, match=r"lacks .*half/__init__\.py; add it, or start"):
        registry.load("half")


def test_a_name_that_two_files_have_is_broken(folder: Path) -> None:
    (folder / "both.py").touch()
    (folder / "both").mkdir()
    (folder / "both/__init__.py").touch()
    with pytest.raises(BrokenComputation, match=r"twice: .*both and .*both\.py; rename one"):
        registry.load("both")


@pytest.mark.parametrize("file", ["_private.py", ".#edited.py", "notes.txt", "data/it.csv"])
def test_what_is_no_code_or_starts_with_an_underscore_is_ignored(
    file: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).touch()
    found = registry.names()
    monkeypatch.setattr(computations, "__path__", computations.__path__[:-1])
    assert registry.names() == found


NO_NAME = "no-such-computation"


@pytest.mark.parametrize("name", ["doubling", "torn", NO_NAME])
def test_a_process_touches_the_files_of_a_computation_once(name: str, folder: Path) -> None:
    (folder / "torn.py").write_text("1 / 0")
    script = f"""
import os, sys
import computations
from backburner.computation import registry
from backburner.errors import BrokenComputation, NoSuchComputation

computations.__path__ = {list(computations.__path__)!r}
touched, stat = [], os.stat
os.stat = lambda *given, **more: touched.append("stat") or stat(*given, **more)
sys.addaudithook(lambda event, _: touched.append(event))
for _ in range(3):
    touched.clear()
    try:
        registry.load({name!r})
    except (BrokenComputation, NoSuchComputation):
        pass
    print(len({{"open", "os.listdir", "os.scandir", "exec", "stat", "import"}} & set(touched)))
"""
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=True,
    )
    first, *others = map(int, told.stdout.split())
    assert first > 0
    assert others == [0, 0]


def test_what_is_broken_says_the_same_each_time(folder: Path) -> None:
    (folder / "torn_twice.py").write_text("1 / 0")
    told = []
    for _ in range(3):
        with pytest.raises(BrokenComputation) as caught:
            registry.load("torn-twice")
        told.append((str(caught.value), where(caught.value)))
    assert len(set(told)) == 1
    assert "torn_twice.py" in told[0][1]


def test_a_file_that_is_interrupted_is_not_broken(folder: Path) -> None:
    (folder / "slow.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        registry.load("slow")
