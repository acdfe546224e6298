"""Tells the canned server what it has, and asks what it heard."""

import json
import os
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit


def tell(operation: str, **body: Any) -> Any:
    """Freeze, Put, Forget or Calls, at the server of AWS_ENDPOINT_URL."""
    connection = HTTPConnection(urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc, timeout=10)
    headers = {"x-amz-target": f"Canned.{operation}"}
    connection.request("POST", "/", json.dumps(body), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def heard() -> list[tuple[str, dict[str, Any]]]:
    """The calls since the last time."""
    return [(operation, body) for operation, body in tell("Calls")["calls"]]
