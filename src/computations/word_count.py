"""Counts the words of a text, by length.

A word is what stands between white space; its length is counted in characters.
"""

from collections import Counter

from pydantic import Field

from backburner import computation
from backburner.computation import DAY, Policy, Progress

POLICY = Policy(version=1, fresh_for=7 * DAY, stale_for=DAY, expected_time=0.1, time_limit=60)
EXAMPLE = {"text": "a slow computation"}


class Parameters(computation.Parameters):
    text: str = Field(max_length=100_000, description="The text.")


class Result(computation.Result, json_schema_extra={"x-shown-as": "chart"}):
    words: dict[int, int] = Field(description="How many words there are of each length.")


def compute(parameters: Parameters, progress: Progress) -> Result:
    return Result(words=Counter(len(word) for word in parameters.text.split()))
