"""The hour of an author: an exception, its mending, and an edit without a new version."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import urllib3

from backburner.development.local.deployment import Deployment
from tests.support.eventually import eventually

pytestmark = pytest.mark.enable_socket

FORECAST = '''"""Forecasts."""

from backburner import computation
from backburner.computation import HOUR, Policy
from computations.forecast import prices

POLICY = Policy(version=1, fresh_for=HOUR, attempts=1)
EXAMPLE = {"days": 0}


class Parameters(computation.Parameters):
    days: int


class Result(computation.Result):
    price: float


async def compute(parameters, progress):
    print("as it is")
    return Result(price=prices.after(parameters.days))
'''
PRICES = "def after(days):\n    return {} / {}\n"


@pytest.fixture
def console(tmp_path: Path) -> Path:
    return tmp_path / "console"


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    folder = tmp_path / "computations" / "forecast"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(FORECAST)
    prices = folder / "prices.py"
    prices.write_text(PRICES.format(6, "days"))
    return prices


@pytest.fixture
def answer(console: Path, prices: Path) -> Iterator[Callable[[int], tuple[int, str]]]:
    """What is answered at last, and its status."""
    with (
        console.open("wb", buffering=0) as file,
        Deployment(
            computations=[prices.parent.parent],
            environment={"QUEUED_LEASE": "60"},
            console=file.fileno(),
            for_people=True,
        ) as deployment,
    ):

        def answer(days: int) -> tuple[int, str]:
            get = partial(urllib3.request, "GET", f"{deployment.url}/v1/forecast?days={days}")
            assert eventually(lambda: get().status != 202)
            reply = get()
            return reply.status, reply.data.decode()

        yield answer


def test_an_exception_its_mending_and_an_edit_without_a_new_version(
    answer: Callable[[int], tuple[int, str]], prices: Path, console: Path
) -> None:
    status, detail = answer(0)
    raised = "ZeroDivisionError, forecast/prices.py:2: division by zero"
    assert (status, raised in detail) == (500, True)
    printed = console.read_text()
    assert re.search(
        rf"^\d\d:\d\d:\d\d forecast \w{{8}} attempt 1 of 1 failed: {raised}$", printed, re.M
    )
    [trace] = re.findall(r"^Traceback(?:.|\n)*?^ZeroDivisionError.*$", printed, re.MULTILINE)
    assert [Path(file).name for file in re.findall(r'File "(.*?)"', trace)] == [
        "__init__.py",
        "prices.py",
    ]
    assert "\nas it is\n" in printed
    assert "{" not in printed.replace(trace, "")

    prices.write_text(PRICES.format(6, "(days + 1)"))
    assert answer(0) == (200, '{"price":6.0}')
    assert "was edited" not in console.read_text()  # a failure is no answer to keep

    prices.write_text(PRICES.format(7, "(days + 1)"))
    assert answer(0) == (200, '{"price":7.0}')
    assert console.read_text().count("forecast was edited, and its version is still 1: ") == 1
