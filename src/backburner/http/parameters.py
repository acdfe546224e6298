"""Reads parameters from a body or a query, validates them and fills in defaults."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from math import inf
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import parse_qsl

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from backburner.canonical_json import canonical, plain
from backburner.computation import Computation, Parameters, stable_json
from backburner.http.event import Request, read_json
from backburner.problems import InvalidParameters, MalformedJson

MAX_QUERY_PARAMETERS = 100
LISTS = (list, tuple, set, frozenset, Sequence)
MAX_ERRORS = 20
MAX_LISTED_OF = 5_000
"""If there are more errors, none is listed: each would take some 500 bytes of memory."""
MAX_REASON_LENGTH = 300
"""Characters. Pydantic quotes a tag that it does not find in a union, however long."""

NUL = rb"\u0000"
"""U+0000 as JSON has it; also what is left of an escaped backslash before such letters."""
ATOMS = frozenset({str, int, bool, NoneType})
SMALL = 1e-4
"""Python writes smaller numbers as 1e-05, pydantic as 0.00001."""
DELETE = b"\x7f"
"""Python escapes it, pydantic does not."""
NO_CHARACTER = re.compile("[\0\ud800-\udfff]")


def of(request: Request, computation: Computation) -> Parameters:
    """The parameters of a request. InvalidParameters has a pointer and a reason for each error."""
    given = request.json() if request.method == "POST" else _of_query(request, computation)
    text = _as_text(given)
    try:
        # Strict: neither "1" nor true is a number. 1.0 is read as 1.
        made = computation.parameters.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise _invalid(error, given) from error
    if stable_json.may_mix_booleans(computation.parameters):
        _refuse_mixed_booleans(given, made)
    return made


def _as_text(given: Any) -> bytes:
    """The value as JSON. Refuses text with U+0000 or half a surrogate pair."""
    try:
        text = to_json(given)
    except PydanticSerializationError:
        _refuse_what_is_no_text(given)
        raise
    if NUL in text:
        _refuse_what_is_no_text(given)
    return text


def dump(parameters: Parameters) -> bytes:
    """Validated parameters as canonical JSON, from which they are signed, stored and computed."""
    dumped = parameters.model_dump(mode="json")
    try:
        # This is `canonical`, but several times as fast, as far as pydantic writes the same.
        text = to_json(_canonical(dumped), ensure_ascii=True)
    except (_WrittenOtherwise, PydanticSerializationError):
        return canonical(dumped)
    return canonical(dumped) if DELETE in text else text


class _WrittenOtherwise(Exception):
    """Pydantic would write this value in another form than `canonical`."""


def _canonical(value: Any) -> Any:
    """The value with sorted keys and 1.0 as 1, if pydantic writes it as `canonical` does."""
    kind = type(value)
    if kind is float:
        return value if SMALL < value % 1 < 1 - SMALL else _number(value)
    if kind is dict:
        return _members(value)
    if kind is list:
        has_others = not ATOMS.issuperset(map(type, value))
        return [_canonical(each) for each in value] if has_others else value
    if kind in ATOMS:
        return value
    raise _WrittenOtherwise


def _members(members: dict[str, Any]) -> dict[str, Any]:
    """As `_canonical`, which is not called for a number: most time goes into these lines."""
    made = {}
    for name in sorted(members):
        inner = members[name]
        kind = type(inner)
        if kind is float:
            if not SMALL < inner % 1 < 1 - SMALL:
                inner = _number(inner)
        elif kind not in ATOMS:
            inner = _canonical(inner)
        made[name] = inner
    return made


def _number(number: float) -> int | float:
    if number.is_integer() or SMALL <= abs(number) < inf:
        return plain(number)
    raise _WrittenOtherwise


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


def _refuse_mixed_booleans(given: Any, made: Parameters) -> None:
    reason = "Input should be of the type of the choice: true is not 1, and false is not 0"
    found = list(islice(_mixed(given, made.model_dump(mode="json"), ()), MAX_ERRORS))
    if found:
        errors = [{"pointer": _written(place), "reason": reason} for place in found]
        raise _refusal(str(len(found)), errors)


def _mixed(given: Any, read: Any, place: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    """Yield the path to each boolean that was read as a number, or number as a boolean."""
    match given, read:
        case dict(), dict():
            for name in given.keys() & read.keys():
                yield from _mixed(given[name], read[name], (*place, name))
        case list(), list():
            for n, (one, other) in enumerate(zip(given, read, strict=False)):
                yield from _mixed(one, other, (*place, n))
        case _ if isinstance(given, bool) != isinstance(read, bool) and given == read:
            yield place


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
