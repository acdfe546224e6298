"""What a request asks for: a document, or a question that has a signature."""

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from backburner import __version__, computations, signature
from backburner.computation import Computation, Parameters
from backburner.entry import Entry, Job
from backburner.errors import BrokenComputation, NoSuchComputation, where
from backburner.http import parameters, response
from backburner.http.event import Request
from backburner.http.response import Document, Response
from backburner.problems import (
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unauthorized,
)
from backburner.signature import Signature
from backburner.telemetry import logger

LARGEST_PARAMETERS = 100_000
"""Bytes, gzipped: with a stale answer beside them they fit into an item of 400 KB."""

LONGEST_BACK_OFF = 32
"""A failure that comes back is kept twice as long each time, up to this factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An entry to look up, and how to make a job for it. By signature alone there is no way."""

    request: Request
    entry: Entry
    new_job: Callable[[float, int], Job] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """An entry that an operator wants forgotten."""

    entry: Entry
    operator: str


def find(request: Request) -> Question | Forget | Response:
    """The document or question at the request's path; a Problem if there is none."""
    if request.method == "OPTIONS":
        return response.preflight()
    match request.path:
        case ("",):
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
            listed = _listed(tuple(computations.names()), request.base)
            return listed.answer(request, needs_token=request.needs_token)
        case ("v1", name):
            _allow(request, "GET", "HEAD", "POST")
            return _by_parameters(request, _load(name))
        case ("v1", name, text):
            _allow(request, "DELETE", "GET", "HEAD")
            return _by_signature(request, name, text)
    raise NotFound("there is nothing at this path; GET /openapi.json tells what there is")


# Imported when they are asked for: a cold start has no use for them.


def _console(request: Request) -> Response:
    from backburner.http import console

    page = console.page(os.environ.get("LARGE_RESULTS_ORIGIN", ""), request.base)
    return page.answer(request)


def _openapi(request: Request) -> Response:
    from backburner.http import openapi

    working = _described(tuple(computations.names()), request.base)
    return openapi.served(tuple(working), request.base).answer(request)


@cache
def _listed(names: tuple[str, ...], base: str) -> Document:
    described = [*_described(names, base).values()]
    return Document.of(json.dumps({"computations": described}).encode(), response.JSON)


def _by_parameters(request: Request, computation: Computation) -> Question:
    private_to = _private_to(request, computation)
    given = parameters.of(request, computation)
    dumped = parameters.dump(given)
    signed = signature.sign(computation.name, computation.policy.version, dumped, private_to)

    return Question(
        request=request,
        entry=Entry(signature=signed, computation=computation.name, private_to=private_to),
        new_job=partial(new_job, request.correlation_id, computation, given, dumped),
    )


def new_job(
    correlation_id: str,
    computation: Computation,
    given: Parameters,
    dumped: bytes,
    now: float,
    failures: int,
) -> Job:
    """A job as the computation's policy is now; `dumped` are its parameters in canonical form."""
    policy = computation.policy
    expected_time = _expected_time(computation, given)
    # A client that was told to wait for the result must still find the failure.
    kept_for = max(policy.failure_kept_for, 2 * expected_time)
    failure_kept_for = kept_for * min(2**failures, LONGEST_BACK_OFF)
    return Job(
        version=policy.version,
        parameters=_compressed(dumped),
        correlation_id=correlation_id,
        requested_at=now,
        expected_time=expected_time,
        gives_up_at=now + policy.gives_up_after,
        failures=failures,
        failure_kept_for=failure_kept_for,
        max_attempts=policy.attempts,
        answer_kept_for=min(policy.fresh_for + policy.stale_for, failure_kept_for),
    )


def _expected_time(computation: Computation, given: Parameters) -> float:
    try:
        return computation.expected_time(given)
    except BrokenComputation as error:
        raise _broken(computation.name, error) from error


def _by_signature(request: Request, name: str, text: str) -> Question | Forget:
    if request.method == "DELETE":
        return _forget(request, name, text)
    computation = _load(name)
    private_to = _private_to(request, computation)
    signed = _signature(text)
    entry = Entry(signature=signed, computation=computation.name, private_to=private_to)
    return Question(request=request, entry=entry, new_job=None)


def _forget(request: Request, name: str, text: str) -> Forget:
    """Whatever route led here: without a signature that API Gateway has checked it is refused."""
    if request.operator is None:
        raise Forbidden("only an operator may forget an entry; sign the request (AWS SigV4)")
    entry = Entry(signature=_signature(text), computation=_load(name).name)
    return Forget(entry=entry, operator=request.operator)


def _signature(text: str) -> Signature:
    if not signature.FORM.fullmatch(text):
        raise NotFound("a signature has 64 hex digits; follow a Location header")
    return Signature(text)


def _private_to(request: Request, computation: Computation) -> str:
    """Whose the answers are: the caller's, or everybody's."""
    if not computation.policy.private:
        return ""
    if request.identity is None:
        raise Unauthorized(
            f"the answers of {computation.name} are private; send Authorization: Bearer "
            "and a token with an issuer and a subject"
        )
    return request.identity


def _compressed(dumped: bytes) -> bytes:
    compressed = gzip.compress(dumped, mtime=0)
    if len(compressed) > LARGEST_PARAMETERS:
        raise TooLarge(
            f"the parameters have {len(compressed)} bytes, compressed; "
            f"{LARGEST_PARAMETERS} are the most: ask for less at a time"
        )
    return compressed


def _load(name: str) -> Computation:
    try:
        return computations.load(name)
    except NoSuchComputation as error:
        raise NotFound(str(error)) from error
    except BrokenComputation as error:
        raise _broken(name, error) from error


def _broken(name: str, error: BrokenComputation) -> InternalError:
    """What a client gets to know of it. The log has the rest: it is the author's to mend."""
    logger.error("a computation is broken", computation=name, reason=str(error), where=where(error))
    return InternalError(f"the computation {name} is broken, and that is logged; ask again later")


@cache
def _described(names: tuple[str, ...], base: str) -> dict[str, dict[str, object]]:
    """The computations that work, by name. A broken one is logged, and takes no other with it."""
    described = {}
    for name in names:
        try:
            described[name] = _describe(computations.load(name), base)
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
            f"{type(error).__name__}: {error}; mend its fields or its example"
        ) from error
    return described


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise MethodNotAllowed(
            f"{request.method} is not allowed here; use {' or '.join(methods)}",
            allow=", ".join(methods),
        )
