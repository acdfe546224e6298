"""The report against a PostgreSQL server, and against the same rows added up in Python."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from backburner.computation.declared import given
from psycopg import errors
from pydantic import ValidationError

from computations import sales_report
from computations.sales_report import DATABASE, Figures, Group, Parameters, Result
from postgres_server import NotInstalled, SalesDatabase, free_port, installed, programs

YEAR = {"start": date(2025, 1, 1), "end": date(2026, 1, 1)}
GROUPS = {"region": 5, "product": 40, "month": 12}
ROWS = """
SELECT sold_at, region.name, product.name, customer_id, quantity, sale.price
FROM sale JOIN region ON region.id = region_id JOIN product ON product.id = product_id
"""


class Sale(NamedTuple):
    sold_at: datetime
    region: str
    product: str
    customer_id: int
    quantity: int
    price: Decimal

    @property
    def month(self) -> str:
        return f"{self.sold_at.astimezone(UTC):%Y-%m}"

    @property
    def day(self) -> date:
        return self.sold_at.astimezone(UTC).date()


@pytest.fixture(scope="session")
def sales(database: SalesDatabase) -> list[Sale]:
    with psycopg.connect(database.server.admin_url) as connection:
        return [Sale(*row) for row in connection.execute(ROWS)]


@pytest.fixture(autouse=True)
def _secret(request: pytest.FixtureRequest) -> Iterator[None]:
    """As the worker gives it to an attempt."""
    if "database" not in request.fixturenames:
        yield
        return
    with given({DATABASE: request.getfixturevalue("database").url}):
        yield


def report(**parameters: Any) -> Result:
    return sales_report.compute(Parameters(**{**YEAR, **parameters}), lambda _: None)


def figures(sales: list[Sale]) -> dict[str, Any]:
    """The sales added up in Python."""
    amounts = sorted(sale.quantity * sale.price for sale in sales)
    return {
        "sales": len(sales),
        "customers": len({sale.customer_id for sale in sales}),
        "quantity": sum(sale.quantity for sale in sales),
        "revenue": sum(amounts),
        "median_sale": amounts[math.ceil(len(amounts) / 2) - 1],
    }


def groups(sales: list[Sale], group_by: str) -> list[Group]:
    members: dict[str, list[Sale]] = {}
    for sale in sales:
        members.setdefault(getattr(sale, group_by), []).append(sale)
    made = [Group(name=name, **figures(each)) for name, each in members.items()]
    return sorted(made, key=lambda group: (-group.revenue, group.name))


@pytest.mark.parametrize("group_by", GROUPS)
def test_a_report_adds_up_the_rows_of_the_period(
    database: SalesDatabase, sales: list[Sale], group_by: str
) -> None:
    of_the_year = [sale for sale in sales if sale.day.year == 2025]
    found = report(group_by=group_by, top=100)
    assert found.total == Figures(**figures(of_the_year))
    assert found.groups == groups(of_the_year, group_by)
    assert len(found.groups) == GROUPS[group_by]


def test_a_day_is_one_of_utc_and_the_end_is_no_part_of_the_period(
    database: SalesDatabase, sales: list[Sale]
) -> None:
    day = date(2025, 3, 31)
    found = report(start=day, end=date(2025, 4, 1), group_by="month")
    assert found.total == Figures(**figures([sale for sale in sales if sale.day == day]))
    assert [group.name for group in found.groups] == ["2025-03"]


def test_only_the_groups_with_the_highest_revenue_are_listed_but_the_total_is_of_all(
    database: SalesDatabase,
) -> None:
    whole, short = report(group_by="product", top=100), report(group_by="product", top=3)
    assert short.groups == whole.groups[:3]
    assert short.total == whole.total


@pytest.mark.parametrize("year", [2020, 2030])
def test_a_period_without_sales_is_a_report_of_nothing(database: SalesDatabase, year: int) -> None:
    found = report(start=date(year, 1, 1), end=date(year, 12, 31))
    assert found.model_dump_json() == (
        '{"total":{"sales":0,"customers":0,"quantity":0,"revenue":"0.00","median_sale":null},'
        '"groups":[]}'
    )


def test_amounts_are_exact_in_json(database: SalesDatabase) -> None:
    found = report()
    assert f'"revenue":"{found.total.revenue:.2f}"' in found.model_dump_json()
    assert Result.model_validate_json(found.model_dump_json(), strict=True) == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"end": date(2025, 1, 1)},
        {"end": date(2024, 12, 31)},
        {"end": date(2045, 1, 17)},
        {"top": 0},
        {"top": 101},
        {"group_by": "sale; DROP TABLE sale"},
    ],
)
def test_what_makes_no_report_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Parameters(**{**YEAR, **wrong})


def test_a_wrong_password_is_worth_another_attempt_and_is_not_told(
    database: SalesDatabase,
) -> None:
    wrong = database.server.url("sales_report", "not-the-password")
    assert_fails_and_tells_nothing(wrong, "not-the-password")


def test_a_server_that_cannot_be_reached_is_worth_another_attempt() -> None:
    nowhere = f"postgresql://sales_report:of-no-use@127.0.0.1:{free_port()}/postgres"
    assert_fails_and_tells_nothing(nowhere, "of-no-use")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:pa55@w0rd@127.0.0.1/postgres",
        "postgresql://reader:pa55/w0rd@127.0.0.1/postgres",
        "postgresql://reader:pa55%w0rd@127.0.0.1/postgres",
        "postgresql://reader:pa55?w0rd@127.0.0.1/postgres",
        "postgresql:reader:pa55:w0rd",
        "host=127.0.0.1 password=pa55 w0rd",
        "host=127.0.0.1 port=pa55w0rd",
        "pa55w0rd",
    ],
)
def test_a_malformed_connection_string_is_not_quoted(url: str) -> None:
    assert_fails_and_tells_nothing(url, "pa55", "w0rd")


def assert_fails_and_tells_nothing(url: str, *secrets: str) -> None:
    """Neither the error nor any from which it came; and it is not Uncomputable."""
    with given({DATABASE: url}), pytest.raises(ConnectionError) as raised:
        report()
    assert "the secret sales-database" in str(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert not [secret for secret in secrets if secret in str(raised.value)]


def test_a_query_that_is_too_slow_is_ended_by_the_server(database: SalesDatabase) -> None:
    with psycopg.connect(database.server.admin_url) as locking:
        locking.execute("LOCK TABLE sale IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(errors.QueryCanceled, match="statement timeout"):
            sales_report.report(Parameters(**YEAR), timeout_s=0.2)
    assert report().total.sales > 0


def test_the_server_ends_a_query_before_the_attempt_is_ended() -> None:
    longest = sales_report.CONNECT_TIMEOUT_S + sales_report.STATEMENT_TIMEOUT_S
    assert longest < sales_report.POLICY.time_limit


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM sale", "UPDATE product SET price = 0", "CREATE TABLE mine (id integer)"],
)
def test_the_role_can_only_read(database: SalesDatabase, statement: str) -> None:
    with (
        psycopg.connect(database.url) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_the_report_could_not_write_even_with_a_role_that_can(database: SalesDatabase) -> None:
    with (
        sales_report.connect(database.server.admin_url) as connection,
        pytest.raises(errors.ReadOnlySqlTransaction),
    ):
        connection.execute("DELETE FROM sale")


def test_without_postgresql_one_line_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="^PostgreSQL is not installed: apt-get install .*$"):
        programs([tmp_path])


@pytest.mark.parametrize(
    ("environment", "outcome"), [({}, pytest.skip.Exception), ({"CI": "true"}, NotInstalled)]
)
def test_without_postgresql_tests_are_skipped_but_fail_in_ci(
    environment: dict[str, str], outcome: type[BaseException], tmp_path: Path
) -> None:
    with pytest.raises(outcome, match="PostgreSQL is not installed"):
        installed(environment, [tmp_path])
