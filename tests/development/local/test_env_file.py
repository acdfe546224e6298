"""What a .env file says, and that the worker finds it where it looks in AWS."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from backburner.development.local.env_file import EnvFile, declared_by, values

FILE = r"""
# a comment
SALES_DATABASE=postgres://app:pass@db/sales?a='b'#c
export CURRENCY = SEK   # not a part of it
LITERAL='a "b" \n # c'
ESCAPED="a \"b\" 'c' \\ # d\ne" # but this
SPACES= two  words
EMPTY=
COMMENTED= # only
HASH=#x
QUOTED_EMPTY=""
no_assignment
lower_too=x
LINES="one
two"
REFERENCE=${CURRENCY}
BROKEN="no end
"""
SAID = {
    "sales-database": "postgres://app:pass@db/sales?a='b'#c",
    "currency": "SEK",
    "literal": r'a "b" \n # c',
    "escaped": "a \"b\" 'c' \\ # d\ne",
    "spaces": "two  words",
    "lower-too": "x",
    "lines": "one\ntwo",
    "reference": "${CURRENCY}",
    "hash": "#x",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_lines_are_names_and_values(path: Path) -> None:
    path.write_text(FILE)
    assert values(path) == SAID


def test_a_line_of_another_form_is_named_without_what_it_says(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text('A=1\n\n# of it\nB="s3cret\n s3cret\n')
    assert values(path) == {"a": "1"}
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        f"{path}, line 4 is ignored: write KEY=value or KEY='value'",
        f"{path}, line 5 is ignored: write KEY=value or KEY='value'",
    ]
    assert printed.out == ""


def test_without_a_file_there_are_no_values(path: Path) -> None:
    assert values(path) == {}
    path.mkdir()
    assert values(path) == {}


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield {"secretsmanager": boto3.client("secretsmanager"), "ssm": boto3.client("ssm")}


def stored(stores: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """All secrets and all parameters."""
    secrets, parameters = stores["secretsmanager"], stores["ssm"]
    names = [each["Name"] for each in secrets.list_secrets()["SecretList"]]
    found = parameters.get_parameters_by_path(Path="/", Recursive=True, WithDecryption=True)
    return (
        {name: secrets.get_secret_value(SecretId=name)["SecretString"] for name in names},
        {each["Name"]: each["Value"] for each in found["Parameters"]},
    )


def test_what_is_declared_is_loaded_and_an_edit_changes_it(
    path: Path, stores: dict[str, Any]
) -> None:
    declared = {("secret", "sales-database"), ("setting", "currency"), ("secret", "lacking")}
    env_file = EnvFile(path, "local", stores.__getitem__, lambda: declared)
    path.write_text("SALES_DATABASE=one\nCURRENCY=SEK\nAWS_SECRET_ACCESS_KEY=of nobody here\n")
    for _ in range(2):
        env_file.load()
        assert stored(stores) == ({"local/sales-database": "one"}, {"/local/currency": "SEK"})
    path.write_text("SALES_DATABASE=two\n")
    env_file.load()
    assert stored(stores) == ({"local/sales-database": "two"}, {})
    declared.clear()
    env_file.load()
    assert stored(stores) == ({}, {})


def test_without_values_no_client_is_made(path: Path) -> None:
    def none(service: str) -> Any:
        raise AssertionError(service)

    EnvFile(path, "local", none, lambda: none("declared")).load()


DECLARES = """
from backburner.computation import Secret, Setting
print("[not what was asked for]")
DATABASE, CURRENCY = Secret("sales-database"), Setting("currency", default="EUR")
"""


def test_what_computations_declare_is_found_although_one_is_broken(tmp_path: Path) -> None:
    whole = Path("src/computations/word_count.py").read_text()
    (tmp_path / "computations").mkdir()
    (tmp_path / "computations/__init__.py").touch()
    (tmp_path / "computations/broken.py").write_text("raise SystemExit(3)")
    (tmp_path / "more").mkdir()
    (tmp_path / "more/sales.py").write_text(whole + DECLARES)
    environment = {"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}
    found = declared_by(tmp_path, environment, [tmp_path / "more"])
    assert found == {("secret", "sales-database"), ("setting", "currency")}


def test_code_that_cannot_be_imported_at_all_declares_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "computations.py").write_text("raise SystemExit(3)")
    assert declared_by(tmp_path, {"PYTHONPATH": str(tmp_path)}, []) == set()
    assert "no secrets and settings" in capsys.readouterr().err
