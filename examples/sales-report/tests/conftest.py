"""The database of the tests: a server of their own with 200,000 sales."""

import os
from collections.abc import Iterator

import pytest

from postgres_server import SalesDatabase, folders, installed, sales_database

ROWS = 200_000


@pytest.fixture(scope="session")
def database() -> Iterator[SalesDatabase]:
    with sales_database(installed(os.environ, folders()), ROWS) as database:
        yield database
