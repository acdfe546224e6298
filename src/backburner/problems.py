"""What an HTTP client gets to see when there is no result: RFC 9457, `application/problem+json`.

Each kind is a class; its type is a URN made of the class's name. The text names the value, the rule
and the remedy.
"""

import json
import re
from typing import Any, ClassVar

from backburner.errors import BackburnerError


class Problem(BackburnerError):
    """The root of the problems. `retry_after` is in seconds."""

    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self, detail: str, *, retry_after: float | None = None, allow: str = "", **members: Any
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.allow = allow
        self.members = members

    @classmethod
    def type(cls) -> str:
        words = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        return f"urn:problem-type:backburner:{words}"

    def as_json(self) -> bytes:
        known = {
            "type": self.type(),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return json.dumps({**known, **self.members}, separators=(",", ":")).encode()


class MalformedJson(Problem):
    status, title = 400, "The body is not JSON"


class Unauthorized(Problem):
    status, title = 401, "Who asks is not known"


class Forbidden(Problem):
    status, title = 403, "Only an operator may do this"


class NotFound(Problem):
    status, title = 404, "There is nothing here"


class MethodNotAllowed(Problem):
    status, title = 405, "This resource has no such method"


class TooLarge(Problem):
    status, title = 413, "The request is too large"


class NotJson(Problem):
    status, title = 415, "The body is not said to be JSON"


class InvalidParameters(Problem):
    status, title = 422, "The parameters do not validate"


class CannotBeComputed(Problem):
    status, title = 422, "The parameters cannot be computed"


class GaveUp(Problem):
    status, title = 500, "The computation was given up"


class ResultTooLarge(Problem):
    status, title = 500, "The result is too large to keep"


class InternalError(Problem):
    status, title = 500, "Something is broken here"


class Unavailable(Problem):
    status, title = 503, "New work is refused at the moment"
