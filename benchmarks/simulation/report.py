"""The loads of docs/scale.md, and its tables."""

from dataclasses import dataclass, replace

from .front import RACE_S
from .limits import (
    KEY_READ_UNITS,
    KEY_WRITE_UNITS,
    MOST_WORKERS,
    REQUESTS_PER_CONCURRENCY,
    Quotas,
)
from .outcome import SimulationOutcome
from .service import simulate
from .settings import CALL_S, REQUEST_S, StackParameters, asked_for, fitting
from .traffic import Traffic

RATES = (100, 1_000, 10_000, 100_000)
POPULAR = Traffic(name="popular", rate=0, seconds=30)
BURST = Traffic(name="a burst from zero", rate=0, seconds=20, is_cold=True)
VIRAL = Traffic(name="one goes viral", rate=0, seconds=20, viral=0.9, run_time=10)
SLOW = Traffic(name="slow", rate=0, seconds=90, run_time=60)
LOADS = (POPULAR, BURST, VIRAL, SLOW)
OPEN = StackParameters(request_rate=1e9, request_burst=1e9, max_backlog=0, max_workers=MOST_WORKERS)
UNLIMITED = Quotas(
    gateway_rate=1e9, gateway_burst=1e9, concurrency=1e9, read_units=1e9, write_units=1e9
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A load, what fits it, and what comes of it with AWS's default quotas and with more."""

    traffic: Traffic
    parameters: StackParameters
    quotas: Quotas
    by_default: SimulationOutcome
    raised: SimulationOutcome


def rows() -> list[Row]:
    return [row(replace(load, rate=rate)) for load in LOADS for rate in RATES]


def row(traffic: Traffic) -> Row:
    bounded = replace(OPEN, max_backlog=fitting(traffic, 0).max_backlog)
    peak = simulate(traffic, bounded, UNLIMITED).peak
    parameters = fitting(traffic, peak)
    quotas = asked_for(traffic, parameters)
    return Row(
        traffic=traffic,
        parameters=parameters,
        quotas=quotas,
        by_default=simulate(traffic, parameters, Quotas()),
        raised=simulate(traffic, parameters, quotas),
    )


def of_limits() -> str:
    """The rates at which each limit is reached, by arithmetic alone."""
    quotas = Quotas()
    hit = CALL_S + REQUEST_S
    return table(
        ["limit", "is reached at"],
        [
            [
                "`RequestRate`, as it is",
                f"{StackParameters().request_rate:,.0f} requests/s, with polls",
            ],
            ["API Gateway's rate", f"{quotas.gateway_rate:,.0f} requests/s"],
            [
                "Lambda's requests a second",
                f"{REQUESTS_PER_CONCURRENCY * quotas.concurrency:,.0f} requests/s and jobs/s",
            ],
            ["Lambda's concurrency, by hits", f"{quotas.concurrency / hit:,.0f} requests/s"],
            ["Lambda's concurrency, by jobs", f"{quotas.concurrency:,.0f} / run time jobs/s"],
            ["the table's reads", f"{2 * quotas.read_units:,.0f} reads/s of up to 4 kB"],
            ["the table's writes", f"{quotas.write_units / 3:,.0f} new jobs/s of up to 1 kB"],
            ["reads of one key", f"{2 * KEY_READ_UNITS:,} reads/s of up to 4 kB"],
            [
                "writes of one key",
                f"{KEY_WRITE_UNITS / RACE_S / 1000:,.0f},000 first questions/s for it",
            ],
        ],
    )


def of_settings(rows: list[Row]) -> str:
    return table(
        [
            "load",
            "questions/s",
            "RequestRate",
            "RequestBurst",
            "MaxWorkers",
            "MaxBacklog",
            "refused with AWS's defaults",
            "by, in this order",
            "ask AWS for",
        ],
        [
            [
                row.traffic.name,
                f"{row.traffic.rate:,}",
                f"{row.parameters.request_rate:,}",
                f"{row.parameters.request_burst:,}",
                f"{row.parameters.max_workers:,}",
                f"{row.parameters.max_backlog:,}",
                percent(row.by_default.share_refused),
                ", ".join(row.by_default.limits) or "nothing",
                requests_to_aws(row.quotas) or "nothing",
            ]
            for row in rows
        ],
    )


def of_clients(rows: list[Row]) -> str:
    return table(
        [
            "load",
            "questions/s",
            "refused",
            "by",
            "served at once",
            "from memory",
            "the others wait, p50 / p99",
            "polls per result",
            "jobs wait for",
        ],
        [
            [
                row.traffic.name,
                f"{row.traffic.rate:,}",
                percent(row.raised.share_refused),
                ", ".join(row.raised.limits) or "nothing",
                percent(row.raised.served_at_once / row.raised.asked),
                percent(row.raised.from_memory / row.raised.asked),
                f"{row.raised.wait(0.5):.0f} / {row.raised.wait(0.99):.0f} s",
                f"{row.raised.polls_per_result:.2f}",
                ", ".join(what for what, _ in row.raised.delayed.most_common(1)) or "nothing",
            ]
            for row in rows
        ],
    )


def requests_to_aws(quotas: Quotas) -> str:
    """The quotas that are more than the default."""
    default = Quotas()
    named = {
        "API Gateway {:,.0f}/s": (quotas.gateway_rate, default.gateway_rate),
        "concurrency {:,.0f}": (quotas.concurrency, default.concurrency),
        "warm {:,.0f} read units": (quotas.read_units, default.read_units),
        "warm {:,.0f} write units": (quotas.write_units, default.write_units),
    }
    return ", ".join(text.format(asked) for text, (asked, has) in named.items() if asked > has)


def percent(share: float) -> str:
    return f"{share:.1%}" if 0.0005 <= share < 0.0995 else f"{share:.0%}"


def table(heading: list[str], rows: list[list[str]]) -> str:
    rule = ["---"] * len(heading)
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *rows))
