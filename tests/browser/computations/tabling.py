"""Lists squares: a result that is a table."""

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, expected_time=0.1)
EXAMPLE = {"numbers": [3, 20, -1]}


class Parameters(computation.Parameters):
    numbers: list[int] = Field(max_length=10, description="What is squared.")


class Square(computation.Result):
    number: int = Field(description="What was squared.")
    square: int = Field(description="What came of it.")


class Result(computation.Result, json_schema_extra={"x-shown-as": "table"}):
    total: int = Field(description="The sum of the squares.")
    squares: list[Square] = Field(description="One for each number.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    squares = [Square(number=number, square=number**2) for number in parameters.numbers]
    return Result(total=sum(each.square for each in squares), squares=squares)
