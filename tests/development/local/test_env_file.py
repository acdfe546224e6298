"""What a .env file says, and that the worker finds it where it looks in AWS."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from backburner.development.local.env_file import EnvFile, values

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
BROKEN="no end
A-B=1
lower_too=x
Ä=1
=x
"""
SAID = {
    "sales-database": "postgres://app:pass@db/sales?a='b'#c",
    "currency": "SEK",
    "literal": r'a "b" \n # c',
    "escaped": "a \"b\" 'c' \\ # d\ne",
    "spaces": "two  words",
    "lower-too": "x",
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
    path.write_text('A=1\nB="s3cret\n s3cret\n')
    assert values(path) == {"a": "1"}
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        f"{path}, line 2 is ignored: write KEY=value or KEY='value'",
        f"{path}, line 3 is ignored: write KEY=value or KEY='value'",
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


def test_each_value_is_a_secret_and_a_parameter_and_an_edit_changes_both(
    path: Path, stores: dict[str, Any]
) -> None:
    env_file = EnvFile(path, "local", stores.__getitem__)
    path.write_text("SALES_DATABASE=one\nCURRENCY=SEK\n")
    for _ in range(2):
        env_file.load()
        assert stored(stores) == (
            {"local/sales-database": "one", "local/currency": "SEK"},
            {"/local/sales-database": "one", "/local/currency": "SEK"},
        )
    path.write_text("SALES_DATABASE=two\n")
    env_file.load()
    assert stored(stores) == ({"local/sales-database": "two"}, {"/local/sales-database": "two"})
    path.unlink()
    env_file.load()
    assert stored(stores) == ({}, {})


def test_without_values_no_client_is_made(path: Path) -> None:
    def none(service: str) -> Any:
        raise AssertionError(service)

    EnvFile(path, "local", none).load()
