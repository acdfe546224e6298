"""What every computation keeps to. A file more in computations/ is a set of tests more here."""

import importlib
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import computations
from backburner.computation import BOUNDS, Computation, Policy, registry
from backburner.errors import BrokenComputation, NoSuchComputation
from backburner.http import parameters
from backburner.protocol.signature import canonical
from local.template import TEMPLATE, load

from .conftest import MotoDeployment

FOR_AWS = 100
"""Seconds of the worker's timeout that its calls may take beside an attempt."""

SOURCE = Path(computations.__file__).parent
SHIPPED = registry.names()
REQUIREMENTS = {
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_extensions",
    "typing_inspection",
}


@pytest.fixture(params=SHIPPED)
def computation(request: pytest.FixtureRequest) -> Computation:
    return registry.load(request.param)


def compute(computation: Computation) -> tuple[str, list[float]]:
    given = computation.parameters.model_validate_json(canonical(computation.example), strict=True)
    told: list[float] = []
    return computation.compute(given, told.append).model_dump_json(), told


def test_the_example_computes_to_json_in_the_form_of_the_result(computation: Computation) -> None:
    result, _ = compute(computation)
    assert computation.result.model_validate_json(result, strict=True)


def test_the_same_parameters_give_the_same_result(computation: Computation) -> None:
    assert compute(computation)[0] == compute(computation)[0]


def test_progress_goes_from_0_to_1(computation: Computation) -> None:
    _, told = compute(computation)
    assert told == sorted(told)
    assert all(0 <= fraction <= 1 for fraction in told)


def test_it_is_documented(computation: Computation) -> None:
    assert len(computation.documentation) > 80
    for model in (computation.parameters, computation.result):
        for name, field in model.model_fields.items():
            assert field.description, (
                f"{computation.name}: describe {name} with Field(description=…)"
            )


def test_its_parameters_are_closed_and_their_canonical_form_is_a_fixed_point(
    computation: Computation,
) -> None:
    assert computation.parameters.model_config["extra"] == "forbid"
    once = parameters.dump(computation.parameters.model_validate(computation.example))
    again = computation.parameters.model_validate_json(once, strict=True)
    assert parameters.dump(again) == once


def test_its_example_has_one_signature_in_every_process(computation: Computation) -> None:
    """Also for what its types do not tell: what its validators and its factories of defaults do."""
    script = (
        "from backburner.computation import registry\n"
        "from backburner.http import parameters\n"
        f"computation = registry.load({computation.name!r})\n"
        "given = computation.parameters.model_validate(computation.example)\n"
        "print(parameters.dump(given).decode())"
    )
    signed = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", script],
            env={"PYTHONPATH": str(SOURCE.parent), "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in "123"
    }
    assert len(signed) == 1


def test_its_example_can_be_asked_for_and_is_answered(
    computation: Computation, deployment: MotoDeployment
) -> None:
    assert deployment.post(f"/v1/{computation.name}", computation.example).status == 202
    deployment.work()
    assert deployment.post(f"/v1/{computation.name}", computation.example).status == 200


def test_the_worker_has_the_time_that_it_may_take(computation: Computation) -> None:
    worker = load(TEMPLATE)["Resources"]["WorkerFunction"]["Properties"]
    assert computation.policy.time_limit <= worker["Timeout"] - FOR_AWS


def test_importing_it_needs_nothing_that_the_request_lambda_lacks(computation: Computation) -> None:
    """In a fresh interpreter: what comes in from site-packages is in src/requirements.txt."""
    script = (
        f"import sys, backburner.computation; before = set(sys.modules)\n"
        f"import computations.{computation.name.replace('-', '_')}\n"
        f"print(*{{m.partition('.')[0] for m in set(sys.modules) - before}})"
    )
    imported = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(SOURCE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    extra = (
        set(imported.stdout.split())
        - sys.stdlib_module_names
        - {"backburner", "computations"}
        - REQUIREMENTS
    )
    assert not extra, f"{computation.name} imports {extra}; import them inside compute()"


# the folder


def test_a_name_on_disk_is_the_name_in_the_api() -> None:
    files = [path.stem for path in SOURCE.iterdir() if path.name[0].isalpha()]
    assert sorted(stem.replace("_", "-") for stem in files) == SHIPPED


def test_names_are_known_without_an_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('imported')")
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    assert registry.names() == ["broken"]


def test_an_unknown_name_is_told_which_there_are() -> None:
    with pytest.raises(NoSuchComputation, match=r"there are .*doubling"):
        registry.load("tripling")


def test_a_computation_that_cannot_be_imported_says_why_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "needs_more.py").write_text("import no_such_library")
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    importlib.invalidate_caches()
    with pytest.raises(BrokenComputation, match=r"no_such_library.*inside compute"):
        registry.load("needs-more")


