"""Finds what a request asks for: a document, a question, or an entry to forget."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from backburner import __version__, settings, telemetry
from backburner.computation import Computation, Parameters, registry, source_line
from backburner.errors import BrokenComputation, NoSuchComputation
from backburner.http import parameters, response
from backburner.http.event import Request
from backburner.http.memo import Memo, key_of
from backburner.http.response import Document, Response
from backburner.problems import (
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Unauthorized,
)
from backburner.protocol import signature
from backburner.protocol.entry import Entry, Job
from backburner.protocol.signature import Signature
from backburner.telemetry import logger, where


@dataclass(frozen=True, slots=True)
class Given:
    """Validated parameters."""

    parameters: Parameters
    canonical: bytes
    """As canonical JSON."""

    @classmethod
    def read(cls, request: Request, computation: Computation) -> Self:
        given = parameters.of(request, computation)
        return cls(given, parameters.dump(given))

    def sign(self, computation: Computation, private_to: str) -> Signature:
        version = computation.policy.version
        return signature.sign(computation.name, version, self.canonical, private_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An entry to look up. Asked by signature, without parameters, it cannot start a job."""

    request: Request
    entry: Entry
    computation: Computation
    can_start: bool = False
    given: Given | None = None
    """The parameters; None if there are none, or if the memo had the signature without them."""

    def new_job(self, entry: Entry, now: float) -> Job:
        """A new job for the question; it continues the entry's count of failures."""
        given = self.given or self._read_again()
        return Job.new(
            self.computation.policy,
            given.canonical,
            _expected_time(self.computation, given.parameters),
            correlation_id=self.request.correlation_id,
            now=now,
            failures=entry.answer.failures if entry.answer else 0,
        )

    def _read_again(self) -> Given:
        """The parameters of a question that the memo knew."""
        name, given = self.computation.name, Given.read(self.request, self.computation)
        if given.sign(self.computation, self.entry.private_to) != self.entry.signature:
            raise _broken(
                name,
                BrokenComputation(
                    f"the parameters of {name} have another value each time they are read; make "
                    f"their validators stable ({source_line.of_class(self.computation.parameters)})"
                ),
            )
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """An entry that an operator wants to delete."""

    entry: Entry
    operator: str


def find(request: Request, memo: Memo) -> Question | Forget | Response:
    """What is at the request's path; raises a Problem if there is nothing."""
    if request.method == "OPTIONS":
        return response.preflight()
    match request.path:
        case ("",) | ("console", _):
            _allow(request, "GET", "HEAD")
            return _console(request)
        case ("health",):
            _allow(request, "GET", "HEAD")
            return response.health(__version__)
        case ("openapi.json",):
            _allow(request, "GET", "HEAD")
            return _openapi(request)
        case ("v1",):
            _allow(request, "GET", "HEAD")
            listed = _listed(tuple(registry.names()), request.base)
            return listed.answer(request, needs_token=request.needs_token)
        case ("v1", name):
            _allow(request, "GET", "HEAD", "POST")
            return _by_parameters(request, _load(name), memo)
        case ("v1", name, text):
            _allow(request, "DELETE", "GET", "HEAD")
            return _by_signature(request, name, text)
    raise NotFound("there is nothing at this path; GET /openapi.json lists the paths")


# These import their modules on demand, to keep cold starts short.


def _console(request: Request) -> Response:
    from backburner.http import console

    page = console.page(request.large_results, request.base)
    document = page if request.path == ("",) else console.file(request.path[-1])
    if document is None:
        raise NotFound("the console has no such file; GET / names those that it loads")
    return document.answer(request)


def _openapi(request: Request) -> Response:
    from backburner.http import openapi

    working = _described(tuple(registry.names()), request.base)
    return openapi.served(tuple(working), request.base).answer(request)


@cache
def _listed(names: tuple[str, ...], base: str) -> Document:
    described = [*_described(names, base).values()]
    return Document.of(json.dumps({"computations": described}).encode(), response.JSON)


