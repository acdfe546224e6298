"""All errors are one tree, and what is logged of one quotes nothing."""

import inspect
from pathlib import Path

import pytest

from backburner import errors, problems
from backburner.development.local.template import Stack
from backburner.errors import BackburnerError, where
from backburner.protocol import store
from tests.support.environment import exactly


def test_every_error_of_the_engine_is_in_the_tree() -> None:
    for module in (errors, problems, store):
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Exception) and kind.__module__ == module.__name__:
                assert issubclass(kind, BackburnerError), name


def test_the_tree_in_the_docstring_has_them_all() -> None:
    kinds = [k for _, k in inspect.getmembers(errors, inspect.isclass)]
    own = [k for k in kinds if k.__module__ == errors.__name__ and k is not BackburnerError]
    assert own
    for kind in own:
        assert f"─ {kind.__name__} " in str(errors.__doc__)


@pytest.fixture
def error() -> KeyError:
    """It has a cause, and both quote a parameter."""

    def fail() -> None:
        raise ValueError("4711")

    try:
        fail()
    except ValueError as cause:
        error = KeyError("0815")
        error.__cause__ = cause
    return error


def test_where_tells_the_lines_and_the_types_of_an_error_and_its_cause_but_no_text(
    error: KeyError, stack: Stack
) -> None:
    with exactly(stack.function("WorkerFunction").environment):
        told = where(error)
    assert told.index("ValueError") < told.index("KeyError")
    assert Path(__file__).name in told
    assert 'raise ValueError("4711")' in told  # the code, which holds no parameters
    assert "ValueError: 4711" not in told
    assert "0815" not in told


def test_on_the_machine_of_its_author_an_error_is_told_with_its_text(error: KeyError) -> None:
    with exactly({"SHOW_ERRORS": "yes"}):
        told = where(error)
    assert told.index("ValueError: 4711") < told.index("KeyError: '0815'")
    assert Path(__file__).name in told
