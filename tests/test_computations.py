"""What every computation keeps to. A file more in computations/ is a set of tests more here."""

import importlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backburner import computations
from backburner.computation import Computation, Policy
from backburner.errors import BrokenComputation, NoSuchComputation
from backburner.http import parameters
from backburner.signature import canonical
from local.template import TEMPLATE, load

from .conftest import Deployment

FOR_AWS = 100
"""Seconds of the worker's timeout that its calls may take beside an attempt."""

SOURCE = Path(computations.__file__).parent
SHIPPED = computations.names()
REQUIREMENTS = {
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_extensions",
    "typing_inspection",
}


@pytest.fixture(params=SHIPPED)
def computation(request: pytest.FixtureRequest) -> Computation:
    return computations.load(request.param)


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


def test_its_example_can_be_asked_for_and_is_answered(
    computation: Computation, deployment: Deployment
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
        f"import backburner.computations.{computation.name.replace('-', '_')}\n"
        f"print(*{{m.partition('.')[0] for m in set(sys.modules) - before}})"
    )
    imported = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(SOURCE.parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    extra = set(imported.stdout.split()) - sys.stdlib_module_names - {"backburner"} - REQUIREMENTS
    assert not extra, f"{computation.name} imports {extra}; import them inside compute()"


# the folder


def test_a_name_on_disk_is_the_name_in_the_api() -> None:
    files = [path.stem for path in SOURCE.glob("[a-z]*.py")]
    assert sorted(stem.replace("_", "-") for stem in files) == SHIPPED


def test_names_are_known_without_an_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('imported')")
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    assert computations.names() == ["broken"]


def test_an_unknown_name_is_told_which_there_are() -> None:
    with pytest.raises(NoSuchComputation, match=r"there are .*doubling"):
        computations.load("tripling")


def test_a_computation_that_cannot_be_imported_says_why_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "needs_more.py").write_text("import no_such_library")
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    importlib.invalidate_caches()
    with pytest.raises(BrokenComputation, match=r"no_such_library.*inside compute"):
        computations.load("needs-more")


def test_a_computation_that_lacks_a_part_says_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "half_done.py").write_text('"""Half."""\nPOLICY = 1\n')
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    importlib.invalidate_caches()
    with pytest.raises(BrokenComputation, match="lacks Parameters, Result, EXAMPLE, compute"):
        computations.load("half-done")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"fresh_for": 59}, "under 60 s"),
        ({"failure_kept_for": 1}, "under 60 s"),
        ({"version": 0}, "not positive"),
        ({"attempts": 0}, "not positive"),
        ({"time_limit": 4000}, "longer"),
    ],
)
def test_a_policy_that_would_hurt_clients_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Policy(**{"version": 1, "fresh_for": 600, **wrong})


def test_an_expected_time_that_is_none_is_refused() -> None:
    policy = Policy(version=1, fresh_for=600, expected_time=lambda _: 0)
    broken = replace(computations.load("doubling"), policy=policy)
    with pytest.raises(BrokenComputation, match="expected_time=0 of doubling is not positive"):
        broken.expected_time(broken.parameters.model_validate(broken.example))


def test_an_example_is_json(computation: Computation) -> None:
    assert json.loads(json.dumps(computation.example)) == computation.example