def _by_parameters(request: Request, computation: Computation, memo: Memo) -> Question:
    private_to = _private_to(request, computation)
    key = key_of(request, computation, private_to)
    signed, given = memo.get(key), None
    if signed is None:
        given = Given.read(request, computation)
        signed = memo[key] = given.sign(computation, private_to)
    return Question(
        request=request,
        entry=_entry(request, computation, signed, private_to),
        computation=computation,
        can_start=True,
        given=given,
    )


def _expected_time(computation: Computation, given: Any) -> float:
    try:
        return computation.expected_time(given)
    except BrokenComputation as error:
        raise _broken(computation.name, error) from error


def _by_signature(request: Request, name: str, text: str) -> Question | Forget:
    if request.method == "DELETE":
        return _forget(request, name, text)
    computation = _load(name)
    private_to = _private_to(request, computation)
    entry = _entry(request, computation, _signature(text), private_to)
    return Question(request=request, entry=entry, computation=computation)


def _forget(request: Request, name: str, text: str) -> Forget:
    """Refuse, on any route, without an AWS signature that API Gateway has checked."""
    if request.operator is None:
        raise Forbidden("only an operator may forget an entry; sign the request (AWS SigV4)")
    entry = _entry(request, _load(name), _signature(text))
    return Forget(entry=entry, operator=request.operator)


def _entry(
    request: Request, computation: Computation, signed: Signature, private_to: str = ""
) -> Entry:
    """The entry that is asked for; what is logged from now on names it."""
    telemetry.correlate(request.correlation_id, computation.name, signed)
    return Entry(signature=signed, computation=computation.name, private_to=private_to)


def _signature(text: str) -> Signature:
    if not signature.FORM.fullmatch(text):
        raise NotFound("a signature has 64 hex digits; follow a Location header")
    return Signature(text)


def _private_to(request: Request, computation: Computation) -> str:
    """The caller's identity if answers are private; empty if they are for everybody."""
    if not computation.policy.private:
        return ""
    if request.identity is None:
        raise Unauthorized(
            f"the answers of {computation.name} are private; send Authorization: Bearer "
            "and a token with an issuer and a subject",
            headers={"www-authenticate": "Bearer"},
        )
    return request.identity


def _load(name: str) -> Computation:
    try:
        return registry.load(name)
    except NoSuchComputation as error:
        raise NotFound(str(error)) from error
    except BrokenComputation as error:
        raise _broken(name, error) from error


def _broken(name: str, error: BrokenComputation) -> InternalError:
    """The client's problem for a broken computation. The log tells its author the details.

    So does the problem on the author's own machine.
    """
    logger.error(
        "a computation is broken",
        computation=name,
        reason=str(error),
        where=where(error, registry.path()),
    )
    if settings.shows_errors():
        return InternalError(str(error))
    return InternalError(f"the computation {name} is broken, and that is logged; ask again later")


@cache
def _described(names: tuple[str, ...], base: str) -> dict[str, dict[str, object]]:
    """The computations that work, by name. Broken ones are logged and left out."""
    described = {}
    for name in names:
        try:
            described[name] = _describe(registry.load(name), base)
        except BrokenComputation as error:
            _broken(name, error)
    return described


def _describe(computation: Computation, base: str) -> dict[str, object]:
    described = {
        "name": computation.name,
        "href": f"{base}/v1/{computation.name}",
        "documentation": computation.documentation,
        "version": computation.policy.version,
        "private": computation.policy.private,
        "example": computation.example,
    }
    try:
        described["parameters"] = computation.parameters.model_json_schema()
        described["result"] = computation.result.model_json_schema(mode="serialization")
        json.dumps(described, allow_nan=False)
    except Exception as error:
        raise BrokenComputation(
            f"computation {computation.name!r} cannot be described as JSON: "
            f"{type(error).__name__}: {error}; mend its fields or its example "
            f"({source_line.of_class(computation.parameters)})"
        ) from error
    return described


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise MethodNotAllowed(
            f"{request.method} is not allowed here; use {' or '.join(methods)}",
            headers={"allow": ", ".join(methods)},
        )
