"""Clients that behave: they wait as Retry-After says, follow Location, and keep what they saw."""

import random
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import urllib3

PATIENCE = 180
"""Seconds after which a client takes its answer for lost."""
WITHOUT_ADVICE = 1
"""Seconds until it asks again after an error of the gateway's own, which has no Retry-After."""
LANES = ("witnessed", "witnessed-async")
"""The computation of each lane; a number is asked of one of them."""
EQUAL_SHARE = 0.5
"""Of the questions, so many are ones that others have just asked."""


@dataclass(kw_only=True)
class Asked:
    """A question of one client, and what came of it; times are seconds since the epoch."""

    number: int
    asked_at: float = field(default_factory=time.time)
    statuses: Counter[int] = field(default_factory=Counter)
    location: str = ""
    """Where the client was told to look on being accepted, unless the answer was there at once."""
    signature: str = ""
    expected_at: float = 0
    """As it was told first."""
    answered_at: float = 0
    trouble: str = ""
    """What no client should ever see."""

    @property
    def result(self) -> dict[str, int]:
        return {"power": pow(3, self.number, 2**61 - 1)}

    @property
    def is_over(self) -> bool:
        return bool(self.answered_at or self.trouble)

    def hear(self, response: urllib3.BaseHTTPResponse) -> None:
        """Note what the request function said."""
        self.statuses[response.status] += 1
        is_ours = response.headers.get("Content-Type") == "application/problem+json"
        match response.status:
            case 200 if response.json() == self.result:
                self.answered_at = time.time()
                self.signature = _signature(response.headers["Content-Location"])
            case 202:
                self._accepted(response)
            case 503:
                pass
            case 500 if not is_ours:
                pass
            case _:
                self.trouble = f"{response.status} {response.data!r}"
        if not self.is_over and time.time() > self.asked_at + PATIENCE:
            self.trouble = f"no answer in {PATIENCE} s, but {response.status} {response.data!r}"

    def _accepted(self, response: urllib3.BaseHTTPResponse) -> None:
        if not self.location:
            self.location = response.headers["Location"]
            self.signature = _signature(self.location)
            self.expected_at = datetime.fromisoformat(response.json()["expected_at"]).timestamp()
        elif self.location != response.headers["Location"]:
            self.trouble = f"{self.location} became {response.headers['Location']}"


def _signature(location: str) -> str:
    return location.rpartition("/")[2]


class Clients:
    """Each asks one question after the other, some of them the same as the others."""

    def __init__(self, url: str, notes: Path, *, clients: int, seed: int) -> None:
        self.asked: list[Asked] = []
        self._url = url
        self._notes = str(notes)
        self._draws = [random.Random(f"{seed}/{client}") for client in range(clients)]
        self._new_numbers = count(1)
        self._recent: deque[int] = deque(maxlen=8)
        self._http = urllib3.PoolManager(maxsize=clients, retries=False, timeout=60)
        self._stopped = Event()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Inside, they ask; it ends when each has the answer to its last question."""
        with ThreadPoolExecutor(len(self._draws)) as threads:
            asking = [threads.submit(self._ask, draw) for draw in self._draws]
            try:
                yield
            finally:
                self._stopped.set()
        for each in asking:
            each.result()

    def wrong_at_the_end(self) -> list[str]:
        """Which of the locations that were handed out do not have the right answer now."""
        asked = {each.location: each for each in self.asked if each.location}
        answers = {location: self._get(location) for location in asked}
        return [
            f"{location} of {asked[location].number}: {answer.status} {answer.data!r}"
            for location, answer in answers.items()
            if answer.status != 200 or answer.json() != asked[location].result
        ]

    def _ask(self, draw: random.Random) -> None:
        while not self._stopped.is_set():
            asked = Asked(number=self._number(draw))
            self.asked.append(asked)
            self._follow(asked, draw)

    def _number(self, draw: random.Random) -> int:
        if self._recent and draw.random() < EQUAL_SHARE:
            return draw.choice(list(self._recent))
        self._recent.append(number := next(self._new_numbers))
        return number

    def _follow(self, asked: Asked, draw: random.Random) -> None:
        """Until it is over: by the same request again, or by the location."""
        while True:
            by_location = asked.location and draw.random() < 0.5
            response = self._get(asked.location) if by_location else self._post(asked)
            asked.hear(response)
            if asked.is_over:
                return
            time.sleep(int(response.headers.get("Retry-After", WITHOUT_ADVICE)))

    def _post(self, asked: Asked) -> urllib3.BaseHTTPResponse:
        name = LANES[asked.number % len(LANES)]
        return self._http.request("POST", f"{self._url}/v1/{name}", json=self._question(asked))

    def _get(self, location: str) -> urllib3.BaseHTTPResponse:
        return self._http.request("GET", self._url + location)

    def _question(self, asked: Asked) -> dict[str, Any]:
        """Equal numbers are equal questions; they take 0.2 to 1.5 s."""
        seconds = 0.2 + asked.number * 37 % 14 / 10
        return {"number": asked.number, "seconds": seconds, "notes": self._notes}
