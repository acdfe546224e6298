"""One attempt at a computation, in a process of its own that takes nothing with it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from math import inf, nan
from pathlib import Path
from typing import Annotated, Any, Self

import jsonschema
import numpy as np
import pytest
from pydantic import (
    BaseModel,
    Field,
    Json,
    PlainSerializer,
    SerializeAsAny,
    computed_field,
    field_serializer,
    model_serializer,
    model_validator,
)

import computations
from backburner.attempt import alone, frames, handover, isolation
from backburner.attempt.frames import FRACTION, MAX_RESULT_BYTES, Kind
from backburner.computation import Result, registry
from backburner.errors import AttemptFailed, TryAgain, Uncomputable
from backburner.problems import ResultTooLarge
from tests.support.environment import exactly
from tests.support.eventually import eventually

UNRULY = Path(__file__).parents[1] / "support/unruly"
LONG, SHORT = 30.0, 0.05
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere orphans are not adopted")


class NotMine(Exception):
    """The run is not mine any more."""


def ignore(_progress: float) -> None:
    """A heartbeat that says nothing."""


def compute(
    name: str, parameters: object, *, limit: float = LONG, beat: alone.Beat = ignore
) -> object:
    return json.loads(alone.compute(name, json.dumps(parameters).encode(), limit, SHORT, beat))


def test_a_result_comes_back_as_json() -> None:
    assert compute("doubling", {"number": 21}) == {"doubled": 42, "label": ""}


def test_a_refusal_comes_back_as_such() -> None:
    with pytest.raises(Uncomputable, match="at least 0"):
        compute("doubling", {"number": -1})


def test_a_crash_comes_back_with_the_place_and_without_the_parameters_that_it_quotes() -> None:
    with pytest.raises(AttemptFailed, match=r"^ArithmeticError, crashing\.py:\d+$") as caught:
        compute("crashing", {"how": "raise", "salt": 71307130})
    first, second, *_, last = caught.value.where.splitlines()
    assert re.fullmatch(r' +File ".*crashing\.py", line \d+, in compute', first)
    assert second.startswith("    raise ArithmeticError(")
    assert last == "ArithmeticError"
    assert "71307130" not in caught.value.where


def test_a_group_of_one_error_is_that_error() -> None:
    group = ExceptionGroup("", [ExceptionGroup("", [Uncomputable("too far")])])
    assert alone.why_none(group) == (Kind.REFUSAL, b"too far")
    assert alone.why_none(ValueError("x"))[1].startswith(b"ValueError\n")


def test_on_the_machine_of_its_author_a_crash_comes_back_with_its_text() -> None:
    with (
        exactly({**os.environ, "SHOW_ERRORS": "yes"}),
        pytest.raises(AttemptFailed, match=r"^ArithmeticError, crashing\.py:\d+: .*71307130"),
    ):
        compute("crashing", {"how": "raise", "salt": 71307130})


def test_a_process_that_is_killed_is_noticed() -> None:
    with pytest.raises(AttemptFailed, match="died with exit code -9"):
        compute("crashing", {"how": "die"})


def test_a_computation_that_runs_over_its_limit_is_killed() -> None:
    with pytest.raises(AttemptFailed, match="time_limit"):
        compute("endless", {"quiet": True}, limit=SHORT)


def test_a_heartbeat_that_raises_ends_the_attempt() -> None:
    told: list[float] = []

    def beat(progress: float) -> None:
        told.append(progress)
        if len(told) == 3:
            raise NotMine

    with pytest.raises(NotMine):
        compute("endless", {}, beat=beat)
    assert told == sorted(told)
    assert 0 < told[-1] <= 1


def test_a_computation_that_says_nothing_has_its_heartbeat_all_the_same() -> None:
    def beat(progress: float) -> None:
        raise NotMine

    with pytest.raises(NotMine):
        compute("endless", {"quiet": True}, beat=beat)


def outcome(name: str, parameters: object) -> tuple[list[float], Kind, str]:
    """What the child tells, told in this process."""
    told: list[float] = []
    kind, content = alone.outcome(name, json.dumps(parameters).encode(), told.append)
    return told, kind, content.decode()


def test_the_child_tells_of_progress_and_result() -> None:
    told, kind, content = outcome("doubling", {"number": 1})
    assert (told, kind, content) == ([0.5], Kind.RESULT, '{"doubled":2.0,"label":""}')


def test_the_child_tells_why_there_is_none() -> None:
    assert outcome("doubling", {"number": -1})[1] == Kind.REFUSAL
    assert outcome("crashing", {"how": "raise"})[1] == Kind.FAILURE


def test_an_async_computation_is_run_to_its_end() -> None:
    assert compute("patient", {"how": "waits"})["met"] == 1  # type: ignore[index]
    with pytest.raises(Uncomputable, match="as asked"):
        compute("patient", {"how": "refuses"})


def test_a_computation_says_when_it_is_to_be_tried_again() -> None:
    with pytest.raises(TryAgain, match=r"^patient asks for another attempt: the origin") as caught:
        compute("patient", {"how": "again", "seconds": 90})
    assert caught.value.after == 90


@pytest.mark.parametrize(
    ("after", "seconds"), [(0, 0.0), (2.5, 2.5), (np.float32(2), 2.0), (10**400, 39600.0)]
)
def test_when_to_try_again_is_in_seconds_up_to_what_a_queue_can_hide(
    after: Any, seconds: float
) -> None:
    assert TryAgain("", after=after).after == seconds


@pytest.mark.parametrize("after", [-1, nan, inf, -inf, "5", None, True])
def test_when_to_try_again_is_no_other_value(after: Any) -> None:
    with pytest.raises(AttemptFailed, match=r"with after=.*; give seconds, 0 or more"):
        TryAgain("", after=after)


# what is unruly


@pytest.fixture
def unruly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Computes it; `there` are the processes that it has left a note of."""
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(UNRULY)])

    def compute_unruly(how: str, **options: Any) -> object:
        return compute("unruly", {"how": how, "there": str(tmp_path)}, **options)

    return compute_unruly


