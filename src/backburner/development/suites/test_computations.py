"""What every computation keeps to. Each file in computations/ is a set of tests."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import computations
from backburner.attempt import handover
from backburner.canonical_json import canonical
from backburner.computation import Computation, declared, registry
from backburner.computation.declared import Values
from backburner.development.compute import values_of
from backburner.development.listed_imports import bundled
from backburner.development.local.template import TEMPLATE, load
from backburner.development.suites.api import Api
from backburner.errors import AttemptFailed
from backburner.http import parameters

FOR_AWS = 100
"""Seconds of the worker's timeout that its calls may take beside an attempt."""

MIN_DOCSTRING = 80
"""Characters."""

SOURCE = Path(next(iter(computations.__path__)))
SHIPPED = registry.names()
REQUIREMENTS = Path("src/requirements.txt")


@pytest.fixture(params=SHIPPED)
def computation(request: pytest.FixtureRequest) -> Computation:
    return registry.load(request.param)


@pytest.fixture
def values(computation: Computation, env_file: Path) -> Values:
    """Of its secrets and settings. Without them its example cannot be computed."""
    try:
        return values_of(computation, env_file)
    except AttemptFailed as error:
        pytest.skip(f"{computation.name} {error}")


def compute(computation: Computation, values: Values) -> tuple[str, list[float]]:
    given = computation.parameters.model_validate_json(canonical(computation.example), strict=True)
    told: list[float] = []
    with declared.given_to_all(values):
        found = computation.run(given, told.append)
        return handover.json_of(computation, found).decode(), told


def test_the_example_computes_to_json_in_the_form_of_the_result(
    computation: Computation, values: Values
) -> None:
    assert compute(computation, values)


def test_the_same_parameters_give_the_same_result(computation: Computation, values: Values) -> None:
    assert compute(computation, values)[0] == compute(computation, values)[0]


def test_progress_goes_from_0_to_1(computation: Computation, values: Values) -> None:
    _, told = compute(computation, values)
    assert told == sorted(told)
    assert all(0 <= fraction <= 1 for fraction in told)


def test_it_is_documented(computation: Computation) -> None:
    assert len(computation.documentation) > MIN_DOCSTRING, (
        f"the docstring of {computation.name} has {len(computation.documentation)} characters, and "
        f"it is the API's documentation: write more than {MIN_DOCSTRING}: what it computes, from "
        "what, and what the answer leaves out"
    )
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


@pytest.mark.usefixtures("values")
def test_its_example_can_be_asked_for_and_is_answered(computation: Computation, api: Api) -> None:
    path = f"/v1/{computation.name}"
    assert api.post(path, computation.example).status in (200, 202)
    reply = api.answer(computation.example, path)
    assert reply.status == 200, reply.json.get("detail")


def test_the_worker_has_the_time_that_it_may_take(computation: Computation) -> None:
    worker = load(TEMPLATE)["Resources"]["WorkerFunction"]["Properties"]
    assert computation.policy.time_limit <= worker["Timeout"] - FOR_AWS


def test_importing_it_needs_nothing_that_the_request_function_lacks(
    computation: Computation,
) -> None:
    """In a fresh interpreter: what comes from site-packages is in src/requirements.txt."""
    script = (
        "import sys, backburner.computation; before = set(sys.modules)\n"
        f"import computations.{computation.name.replace('-', '_')}\n"
        "print(*{m.partition('.')[0] for m in set(sys.modules) - before})"
    )
    imported = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(SOURCE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    ours = {"backburner", "computations"}
    extra = set(imported.stdout.split()) - sys.stdlib_module_names - ours - bundled(REQUIREMENTS)
    assert not extra, (
        f"{computation.name} imports {extra}: import them inside compute(), "
        "or list them in src/requirements.txt"
    )


def test_an_example_is_json(computation: Computation) -> None:
    assert json.loads(json.dumps(computation.example)) == computation.example
