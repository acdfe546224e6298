"""What a computation declares: names, and values that are there during an attempt alone."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

import computations
from backburner.attempt import alone
from backburner.computation import Secret, Setting, declared, registry
from backburner.errors import BrokenComputation, NoValue
from tests.conftest import COMPUTATIONS

DATABASE, CURRENCY = Secret("sales-database"), Setting("currency", default="EUR")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Of computations, beside those that work."""
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    return tmp_path


@pytest.mark.parametrize("kind", [Secret, Setting])
@pytest.mark.parametrize("name", ["a", "sales-database", "db2", "a-1-b"])
def test_a_name_is_lowercase_letters_digits_and_hyphens(kind: Any, name: str) -> None:
    assert kind(name).name == name


@pytest.mark.parametrize("kind", [Secret, Setting])
@pytest.mark.parametrize(
    "name", ["", "A", "sales_database", "a/b", "a b", "-a", "a-", "a--b", "2a", "a\n", "ä", 5, None]
)
def test_another_name_is_refused_with_the_rule_and_a_remedy(kind: Any, name: Any) -> None:
    expected = rf"{re.escape(repr(name))} is not .* needs lowercase letters.*; write it like"
    with pytest.raises(ValueError, match=expected):
        kind(name)


def test_a_default_is_text() -> None:
    with pytest.raises(ValueError, match="default=5 of currency is not text; quote it"):
        Setting("currency", default=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ['Secret("Sales_DB")', 'Setting("currency", default=5)'])
def test_a_bad_declaration_breaks_its_computation_with_file_and_line(
    source: str, folder: Path
) -> None:
    name = f"declares{len(source)}"
    text = f'"""It."""\nfrom backburner.computation import Secret, Setting\nX = {source}\n'
    (folder / f"{name}.py").write_text(text)
    with pytest.raises(BrokenComputation, match=rf"{name}\.py, line 3: .*;"):
        registry.load(name)


def test_what_a_computation_declares_is_known_before_it_computes() -> None:
    assert registry.load("reporting").declared == (DATABASE, CURRENCY)
    assert registry.load("doubling").declared == ()


def test_a_folder_declares_what_its_init_has_wherever_that_was_made(folder: Path) -> None:
    inner = folder / "spread"
    inner.mkdir()
    whole = Path(COMPUTATIONS, "reporting.py").read_text()
    source = whole.replace('DATABASE = Secret("sales-database")', "from .inner import DATABASE")
    (inner / "__init__.py").write_text(source)
    (inner / "inner.py").write_text(
        "from backburner.computation import Secret\n"
        'DATABASE = Secret("sales-database")\nHIDDEN = Secret("hidden")\n'
    )
    assert registry.load("spread").declared == (DATABASE, CURRENCY)


def test_there_is_no_value_outside_of_an_attempt() -> None:
    with pytest.raises(NoValue, match=r"secret 'sales-database' too early; read it in compute"):
        _ = DATABASE.value
    with declared.given({DATABASE: "hidden-away"}):
        assert DATABASE.value == "hidden-away"
    with pytest.raises(NoValue):
        _ = DATABASE.value


def test_a_file_that_reads_a_value_when_it_is_imported_is_broken(folder: Path) -> None:
    (folder / "hasty.py").write_text(
        "from backburner.computation import Secret\n\nTEXT = Secret('a').value\n"
    )
    with pytest.raises(BrokenComputation, match=r"hasty\.py, line 3: .*read it in compute"):
        registry.load("hasty")


def test_what_is_not_declared_cannot_be_read() -> None:
    with (
        declared.given({DATABASE: "hidden-away"}),
        pytest.raises(NoValue, match=r"setting 'currency', which it does not declare; assign"),
    ):
        _ = CURRENCY.value


@pytest.mark.parametrize("text", [str, repr, "{}".format, "{!r}".format])
def test_no_text_of_it_has_its_value(text: Any) -> None:
    with declared.given({DATABASE: "hidden-away", CURRENCY: "hidden-away"}):
        assert text(DATABASE) == "Secret(name='sales-database')"
        assert text(CURRENCY) == "Setting(name='currency')"


def test_a_secret_and_a_setting_of_one_name_are_two() -> None:
    with declared.given({Secret("a"): "secret", Setting("a"): "setting"}):
        assert (Secret("a").value, Setting("a").value) == ("secret", "setting")


def test_an_attempt_has_the_values_in_its_own_process() -> None:
    with declared.given({DATABASE: "hidden-away", CURRENCY: "SEK"}):
        for what, said in (("currency", "SEK"), ("length", "11")):
            body = f'{{"what":"{what}"}}'.encode()
            result = alone.compute("reporting", body, 30, 10, lambda _: None)
            assert result == f'{{"said":"{said}"}}'.encode()
