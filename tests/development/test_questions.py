"""The questions of the contract, made from an example, are allowed and differ."""

from dataclasses import dataclass
from typing import Any

from backburner.development.suites.questions import questions_to

EXAMPLE = {"top": 3, "since": "2026-01-01", "kind": "region", "exact": True}


@dataclass(frozen=True)
class StrictApi:
    """Allows only what the bounds of its computation do."""

    most: int

    @dataclass(frozen=True)
    class Said:
        status: int
        json: Any = None

    def get(self, _path: str) -> Said:
        return self.Said(200, {"computations": [{"name": "sizes", "example": EXAMPLE}]})

    def post(self, _path: str, question: dict[str, Any]) -> Said:
        allowed = 1 <= question["top"] <= self.most and question["kind"] == "region"
        return self.Said(202 if allowed and question["since"] >= "2010-01-01" else 422)

    def answer(self, question: dict[str, Any], path: str) -> Said:
        return self.Said(200 if self.post(path, question).status == 202 else 422)


def test_every_question_is_within_the_bounds_and_hardly_any_comes_twice() -> None:
    for most in (1000, 60):
        api: Any = StrictApi(most)
        question = questions_to(api)
        asked = [question() for _ in range(200)]
        assert {api.post("", each).status for each in asked} == {202}
        assert len({str(each) for each in asked}) == 200


def test_what_may_not_be_another_stays_as_in_the_example() -> None:
    api: Any = StrictApi(1000)
    question = questions_to(api)()
    assert (question["kind"], question["exact"]) == ("region", True)
