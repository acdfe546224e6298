"""How often each client asks for an answer, and how long after it is there."""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from backburner_client import Backburner
from tests.clients.node import node

COMPUTATIONS = Path(__file__).parent / "computations"
SCRIPT = Path(__file__).with_name("noticed.mjs")


@dataclass(frozen=True, slots=True)
class Noticed:
    """One answer: the requests after the first, and the seconds since it was computed."""

    polls: int
    late: float


def by_python(url: str, questions: Sequence[dict[str, Any]]) -> list[Noticed]:
    requests = Counter[str]()
    counting = {"request": [lambda request: requests.update([request.method])]}
    noticed = []
    with Backburner(url, http=httpx.Client(event_hooks=counting)) as client:
        for question in questions:
            requests.clear()
            result = client.compute("finishing", question).result
            noticed.append(Noticed(requests.total() - 1, time.time() - result["done_at"]))
    return noticed


def by_javascript(url: str, questions: Sequence[dict[str, Any]]) -> list[Noticed]:
    command = [node(), str(SCRIPT), url, json.dumps(questions)]
    ran = subprocess.run(  # noqa: S603
        command, env=os.environ, capture_output=True, text=True, check=True, timeout=600
    )
    return [Noticed(**each) for each in json.loads(ran.stdout)]
