"""Requests that are made to cost as much as they can, by size, and what they are asked of."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from backburner import computation
from backburner.computation import Computation, Policy
from backburner.http import parameters, response
from backburner.http.event import MAX_BODY_BYTES, Request
from backburner.problems import Problem
from backburner.protocol import signature
from backburner.protocol.entry import Job
from tests.conftest import http_event

Event = dict[str, Any]
LARGEST_HEAD = 10_240
"""Bytes: API Gateway refuses more of URL and headers."""


class Round(BaseModel):
    shape: Literal["round"]
    radius: float


class Square(BaseModel):
    shape: Literal["square"]
    side: float


class AnyParameters(computation.Parameters):
    """What a computation may declare that gives a hostile request the most room."""

    number: float = 0
    label: str = ""
    weights: list[int] = Field([])
    deep: list["AnyParameters"] = Field([])
    named: dict[str, list[int]] = Field({})
    either: list[Round | Square | int | None] = Field([])
    shapes: list[Annotated[Round | Square, Field(discriminator="shape")]] = Field([])
    anything: Any = None


OPEN = Computation(
    name="open",
    documentation="Takes nearly anything.",
    parameters=AnyParameters,
    result=computation.Result,
    policy=Policy(version=1, fresh_for=60),
    example={},
    compute=lambda _given, _progress: computation.Result(),
)


def filled(before: str, each: str, after: str, size: int, between: str = ",") -> str:
    """As often the same as there is room for."""
    times = (size - len(before) - len(after)) // (len(each) + len(between))
    return before + between.join([each] * times) + after


def _keys(size: int, *last: str) -> str:
    names = (f'"{n:x}":1' for n in range(size // 11))
    return "{" + ",".join([*names, *last]) + "}"


def _long_name(size: int, each: str) -> str:
    return filled('{"named":{"' + "k" * (size // 2) + '":[', each, "]}}", size)


def _deep(size: int, each: str, levels: int = 49) -> str:
    return filled('{"deep":[' * levels, each, "]}" * levels, size)


def _nested(size: int, each: str) -> str:
    return filled('{"label":"\\ud83d\\ude00","anything":[', each, "]}", size)


BODIES: dict[str, Callable[[int], str]] = {
    "keys": lambda size: _keys(size, '"":1', '"":1'),
    "unknown keys": lambda size: _keys(size),
    "long keys": lambda size: _keys(size // 3, *[f'"{"k" * (size // 3)}":1'] * 2),
    "depth": lambda size: "[" * size,
    "depth of objects": lambda size: '{"":' * (size // 4),
    "as deep as may be": lambda size: filled("", "[" * 90 + "]" * 90, "]", size).join("[]"),
    "digits": lambda size: '{"number":' + "9" * size + "}",
    "digits of a fraction": lambda size: '{"number":0.' + "1" * size + "}",
    "an exponent": lambda size: '{"number":1e' + "1" * size + "}",
    "large numbers": lambda size: filled('{"weights":[', "9" * 300, "]}", size),
    "fractions": lambda size: filled('{"anything":[', "0.1", "]}", size),
    "no numbers": lambda size: filled('{"weights":[', '""', "]}", size),
    "no objects": lambda size: filled('{"deep":[', "0", "]}", size),
    "no shapes": lambda size: filled('{"shapes":[', '{"shape":""}', "]}", size),
    "a tag": lambda size: '{"shapes":[{"shape":"' + "\u00e9" * (size // 2) + '"}]}',
    "nothing of a union": lambda size: filled('{"either":[', '""', "]}", size),
    "halves of a union": lambda size: filled('{"either":[', '{"shape":0}', "]}", size),
    "an error at every depth": lambda size: _deep(size, "0"),
    "an error in every object": lambda size: _deep(size, '{"a":0}'),
    "objects": lambda size: filled('{"deep":[', "{}", "]}", size),
    "a long name over errors": lambda size: _long_name(size, '""'),
    "a long name over numbers": lambda size: _long_name(size, "1"),
    "an emoji over arrays": lambda size: _nested(size, "[]"),
    "an emoji over nests": lambda size: _nested(size, "[" * 90 + "]" * 90),
    "escapes": lambda size: '{"label":"' + "\\ud83d\\ude00" * (size // 12) + '"}',
    "no characters": lambda size: filled('{"anything":[', '"\\u0000"', "]}", size),
    "no character in names": lambda size: filled('{"anything":[', '{"\\u0000":0}', "]}", size),
    "no character under long names": lambda size: (
        ('{"' + "\u00e9" * (size // 200) + '":') * 90 + '["\\u0000","\\u0000"]' + "}" * 90
    ),
    "backslashes": lambda size: '{"label":"' + "\\\\" * (size // 2) + '"}',
    "spaces": lambda size: "{" + " " * size + "}",
    "no end": lambda size: '{"label":"' + "a" * size,
    "lines": lambda size: "\n" * size + "x",
    "as good as may be": lambda size: filled('{"weights":[', "1", "]}", size),
}
"""JSON of about that many bytes."""

QUERIES: dict[str, Callable[[int], str]] = {
    "parameters": lambda size: "&".join(["weights=1"] * (size // 10)),
    "ampersands": lambda size: "&" * size,
    "nested": lambda size: "anything=" + "[" * size,
    "percents": lambda size: "label=" + "%00" * (size // 3),
    "no percents": lambda size: "label=" + "%" * size,
    "a digit each": lambda size: "weights=" + "1" * size,
    "an array": lambda size: filled("weights=[", "1", "]", size),
    "a value each": lambda size: "&".join(["weights=" + "[1]" * (size // 300)] * 90),
}

HEADERS: dict[str, Callable[[int], str]] = {
    "commas": lambda size: "," * size,
    "semicolons": lambda size: ";" * size,
    "spaces": lambda size: "gzip" + " " * size + ";q=0",
    "weights": lambda size: filled("", "gzip;q=0.001", "", size),
    "digits": lambda size: "gzip;q=0." + "0" * size,
    "tags": lambda size: filled("", 'W/"0"', "", size),
    "quotes": lambda size: '"' * size,
    "slashes": lambda size: "/" * size,
    "pluses": lambda size: "+json" * (size // 5),
}
"""As the value of each header that is read."""
READ = ("accept-encoding", "content-type", "if-none-match", "prefer")


def by_body(body: str) -> Event:
    return http_event("POST", "/v1/open", headers={"content-type": "application/json"}, body=body)


def by_query(query: str) -> Event:
    return http_event("GET", "/v1/open", query=query)


def with_header(name: str, value: str) -> Event:
    headers = {"content-type": "application/json", name: value}
    return http_event("POST", "/v1/open", headers=headers, body="{}")


def _of(event_of: Callable[[str], Event], made: Callable[[int], str], size: int) -> Event:
    return event_of(made(size))


FAMILIES: dict[str, Callable[[int], Event]] = {
    **{f"body: {kind}": partial(_of, by_body, made) for kind, made in BODIES.items()},
    **{f"query: {kind}": partial(_of, by_query, made) for kind, made in QUERIES.items()},
    **{
        f"{name}: {kind}": partial(_of, partial(with_header, name), made)
        for name in READ
        for kind, made in HEADERS.items()
    },
}


SHARES = (1, 0.4)
"""Of the largest body. Not the largest costs the most, but what is just not refused."""


def dearest() -> Iterator[tuple[str, Event]]:
    """Of each family the largest that comes through to the function, and smaller ones."""
    for name, event_of in FAMILIES.items():
        for share in SHARES if name.startswith("body") else (1,):
            largest = MAX_BODY_BYTES - 200 if name.startswith("body") else LARGEST_HEAD
            yield name, event_of(round(largest * share))


def ask(event: Event) -> Event:
    """All that a request function does with an event but to ask AWS: up to a job, or a problem."""
    try:
        request = Request.from_event(event)
        given = parameters.of(request, OPEN)
        dumped = parameters.dump(given)
        signed = signature.sign(OPEN.name, 1, dumped)
        Job.new(OPEN.policy, dumped, 1.0, correlation_id="a request", now=0.0, lane=OPEN.lane)
        body = [signed, request.accepts_gzip, request.prefers_minimal, request.has('W/"1"')]
        return {"statusCode": 202, "body": json.dumps(body)}
    except Problem as problem:
        return response.problem_response(problem).as_event()
