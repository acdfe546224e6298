"""All errors are one tree."""

import inspect

from backburner import errors, problems
from backburner.errors import BackburnerError
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