def test_a_computation_that_lacks_a_part_says_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "half_done.py").write_text('"""Half."""\nPOLICY = 1\n')
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    importlib.invalidate_caches()
    with pytest.raises(BrokenComputation, match="lacks Parameters, Result, EXAMPLE, compute"):
        registry.load("half-done")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Of computations, beside those that work."""
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    return tmp_path


BROKEN = {
    "def": "SyntaxError",
    "x = '\0'": "SyntaxError",
    "\xff": "SyntaxError",
    "import sys; sys.exit(3)": "SystemExit at .*: 3",
    "raise BaseException('in_it')": "BaseException at .*: in_it",
    "raise GeneratorExit": "GeneratorExit",
    "1 / 0": "ZeroDivisionError at .*: division by zero",
    "import asyncio\nraise asyncio.CancelledError": "CancelledError",
    "from no_such_library import it": "ModuleNotFoundError at .*: .*no_such_library",
}


@pytest.mark.parametrize("source", BROKEN)
def test_whatever_a_file_does_when_it_is_imported_it_is_named_with_its_line(
    source: str, folder: Path
) -> None:
    (folder / "broken.py").write_text(f'"""It is broken."""\n\n{source}\n', "latin-1")
    with pytest.raises(BrokenComputation, match=BROKEN[source]) as caught:
        registry.load("broken")
    assert "computation 'broken'" in str(caught.value)
    if "\0" not in source and "\xff" not in source:
        line = 3 + source.count("\n")
        assert f"{folder / 'broken.py'}, line {line}" in str(caught.value)


def test_a_file_that_is_interrupted_is_not_broken(folder: Path) -> None:
    (folder / "slow.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        registry.load("slow")


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("Parameters", "Parameters = dict"),
        ("Result", "Result = computation.Parameters"),
        ("POLICY", "POLICY = {'version': 1}"),
        ("EXAMPLE", "EXAMPLE = [1]"),
        ("compute", "compute = 1"),
    ],
)
def test_a_part_of_another_form_is_named(part: str, source: str, folder: Path) -> None:
    whole = Path(computations.__path__[-2], "doubling.py").read_text()
    # A name of its own: what can be imported stays so.
    name = f"misshapen-{part.lower()}"
    (folder / f"{name.replace('-', '_')}.py").write_text(f"{whole}\n\n{source}\n")
    with pytest.raises(BrokenComputation, match=f"has another {part} than"):
        registry.load(name)


def policy(**values: Any) -> Policy:
    return Policy(**{"version": 1, "fresh_for": 600, **values})


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"fresh_for": 59}, "under 60 s"),
        ({"failure_kept_for": 1}, "under 60 s"),
        ({"version": 0}, "not positive"),
        ({"attempts": 0}, "not positive"),
        ({"time_limit": 4000}, "longer"),
        ({"stale_for": -1}, "is negative; give 0 or more"),
        ({"time_limit": 0}, "not positive"),
        ({"expected_time": 0}, "not positive"),
        ({"expected_time": -1}, "not positive"),
        ({"version": 1.5}, "not whole"),
        ({"attempts": 2.0}, "not whole"),
        ({"attempts": 101}, "over 100; give 100 or less"),
        ({"private": "no"}, "neither True nor False"),
    ],
)
def test_a_policy_that_would_hurt_clients_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        policy(**wrong)


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize(
    "value", [math.inf, -math.inf, math.nan, np.float64("nan"), "600", None, True, 1j, [1]]
)
def test_what_is_no_finite_number_is_refused_in_every_field(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name}=.* is no finite number; give one"):
        policy(**{name: value})


@pytest.mark.parametrize("name", BOUNDS)
def test_every_field_has_a_most(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}=.* is over"):
        policy(**{name: 10**16})


def test_an_expected_time_that_is_none_is_refused() -> None:
    policy = Policy(version=1, fresh_for=600, expected_time=lambda _: 0)
    broken = replace(registry.load("doubling"), policy=policy)
    with pytest.raises(BrokenComputation, match="expected_time=0 of doubling is not positive"):
        broken.expected_time(broken.parameters.model_validate(broken.example))


def expecting(expected_time: Any) -> Computation:
    policy = Policy(version=1, fresh_for=600, expected_time=lambda _: expected_time)
    return replace(registry.load("doubling"), policy=policy)


@pytest.mark.parametrize(
    ("expected_time", "what"),
    [(math.inf, "float"), (math.nan, "float"), ("3", "str"), (None, "NoneType"), (True, "bool")],
)
def test_an_expected_time_that_is_no_finite_number_is_refused(
    expected_time: Any, what: str
) -> None:
    broken = expecting(expected_time)
    with pytest.raises(BrokenComputation, match=f"doubling gives no finite number but a {what}"):
        broken.expected_time(broken.parameters.model_validate(broken.example))


@pytest.mark.parametrize(
    ("said", "expected"),
    [(np.float64(2), 2), (np.int64(3), 3), (1e308, 3600), (10**400, 3600), (5e-324, 0.001)],
)
def test_an_expected_time_is_plain_and_no_longer_than_until_the_job_is_given_up(
    said: Any, expected: float
) -> None:
    bounded = expecting(said)
    found = bounded.expected_time(bounded.parameters.model_validate(bounded.example))
    assert (type(found), found) == (float, expected)


def test_an_expected_time_that_raises_is_a_broken_computation() -> None:
    def expected_time(_: object) -> float:
        raise ZeroDivisionError("mark-7d1f")

    policy = Policy(version=1, fresh_for=600, expected_time=expected_time)
    broken = replace(registry.load("doubling"), policy=policy)
    with pytest.raises(BrokenComputation, match="of doubling raises ZeroDivisionError") as caught:
        broken.expected_time(broken.parameters.model_validate(broken.example))
    assert "mark" not in str(caught.value)


def test_an_example_is_json(computation: Computation) -> None:
    assert json.loads(json.dumps(computation.example)) == computation.example
