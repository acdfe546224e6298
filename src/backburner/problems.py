"""The errors that HTTP clients see: RFC 9457, `application/problem+json`.

Each kind of problem is a class. Its slug ends its type, a URN that clients rely on. The detail
names the value, the rule and the remedy.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from backburner.errors import BackburnerError


class Problem(BackburnerError):
    """The root of all problems. `retry_after` is in seconds."""

    slug: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        retry_after: float | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.headers = headers
        self.members = members

    @classmethod
    def type(cls) -> str:
        return f"urn:problem-type:backburner:{cls.slug}"

    def as_json(self) -> bytes:
        known = {
            "type": self.type(),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return json.dumps({**known, **self.members}, separators=(",", ":")).encode()


class MalformedJson(Problem):
    slug = "malformed-json"
    status, title = 400, "The body is not JSON"


class Unauthorized(Problem):
    slug = "unauthorized"
    status, title = 401, "Who asks is not known"


class Forbidden(Problem):
    slug = "forbidden"
    status, title = 403, "Only an operator may do this"


class NotFound(Problem):
    slug = "not-found"
    status, title = 404, "There is nothing here"


class MethodNotAllowed(Problem):
    slug = "method-not-allowed"
    status, title = 405, "This resource has no such method"


class TooLarge(Problem):
    slug = "too-large"
    status, title = 413, "The request is too large"


class NotJson(Problem):
    slug = "not-json"
    status, title = 415, "The body is not said to be JSON"


class InvalidParameters(Problem):
    slug = "invalid-parameters"
    status, title = 422, "The parameters do not validate"


class CannotBeComputed(Problem):
    slug = "cannot-be-computed"
    status, title = 422, "The parameters cannot be computed"


class GaveUp(Problem):
    slug = "gave-up"
    status, title = 500, "The computation was given up"


class ResultTooLarge(Problem):
    slug = "result-too-large"
    status, title = 500, "The result is too large to keep"


class InternalError(Problem):
    slug = "internal-error"
    status, title = 500, "Something is broken here"


class Unavailable(Problem):
    slug = "unavailable"
    status, title = 503, "New work is refused at the moment"
