"""The words of the document: its texts, its small schemas, and what names them."""

from collections.abc import Collection
from typing import Any

from backburner import __version__, problems
from backburner.computation import Computation
from backburner.http.event import MAX_BODY_BYTES
from backburner.problems import Problem
from backburner.protocol.entry import MAX_PARAMETERS_BYTES
from backburner.protocol.signature import FORM

Json = dict[str, Any]
Kinds = Collection[type[Problem]]
TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
NOTHING: Json = {"type": "string", "maxLength": 0}
TIME: Json = {"type": "string", "format": "date-time"}
SIGNATURE: Json = {"type": "string", "pattern": f"^{FORM.pattern}$"}
INFO = {
    "title": "backburner",
    "version": __version__,
    "license": {"name": "MIT", "identifier": "MIT"},
    "description": (
        "Slow computations behind a fast API. Ask with the parameters: 200 is the result; 202 is "
        "accepted: ask again after Retry-After seconds, here or at Location. Equal parameters "
        "have one signature, however they are written, and are computed once."
    ),
}
UNTIL_THE_RESULT: Json = {
    "x-speakeasy-polling": [
        {"name": "WaitForResult", "successCriteria": [{"condition": "$statusCode == 200"}]}
    ]
}
"""For a generator that makes methods which poll: speakeasy.com/docs/customize/runtime/polling."""
IN_A_QUERY = (
    "In a query, write text as it is and anything else as JSON. Repeat a parameter to send a list; "
    "where only a list is allowed, one value is a list of one."
)
ELSEWHERE = (
    "The result is large: its bytes are at Location for some minutes, always gzipped. Follow it by "
    "GET (a HEAD, by HEAD), and without what authorises you here."
)
LIMIT = f"At most {MAX_BODY_BYTES:,} bytes, and {MAX_PARAMETERS_BYTES:,} when gzipped; 413 above."
ACCEPTED: Json = {
    "state": {"enum": ["queued", "running"]},
    "signature": SIGNATURE,
    "requested_at": TIME,
    "attempts": COUNT,
    "progress": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "retry_after": {"type": "number", "description": "Retry-After, with fractions of a second."},
    "expected_at": TIME,
    "gives_up_at": TIME | {"description": "By then there is an answer: a result or a problem."},
}
DESCRIBED: Json = {
    "name": TEXT,
    "href": {"type": "string", "format": "uri-reference"},
    "documentation": TEXT,
    "version": COUNT,
    "private": {"type": "boolean", "description": "Answers are only for the caller; send a token."},
    "parameters": {"type": "object", "description": "JSON Schema."},
    "result": {"type": "object", "description": "JSON Schema."},
    "example": {"type": "object", "description": "Valid parameters."},
}
AN_ERROR = {
    "pointer": {"type": "string", "description": "RFC 6901: the place in the parameters."},
    "reason": {"type": "string", "description": "Why the value there is not valid."},
}
HEADERS: dict[str, tuple[str, Json]] = {
    "Age": ("Seconds since it was computed.", COUNT),
    "Allow": ("The methods that are allowed.", TEXT),
    "Cache-Control": ("How long it may be kept, fresh and stale.", TEXT),
    "Cache-Status": (
        "RFC 9211: a hit, for how long it is still fresh (-n: stale for n seconds) and if it is "
        "being refreshed; or a miss, and if it joined a job.",
        TEXT,
    ),
    "Content-Encoding": ("Set for clients that accept gzip.", {"const": "gzip"}),
    "Content-Location": ("The URL of the answer by its signature.", TEXT),
    "Content-Security-Policy": ("The page's own script and style, and no others.", TEXT),
    "ETag": ("For If-None-Match; weak: the same with and without gzip.", TEXT),
    "Location": (
        "Of a 202, where it will be found by its signature; of a redirect, where its bytes are.",
        TEXT,
    ),
    "Preference-Applied": ("The body is left out.", {"const": "return=minimal"}),
    "Retry-After": ("Seconds after which to ask again: an estimate.", COUNT | {"minimum": 1}),
    "WWW-Authenticate": ("How to authenticate.", {"const": "Bearer"}),
    "Vary": ("The request headers that it depends on.", TEXT),
}
OF_A_RESULT = ("Age", "Cache-Control", "Cache-Status", "Content-Location", "ETag", "Vary")
OF_A_DOCUMENT = ("Cache-Control", "ETag", "Vary")
OF_A_202 = ("Cache-Control", "Cache-Status", "Location", "Retry-After")
OF_A_PROBLEM = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
OF_A_FAILURE = ("Cache-Status", "Content-Encoding", "Content-Location", "Retry-After", "Vary")
KEPT = (422, 500)
"""The statuses of failures that are stored as answers, and so have an answer's headers."""
SCALARS = ("boolean", "integer", "number", "string")
REQUEST_HEADERS = {
    "Accept-Encoding": ("gzip: an answer comes as it is stored.", "gzip"),
    "If-None-Match": ("The ETag that the client has: 304 if it still holds.", 'W/"0123abcd"'),
    "Prefer": ("return=minimal: a 202 comes without a body.", "return=minimal"),
}
CONDITION = "If-None-Match"
"""Only for GET and HEAD."""
NOT_MODIFIED: Json = {"304": {"$ref": "#/components/responses/NotModified"}}
SECURITY_SCHEMES: Json = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Its issuer and subject identify the caller of private answers.",
    },
    "operator": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "x-amazon-apigateway-authtype": "awsSigv4",
        "description": "AWS Signature Version 4, for the service execute-api.",
    },
}
WITHOUT_A_BODY = {problems.MalformedJson, problems.NotJson}
WITHOUT_PARAMETERS = WITHOUT_A_BODY | {problems.InvalidParameters, problems.TooLarge}
WITHOUT_A_SIGNATURE = {problems.NotFound}
WHERE_IT_IS_PUBLIC = {problems.Unauthorized}
FOR_OPERATORS = {problems.Forbidden}
ENDS_OF_A_DOCUMENT = {problems.MethodNotAllowed, problems.InternalError}
OF_FORGETTING = {
    problems.Forbidden,
    problems.InternalError,
    problems.NotFound,
    problems.Unavailable,
}


def ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def prefix(computation: Computation) -> str:
    """`route-plan` becomes `RoutePlan`."""
    return computation.name.title().replace("-", "")


def object_of(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}
