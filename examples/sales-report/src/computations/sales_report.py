"""Reports a shop's sales in a period, from its PostgreSQL database.

The report has the total of the period, and one group for each region, product or month, those with
the highest revenue first. Amounts of money are exact, and so they are text. A period without sales
has a total of zero and no groups. Months are those of UTC.

A report is at most an hour old. After that, it is still served while the next one is made.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Self

from backburner import computation
from backburner.computation import DAY, HOUR, Policy, Progress, Secret
from pydantic import Field, model_validator

if TYPE_CHECKING:
    from psycopg import Connection

DATABASE = Secret("sales-database")
"""The connection string: postgresql://user:password@host:port/database."""

# expected_time is measured: a year of sales.sql's 3,000,000 sales.
POLICY = Policy(version=1, fresh_for=HOUR, stale_for=DAY, expected_time=3, time_limit=60)
EXAMPLE = {"start": "2025-01-01", "end": "2026-01-01", "group_by": "product", "top": 3}

STATEMENT_TIMEOUT_S = 50
"""Less than the time limit: the server ends the query, and not only the one who waits for it."""
CONNECT_TIMEOUT_S = 5
MAX_DAYS = 20 * 366

# A group's name is null in the total, which comes first and is there even if nothing was sold.
QUERY = """
WITH sold AS (
    SELECT
        CASE %(group_by)s
            WHEN 'region' THEN region.name
            WHEN 'product' THEN product.name
            WHEN 'month' THEN to_char(sold_at, 'YYYY-MM')
        END AS name,
        customer_id,
        quantity,
        quantity * sale.price AS amount
    FROM sale
    JOIN region ON region.id = region_id
    JOIN product ON product.id = product_id
    WHERE sold_at >= %(start)s AND sold_at < %(end)s
)
SELECT
    name,
    count(*) AS sales,
    count(DISTINCT customer_id) AS customers,
    coalesce(sum(quantity), 0) AS quantity,
    coalesce(sum(amount), 0.00) AS revenue,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY amount) AS median_sale
FROM sold
GROUP BY GROUPING SETS ((), (name))
ORDER BY grouping(name) DESC, revenue DESC, name
LIMIT 1 + %(top)s
"""


class Parameters(computation.Parameters):
    start: date = Field(description="The first day of the period.")
    end: date = Field(
        description=f"The day after its last, at most {MAX_DAYS} days after the first."
    )
    group_by: Literal["region", "product", "month"] = Field(
        default="region", description="What makes a group."
    )
    top: int = Field(default=10, ge=1, le=100, description="How many groups at most.")

    @model_validator(mode="after")
    def _check_the_period(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"start {self.start} is not before end {self.end}; end is exclusive")
        if self.end - self.start > timedelta(days=MAX_DAYS):
            raise ValueError(f"{self.start} to {self.end} is over {MAX_DAYS} days; ask for less")
        return self


class Figures(computation.Result):
    sales: int = Field(description="How many sales there were.")
    customers: int = Field(description="How many customers bought.")
    quantity: int = Field(description="How many pieces were sold.")
    revenue: Decimal = Field(description="What they cost together.")
    median_sale: Decimal | None = Field(
        description="What the middle sale cost, or the cheaper of two; null if there were none."
    )


class Group(Figures):
    name: str = Field(description="The region, product or month (such as 2025-01).")


class Result(computation.Result, json_schema_extra={"x-shown-as": "table"}):
    total: Figures = Field(description="All groups together, also those that are left out.")
    groups: list[Group] = Field(description="By revenue, the highest first.")


def compute(parameters: Parameters, progress: Progress) -> Result:
    # One query makes the whole report, and PostgreSQL does not say how far it is: no progress.
    return report(parameters, STATEMENT_TIMEOUT_S)


def report(parameters: Parameters, timeout_s: float) -> Result:
    with connect(DATABASE.value) as connection:
        # For this transaction alone, which also holds for a connection that a pooler shares.
        connection.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('TimeZone', 'UTC', true)",
            [f"{timeout_s * 1000:.0f}ms"],
        )
        total, *groups = connection.execute(QUERY, parameters.model_dump()).fetchall()
    del total["name"]
    return Result(total=Figures(**total), groups=[Group(**each) for each in groups])


def connect(url: str) -> "Connection[dict[str, Any]]":
    """A connection that only reads. Any failure is worth another attempt."""
    import psycopg  # only the worker has it
    from psycopg.rows import dict_row

    try:
        connection = psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S, row_factory=dict_row)
    except psycopg.Error as error:
        failure = type(error).__name__
    else:
        connection.read_only = True
        return connection
    # Raised out here without libpq's text, which quotes parts of a URL that it cannot read.
    raise ConnectionError(
        f"no connection to the database of the secret {DATABASE.name} ({failure}); "
        "psql with the same connection string says why"
    )
