"""All errors are one tree, and what is logged of one quotes nothing."""

import inspect
from pathlib import Path

from backburner import errors, problems
from backburner.errors import BackburnerError, where
from backburner.protocol import store


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


def test_where_tells_the_lines_and_the_types_of_an_error_and_its_cause_but_no_text() -> None:
    def fail() -> None:
        raise ValueError("4711")

    try:
        fail()
    except ValueError as cause:
        error = KeyError("0815")
        error.__cause__ = cause
    told = where(error)
    assert told.index("ValueError") < told.index("KeyError")
    assert Path(__file__).name in told
    assert 'raise ValueError("4711")' in told  # the code, which holds no parameters
    assert "ValueError: 4711" not in told