def is_there(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


@ON_LINUX
@pytest.mark.parametrize(
    ("how", "left", "outcome"),
    [
        ("forks", 1, "result"),
        ("forks_and_dies", 1, "exit code -9"),
        ("daemonises", 1, "result"),
        ("daemonises_and_dies", 1, "exit code -9"),
        ("executes", 1, "exit code 0"),
        ("multiplies", 20, "result"),
        ("has_children", 1, "result"),
        ("ignores_all_signals", 1, "time_limit"),
        ("fills_the_pipe_from_elsewhere", 1, "exit code 4"),
    ],
)
def test_no_process_of_an_attempt_outlives_it(
    how: str, left: int, outcome: str, unruly: Callable[..., Any], tmp_path: Path
) -> None:
    """However it was detached, whatever signals it ignores, and though it holds the pipe."""
    if outcome == "result":
        assert unruly(how)["number"] == left
    else:
        with pytest.raises(AttemptFailed, match=outcome):
            unruly(how, limit=1)
    assert len(list(tmp_path.iterdir())) == left
    assert not [each.name for each in tmp_path.iterdir() if is_there(each.name)]


@ON_LINUX
@pytest.mark.parametrize("how", ["forks_and_dies", "daemonises_and_dies"])
def test_a_dead_attempt_does_not_look_alive_until_its_limit(
    how: str, unruly: Callable[..., Any]
) -> None:
    """LONG is far longer than it takes to notice that another process holds the pipe."""
    started = time.monotonic()
    with pytest.raises(AttemptFailed, match="exit code -9"):
        unruly(how, limit=LONG)
    assert time.monotonic() - started < LONG / 3


@ON_LINUX
def test_processes_that_are_not_of_the_attempt_are_left_alone(unruly: Callable[..., Any]) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        unruly("daemonises")
        assert bystander.poll() is None


@ON_LINUX
def test_what_is_orphaned_while_processes_are_listed_ends_with_the_attempt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Child:
        pid, exitcode = -1, None

        def kill(self) -> None:
            """It dies while the processes are listed."""

    child: Any = Child()
    orphan = subprocess.Popen(["sleep", "60"], start_new_session=True)  # noqa: S607
    before = iter([set[int](), set[int]()])

    def children() -> set[int]:
        child.exitcode = -9
        return next(before, {orphan.pid} if is_there(str(orphan.pid)) else set())

    monkeypatch.setattr(isolation, "_children", children)
    started = isolation.Isolation(str(tmp_path))
    child.exitcode = None
    started.end(child)
    assert not is_there(str(orphan.pid))
    orphan.wait(0)


@ON_LINUX
def test_an_attempt_cannot_end_its_worker_with_its_group(unruly: Callable[..., Any]) -> None:
    with pytest.raises(AttemptFailed, match="exit code -9"):
        unruly("ends_its_group")


def test_only_the_attempt_itself_tells_what_comes_of_it(unruly: Callable[..., Any]) -> None:
    """A process that it has forked comes back from compute as well, and earlier."""
    assert unruly("comes_back_twice") == {"number": 1, "words": {}}


def test_a_thread_that_goes_on_keeps_nobody(unruly: Callable[..., Any]) -> None:
    assert unruly("leaves_a_thread") == {"number": 1, "words": {}}


@ON_LINUX
def test_an_attempt_ends_with_its_worker(tmp_path: Path) -> None:
    parameters = json.dumps({"how": "ignores_all_signals", "there": str(tmp_path)})
    script = (
        "import computations\nfrom backburner.attempt import alone\n"
        f"computations.__path__.append({str(UNRULY)!r})\n"
        f"alone.compute('unruly', {parameters!r}.encode(), 60, 60, print)"
    )
    source = Path(alone.__file__).parents[2]
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, env={"PYTHONPATH": str(source)}) as worker:  # noqa: S603
        eventually(lambda: list(tmp_path.iterdir()))
        worker.kill()
    [left] = tmp_path.iterdir()
    eventually(lambda: not is_there(left.name))


