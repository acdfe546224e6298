"""Tells the canned server what it has, and asks what it heard."""

import json
import os
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

Heard = list[tuple[str, dict[str, Any]]]
"""Operations and the bodies of their requests."""


def tell(operation: str, endpoint: str = "", **body: Any) -> Any:
    """Freeze, Put or Calls; by default at the server of AWS_ENDPOINT_URL."""
    address = urlsplit(endpoint or os.environ["AWS_ENDPOINT_URL"]).netloc
    connection = HTTPConnection(address, timeout=10)
    headers = {"x-amz-target": f"Canned.{operation}"}
    connection.request("POST", "/", json.dumps(body), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def heard(endpoint: str = "") -> Heard:
    """The calls since the last time."""
    return [(operation, body) for operation, body in tell("Calls", endpoint)["calls"]]
