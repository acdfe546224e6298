"""As `witnessed`, but it waits: several are in one worker, and die with it."""

import asyncio
from typing import TYPE_CHECKING

from backburner.computation import Progress

if TYPE_CHECKING:
    from tests.evidence.chaos.computations import witnessed
else:  # in a sandbox, which knows no tests
    from computations import witnessed

POLICY = witnessed.POLICY
EXAMPLE = witnessed.EXAMPLE


class Parameters(witnessed.Parameters):
    """The same."""


class Result(witnessed.Result):
    """The same."""


async def compute(parameters: Parameters, _progress: Progress) -> Result:
    witnessed.note(parameters, "begins")
    await asyncio.sleep(parameters.seconds)
    power = pow(3, parameters.number, witnessed.MODULUS)
    witnessed.note(parameters, "done")
    return Result(power=power)