@pytest.mark.parametrize(
    ("how", "why", "takes"),
    [
        ("closes_all", "closed its pipe", alone.EXIT),
        ("writes_half_a_frame", "time_limit", 1),
        ("writes_half_a_frame_and_dies", "exit code 0", 0),
        ("writes_garbage", "wrote to the worker's pipe", 0),
        ("announces_too_long_a_reason", "wrote to the worker's pipe", 0),
        ("fills_the_pipe", "time_limit", 1),
    ],
)
def test_whatever_an_attempt_does_to_the_pipe_it_fails_in_time(
    how: str, why: str, takes: float, unruly: Callable[..., Any]
) -> None:
    """With a heartbeat all the while, or about it: two are in time if they are within a second."""
    beats: list[float] = []
    started = time.monotonic()
    limit = 1 if why == "time_limit" else LONG  # what ends by itself does not end by its limit
    with pytest.raises(AttemptFailed, match=why):
        unruly(how, limit=limit, beat=lambda _: beats.append(time.monotonic()))
    assert time.monotonic() - started < takes + LONG / 3
    if why == "time_limit":
        assert len(beats) > 3
        assert max(later - sooner for sooner, later in pairwise(beats)) < 1


def test_a_result_that_is_too_large_is_not_even_received(unruly: Callable[..., Any]) -> None:
    with pytest.raises(ResultTooLarge, match=f"{MAX_RESULT_BYTES} are the most"):
        unruly("is_too_large")


def test_files_of_an_attempt_go_with_it(unruly: Callable[..., Any], tmp_path: Path) -> None:
    here, temporary = Path.cwd(), tempfile.gettempdir()
    unruly("leaves_files")
    was_at, was_temporary = (tmp_path / "folder").read_text().splitlines()
    assert was_at == was_temporary != str(here)
    assert not Path(was_at).exists()
    assert (Path.cwd(), tempfile.gettempdir()) == (here, temporary)


def test_an_attempt_leaves_no_descriptor_open(unruly: Callable[..., Any]) -> None:
    compute("doubling", {"number": 1})
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208
    for how in ("forks", "leaves_files"):
        unruly(how)
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208


def test_an_exit_is_a_crash(unruly: Callable[..., Any]) -> None:
    with pytest.raises(AttemptFailed, match=r"^SystemExit, unruly\.py:\d+$") as caught:
        unruly("exits")
    assert "in exits" in caught.value.where
    assert "mark" not in caught.value.where.replace('sys.exit("mark-7d1f")', "")


@pytest.mark.parametrize(
    ("how", "error"),
    [("crashes_deeply", "RecursionError"), ("crashes_in_a_long_chain", "ValueError")],
)
def test_however_long_a_crash_is_its_end_is_told(
    how: str, error: str, unruly: Callable[..., Any]
) -> None:
    with pytest.raises(AttemptFailed, match=error) as caught:
        unruly(how)
    assert len(str(caught.value)) < 2 * frames.MAX_REASON_BYTES


# what it hands over: progress


@pytest.mark.parametrize(
    ("done", "fraction"),
    [
        (0.1, 0.1),
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int64(1), 1),
        (True, 1),
        (5, 1),
        (inf, 1),
        (-inf, 0),
        (-0.1, 0),
        (1e-200, 0),
        (2 / 3, 0.6667),
    ],
)
def test_progress_is_a_plain_number_from_0_to_1(done: Any, fraction: float) -> None:
    found = handover.fraction(done)
    assert (type(found), found) == (float, fraction)


