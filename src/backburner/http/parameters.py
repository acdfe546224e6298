"""Reads parameters from a body or a query, validates them and fills in defaults."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import parse_qsl

from pydantic import ValidationError

from backburner.computation import Computation, Parameters
from backburner.http.event import Request, read_json
from backburner.problems import InvalidParameters, MalformedJson
from backburner.protocol.signature import canonical

MAX_QUERY_PARAMETERS = 100
LISTS = (list, tuple, set, frozenset, Sequence)
MAX_ERRORS = 20
MAX_LISTED_OF = 5_000
"""If there are more errors, none is listed: each would take some 500 bytes of memory."""
MAX_REASON_LENGTH = 300
"""Characters. Pydantic quotes a tag that it does not find in a union, however long."""

ESCAPED = re.compile(r"\\u(0000|d[89a-f])")
"""In ASCII JSON, escapes that may not be characters: U+0000 and surrogates."""
NO_CHARACTER = re.compile("[\0\ud800-\udfff]")


def of(request: Request, computation: Computation) -> Parameters:
    """The parameters of a request. InvalidParameters has a pointer and a reason for each error."""
    given = request.json() if request.method == "POST" else _of_query(request, computation)
    text = json.dumps(given)
    if ESCAPED.search(text):
        _refuse_what_is_no_text(given)
    try:
        # Strict: neither "1" nor true is a number. 1.0 is read as 1.
        return computation.parameters.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise _invalid(error, given) from error


def dump(parameters: Parameters) -> bytes:
    """Validated parameters as canonical JSON, from which they are signed, stored and computed."""
    return canonical(parameters.model_dump(mode="json"))


def _of_query(request: Request, computation: Computation) -> dict[str, Any]:
    """Read ?a=1&b=x&c={"d":2}: text as it is, all else as JSON, repeated names as a list."""
    try:
        pairs = parse_qsl(
            request.query,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_QUERY_PARAMETERS,
        )
    except ValueError as error:
        raise InvalidParameters(
            f"the query cannot be read ({error}); percent-encode UTF-8, "
            f"{MAX_QUERY_PARAMETERS} parameters at most",
            errors=[],
        ) from error
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        given.setdefault(name, []).append(text)
    fields = computation.parameters.model_fields
    return {
        name: _value(texts, fields[name].annotation if name in fields else str)
        for name, texts in given.items()
    }


def _value(texts: list[str], annotation: Any) -> Any:
    """The value of a parameter. A single value becomes a list if only a list is allowed."""
    values = texts if takes_text(annotation) else [_of_text(text) for text in texts]
    items = list(_items(annotation))
    if len(values) == 1 and (not items or isinstance(values[0], list | NoneType)):
        return values[0]
    if items and all(map(takes_text, items)):
        return [v if isinstance(v, str) else text for v, text in zip(values, texts, strict=True)]
    return values


def _of_text(text: str) -> Any:
    try:
        return read_json(text)
    except MalformedJson:
        return text  # validation says what it should have been


def _items(annotation: Any) -> Iterator[Any]:
    """The item types of a field that takes only lists (or null); nothing for other fields."""
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _items(arguments[0])
    elif origin in (Union, UnionType):
        inner = [list(_items(a)) for a in arguments if a is not NoneType]
        yield from chain.from_iterable(inner) if all(inner) else ()
    elif (origin or annotation) in LISTS:
        yield from (a for a in arguments or (Any,) if a is not Ellipsis)


def takes_text(annotation: Any) -> bool:
    """True if the field takes only strings (or null)."""
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Literal:
        return all(isinstance(choice, str) for choice in arguments)
    if origin is Annotated:
        return takes_text(arguments[0])
    if origin in (Union, UnionType):
        return all(takes_text(a) for a in arguments if a is not NoneType)
    return isinstance(annotation, type) and issubclass(annotation, str)


def _refuse_what_is_no_text(given: Any) -> None:
    reason = "Text should have neither U+0000 nor half a surrogate pair"
    found = list(islice(_no_text(given, ()), MAX_ERRORS))
    if found:
        count = str(len(found)) if len(found) < MAX_ERRORS else f"{MAX_ERRORS} or more"
        raise _refusal(count, [{"pointer": _written(place), "reason": reason} for place in found])


def _no_text(value: Any, place: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    """Yield the path to each invalid text; for a member's name, the path to its object."""
    match value:
        case str() if NO_CHARACTER.search(value):
            yield place
        case dict():
            if any(NO_CHARACTER.search(name) for name in value):
                yield place
            for name, inner in value.items():
                yield from _no_text(inner, (*place, name))
        case list():
            for n, inner in enumerate(value):
                yield from _no_text(inner, (*place, n))


def _invalid(error: ValidationError, given: Any) -> InvalidParameters:
    if (count := error.error_count()) > MAX_LISTED_OF:
        reason = f"there are more than {MAX_LISTED_OF} errors in it; send a few values first"
        return _refusal(str(count), [{"pointer": "", "reason": reason}])
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    reasons = [
        {"pointer": _pointer(e["loc"], given), "reason": e["msg"][:MAX_REASON_LENGTH]}
        for e in errors[:MAX_ERRORS]
    ]
    return _refusal(str(len(errors)), reasons)


def _refusal(count: str, errors: list[dict[str, str]]) -> InvalidParameters:
    first = errors[0]
    return InvalidParameters(
        f"{count} of the parameters do not validate; the first is "
        f"{first['pointer'] or 'the whole'}: {first['reason']}",
        errors=errors,
    )


def _written(place: Iterable[int | str]) -> str:
    return "".join(map(_step, place))


def _pointer(location: Sequence[int | str], given: Any) -> str:
    """The JSON Pointer (RFC 6901) without the union members' names that pydantic adds."""
    pointer = ""
    for depth, step in enumerate(location):
        inner = _at(given, step)
        if inner is None and depth < len(location) - 1:
            continue
        pointer += _step(step)
        given = inner
    return pointer


def _step(step: int | str) -> str:
    return "/" + str(step)[:80].replace("~", "~0").replace("/", "~1")


def _at(given: Any, step: int | str) -> Any:
    match given, step:
        case dict(), str():
            return given.get(step)
        case list(), int() if step < len(given):
            return given[step]
    return None