@pytest.mark.parametrize(
    ("done", "what"),
    [(nan, "NaN"), (np.float64(nan), "NaN"), ("0.5", "str"), (None, "None"), (1j, "complex")],
)
def test_progress_that_is_no_number_is_refused(done: Any, what: str) -> None:
    with pytest.raises(AttemptFailed, match=rf"{what}.*; give a number from 0.0 to 1.0"):
        handover.fraction(done)


def test_a_computation_that_counts_with_numpy_has_its_progress(unruly: Callable[..., Any]) -> None:
    pytest.importorskip("numpy")
    told: list[float] = []
    unruly("progress_in_numpy", beat=told.append)
    assert {type(each) for each in told} == {float}
    assert {0.1, 0.5} <= set(told)


def test_a_progress_of_nan_is_a_failed_attempt_that_says_so(unruly: Callable[..., Any]) -> None:
    with pytest.raises(AttemptFailed, match="unruly calls progress with NaN"):
        unruly("progress_nan")


def test_what_comes_over_the_pipe_as_progress_is_checked_again() -> None:
    theirs, ours = os.pipe()
    frames.write(ours, Kind.PROGRESS, FRACTION.pack(nan))
    [(_, content)] = frames.Reader(theirs, "any").read()
    with pytest.raises(AttemptFailed, match="NaN"):
        handover.fraction(*FRACTION.unpack(content))
    os.close(ours)
    os.close(theirs)


# what it hands over: results and refusals


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("returns_another_model", "the type Another; return its own Result"),
        ("returns_a_dict", "the type dict; return its own Result"),
        ("returns_what_was_not_validated", r"number \(int_type\), words.\* \(int_type\)"),
        ("returns_what_is_missing", r"number \(missing\)"),
        ("returns_what_was_changed", r"words.\* \(int_type\)"),
        ("returns_what_is_out_of_range", r"number \(greater_than_equal\)"),
    ],
)
def test_a_result_that_is_not_what_it_declares_is_a_failed_attempt(
    how: str, why: str, unruly: Callable[..., Any]
) -> None:
    """It says what is wrong and where, without any value."""
    with pytest.raises(AttemptFailed, match=why) as caught:
        unruly(how)
    assert "71307130" not in str(caught.value)
    assert "mark" not in str(caught.value)


def handed_over(found: Result) -> Any:
    computation = replace(registry.load("doubling"), result=type(found))
    return json.loads(handover.json_of(computation, found))


class Inner(BaseModel):
    any: Any = None
    number: float | None = None


class Loose(Result):
    any: Any = None
    mapped: dict[str, Any] = Field({})
    inner: Inner = Inner()
    told: Annotated[Any, PlainSerializer(lambda v: "n/a", when_used="json")] = nan


class Labelled(BaseModel):
    @model_serializer
    def label(self) -> str:
        return "label"


class More(Inner):
    more: int = 1


class Written(Result):
    renamed: Annotated[int, Field(alias="Renamed", ge=0)] = 1
    read: int = Field(default=1, validation_alias="given")
    written: int = Field(default=1, serialization_alias="Written")
    secret: int = Field(exclude=True)
    zero: int = Field(default=0, exclude_if=lambda value: value == 0)
    at: datetime | None = datetime(2026, 1, 1, tzinfo=UTC)
    never: datetime | None = None
    unpacked: Json[list[int]]
    duck: SerializeAsAny[Inner] = More()
    labelled: list[Labelled | int] = Field([Labelled()])
    itself: "Written | None" = None

    @field_serializer("at", "never", when_used="unless-none")
    def seconds(self, at: datetime) -> int:
        return int(at.timestamp())

    @computed_field(alias="Sum")  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        return 2

    @model_validator(mode="after")
    def check(self) -> Self:
        assert self.at
        assert self.at.year
        return self


INNER = Written.model_validate({"unpacked": "[2]", "secret": 1})
WRITTEN = Written.model_validate({"unpacked": "[1]", "secret": 1, "itself": INNER})


@pytest.mark.parametrize("found", [WRITTEN, Loose(any=[None, "NaN"], mapped={"a": "-Infinity"})])
def test_a_result_is_valid_as_it_is_written_and_so_as_the_documents_say(found: Result) -> None:
    written = handed_over(found)
    assert written == found.model_dump(mode="json", by_alias=True, warnings=False)
    jsonschema.validate(written, type(found).model_json_schema(mode="serialization"))


def test_a_result_that_is_not_valid_as_it_is_written_says_where() -> None:
    changed = WRITTEN.model_copy(update={"renamed": -1, "read": "1", "itself": "71307130"})
    where = r"Renamed \(greater_than_equal\), read \(int_type\), itself.* \(\w+\); make it"
    with pytest.raises(AttemptFailed, match=where):
        handed_over(changed)


@pytest.mark.parametrize(
    "value", [nan, inf, -inf, np.float64(nan), *map(Decimal, ("NaN", "-Infinity"))]
)
@pytest.mark.parametrize(
    "put",
    [
        lambda value: Loose(any=value),
        lambda value: Loose(any=["x", {"y": (value,)}]),
        lambda value: Loose(mapped={"x": None, "y": {value}}),
        lambda value: Loose(inner=Inner(any=value)),
        lambda value: Loose(inner=Inner.model_construct(number=value)),
    ],
)
def test_a_result_has_no_number_that_json_lacks(value: Any, put: Callable[[Any], Result]) -> None:
    with pytest.raises(AttemptFailed, match=r"NaN or an infinity; give None|float_type"):
        handed_over(put(value))


def test_a_refusal_is_cut_off_where_it_is_too_long(unruly: Callable[..., Any]) -> None:
    with pytest.raises(Uncomputable, match=r"why noté+…$") as caught:
        unruly("refuses_at_length")
    assert len(str(caught.value)) == handover.MAX_REASON_LENGTH


def test_a_refusal_is_unicode(unruly: Callable[..., Any]) -> None:
    with pytest.raises(Uncomputable, match=r"a \? surrogate"):
        unruly("refuses_in_no_unicode")


# frames


def test_a_frame_may_come_in_pieces_or_with_others() -> None:
    theirs, ours = os.pipe()
    reader = frames.Reader(theirs, "any")
    frames.write(ours, Kind.PROGRESS, bytes(8))
    frames.write(ours, Kind.REFUSAL, b"")
    os.write(ours, b"\x02\x00\x00\x00\x00\x00\x00\x00\x02{")
    assert list(reader.read()) == [(Kind.PROGRESS, bytes(8)), (Kind.REFUSAL, b"")]
    os.write(ours, b"}")
    assert list(reader.read()) == [(Kind.RESULT, b"{}")]
    os.close(ours)
    with pytest.raises(EOFError):
        list(reader.read())
    os.close(theirs)


@pytest.mark.parametrize(
    "header",
    [b"\x00", b"\x05", b"\x06", b"\xff"]
    + [kind + b"\x00\x00\x00\x00\x00\x00\x00\x07" for kind in (b"\x01", b"\x05")],
)
def test_what_is_no_frame_is_refused(header: bytes) -> None:
    theirs, ours = os.pipe()
    os.write(ours, header.ljust(9, b"\0"))
    with pytest.raises(AttemptFailed, match="any wrote to the worker's pipe"):
        list(frames.Reader(theirs, "any").read())
    os.close(ours)
    os.close(theirs)


# its environment


def surroundings(name: str) -> object:
    found = compute("surroundings", {"name": name})
    assert isinstance(found, dict)
    return found["value"]


def test_a_computation_has_the_variables_of_the_parameter_and_the_worker_has_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORKER_ENVIRONMENT", "ONE=1 TWO='a b=c' THREE=")
    assert [surroundings(name) for name in ("ONE", "TWO", "THREE")] == ["1", "a b=c", ""]
    assert not {"ONE", "TWO", "THREE"} & set(os.environ)


@pytest.mark.parametrize("name", ["TABLE_NAME", "AWS_REGION", "TMPDIR", "COMPUTATIONS_PACKAGE"])
def test_a_variable_that_lambda_or_the_engine_sets_is_not_changed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", "table")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("WORKER_ENVIRONMENT", f"A=1 {name}=other")
    with pytest.raises(AttemptFailed, match=rf"WorkerEnvironment sets {name}, which .*; take"):
        surroundings(name)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("A=1 B", r"has 'B', which is not NAME=value; quote values with spaces"),
        ("1A=1", r"has '1A=1', which is not"),
        ("=1", r"has '=1', which is not"),
        ("A-B=1", r"has 'A-B=1', which is not"),
        ("A='1", r"cannot be split \(No closing quotation\); quote it as in a shell"),
    ],
)
def test_variables_of_another_form_fail_the_attempt_and_say_why(
    given: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKER_ENVIRONMENT", given)
    with pytest.raises(
        AttemptFailed, match=f"surroundings is not begun: the parameter WorkerEnvironment {why}"
    ):
        surroundings("A")


def test_an_attempt_without_variables_has_its_workers_own() -> None:
    assert surroundings("PATH") == os.environ["PATH"]
