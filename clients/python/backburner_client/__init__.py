"""A client of a backburner service: it asks, waits as the service says, and returns the answer.

    with Backburner("https://…") as client:
        answer = client.compute("word-count", {"text": "a slow computation"})
    print(answer.result)

`AsyncBackburner` does the same with asyncio.
"""

import asyncio
import json
import random as randomness
import re
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from math import inf
from threading import Event, Lock
from typing import Any, Self
from urllib.parse import quote

import httpx

__version__ = "0.1.0"
__all__ = [
    "AsyncBackburner",
    "Backburner",
    "Cancelled",
    "ComputeError",
    "Computed",
    "DeadlineExceeded",
    "JobStatus",
    "ProblemError",
    "Unreachable",
    "Unreadable",
]

DEADLINE = 60.0
"""Seconds that a call may take by default."""
MOST_FAILURES = 5
"""In a row that do not say when to ask again."""
MOST_REFUSALS = 10
"""In a row that do; without a deadline nothing else would end them."""
FIRST_BACKOFF = 0.5
"""Seconds; twice as many after each failure."""
WITHOUT_ADVICE = 1.0
"""Seconds, if a 202 does not say how long to wait."""
LEAST_WAIT = 0.05
JITTER = 0.05
"""Of a wait in whole seconds, at most; the service has already spread `retry_after`."""
GRACE = 30.0
"""Seconds after gives_up_at."""
OVER = 0.01
"""Seconds before the deadline; timers are no finer."""
UNTIL_A_RESPONSE = 35.0
"""Seconds; API Gateway itself gives up after 30."""
LONGEST_WAIT = 3600.0
"""Seconds between two requests, whatever the service says, and for the body of one response."""
MAX_BYTES = 100_000_000
"""Of a response, decompressed; a service has no larger results."""
PASSING = (429, 502, 503, 504)

AGENT = {"user-agent": f"backburner-client/{__version__}"}
MISTAKES = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""What no other attempt would mend: a URL or a header that cannot be sent."""
LARGEST = 1e9
"""Of seconds and attempts; who says more has said nothing."""
FAILURES = (httpx.RequestError, httpx.InvalidURL, UnicodeError, OverflowError, ExceptionGroup)
"""What may pass; all but the first come of the URL of a redirect, or of a cookie."""

Token = str | Callable[[], str | None] | None
_SINCE = time.time() - time.monotonic()


def _now() -> float:
    """Seconds since the epoch that nobody sets back."""
    return _SINCE + time.monotonic()


class ComputeError(Exception):
    """The root of this module's errors."""


class ProblemError(ComputeError):
    """The answer is a problem (RFC 9457), or another response of 400 or above.

    `errors` has a `pointer` and a `reason` for each parameter that does not validate;
    `retry_after` is in seconds, None if the service does not say.
    """

    def __init__(
        self, status: int, members: Mapping[str, Any], retry_after: float | None = None
    ) -> None:
        self.status = status
        said = {name: value for name, value in members.items() if isinstance(value, str)}
        self.title = said.get("title") or said.get("message") or f"HTTP {status}"
        self.detail = said.get("detail", "")
        self.type = said.get("type", "about:blank")
        self.errors = _errors(members.get("errors"))
        self.retry_after = retry_after
        self.members = dict(members)
        super().__init__(self.detail or self.title)


class DeadlineExceeded(ComputeError):
    """There was no answer within the deadline. The job goes on: `follow(location)` may find it."""

    def __init__(self, deadline: float, location: str | None, status: "JobStatus | None") -> None:
        remedy = f"the job goes on: follow {location}" if location else "allow more time"
        within = f"the deadline of {deadline:g} s" if deadline < inf else "the service's own time"
        super().__init__(f"no answer within {within}; {remedy}")
        self.location = location
        self.status = status


class Unreachable(ComputeError):
    """The service did not respond, several times in a row; the cause is the last failure."""


class Unreadable(ComputeError):
    """The response is none that a backburner service gives."""


class Cancelled(ComputeError):
    """The caller's event was set. The job goes on: `follow(location)` finds its answer."""

    def __init__(self, location: str | None) -> None:
        super().__init__("cancelled; the job goes on")
        self.location = location


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where a job is, as a 202 says; None is what it does not say."""

    state: str | None = None
    signature: str | None = None
    progress: float | None = None
    """From 0 to 1."""
    attempts: int | None = None
    retry_after: float | None = None
    requested_at: datetime | None = None
    expected_at: datetime | None = None
    gives_up_at: datetime | None = None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            state=_of(str, body.get("state")),
            signature=_of(str, body.get("signature")),
            progress=_number(body.get("progress"), most=1),
            attempts=_of(int, _number(body.get("attempts"))),
            retry_after=_number(body.get("retry_after")),
            requested_at=_time(body.get("requested_at")),
            expected_at=_time(body.get("expected_at")),
            gives_up_at=_time(body.get("gives_up_at")),
        )


@dataclass(frozen=True, slots=True)
class Computed:
    """The answer to a question."""

    result: Any
    signature: str | None
    location: str | None
    etag: str | None
    is_stale: bool
    headers: httpx.Headers = field(repr=False)


OnProgress = Callable[[JobStatus], object]


@dataclass(frozen=True, slots=True)
class _Question:
    """A request: the parameters, or a location."""

    method: str
    url: str
    body: bytes | None = None
    etag: str | None = None

    @property
    def key(self) -> tuple[str, str, bytes | None]:
        return self.method, self.url, self.body

    def headers(self, token: Token) -> dict[str, str]:
        given = token() if callable(token) else token
        named = {
            "accept": "application/json",
            "accept-encoding": "gzip",
            "content-type": "application/json" if self.body is not None else None,
            "if-none-match": self.etag,
            "authorization": f"Bearer {given}" if given else None,
        }
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: httpx.Headers
    content: bytes
    url: str
    is_redirected: bool

    @classmethod
    def of(cls, response: httpx.Response, content: bytes) -> Self:
        url, is_redirected = str(response.url), bool(response.history)
        return cls(response.status_code, response.headers, content, url, is_redirected)

    def named(self, header: str, service: str) -> str | None:
        """The URL that the header names, if it is of the service: the token is for no other."""
        return _own(self.headers.get(header), self.url, service)

    @property
    def members(self) -> dict[str, Any]:
        """Of the JSON object in the body; none if there is no such object."""
        try:
            read = _read(self.content)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    @property
    def is_passing(self) -> bool:
        """Whether asking again may help. A 500 that is not a problem document is the gateway's."""
        media_type = self.headers.get("content-type", "")
        is_ours = media_type.startswith("application/problem+json")
        return self.status in PASSING or (self.status == 500 and not is_ours) or self.is_redirected

    def retry_after(self, now: float) -> float | None:
        """Seconds as the header says, in seconds or as a date; None without advice."""
        value = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
            return _number(float(value)) or None
        # The response's own date, since the two clocks may differ.
        sent, until = _date(self.headers.get("date", "")), _date(value)
        return _number(until - (sent or now)) or None if until else None


class _Body:
    """A response's bytes, decompressed as they come: only once, so each part stays small."""

    def __init__(self, response: httpx.Response, most: int) -> None:
        self.content, self._most = bytearray(), most
        coding = response.headers.get("content-encoding", "")
        if re.findall("gzip|deflate|br|zstd", coding.lower()) not in ([], ["gzip"]):
            raise Unreadable(f"the response is compressed by {coding:.50}, and not by gzip")

    def add(self, part: bytes) -> None:
        self.content += part
        if len(self.content) > self._most:
            raise Unreadable(f"the response is over {self._most} bytes; allow more by max_bytes")


@dataclass(frozen=True, slots=True)
class _Keeping:
    location: str
    etag: str
    content: bytes
    fresh_until: float


class _Kept:
    """Results under their questions and locations; the one used longest ago goes first."""

    def __init__(self, most: int) -> None:
        self._most = 2 * most
        self._entries: OrderedDict[object, _Keeping] = OrderedDict()
        self._lock = Lock()

    def get(self, key: object) -> _Keeping | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def set(self, key: object, kept: _Keeping) -> None:
        with self._lock:
            self._entries[key] = kept
            self._entries.move_to_end(key)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)


@dataclass(slots=True)
class _Inquiry:
    """One call: what to send next, and what each reply means. It sends nothing, and never waits."""

    question: _Question
    kept: _Kept
    now: Callable[[], float]
    random: Callable[[], float]
    deadline: float
    on_progress: OnProgress | None
    request: _Question = field(init=False)
    location: str | None = field(init=False, default=None)
    status: JobStatus | None = field(init=False, default=None)
    _end: float = field(init=False)
    _held: _Keeping | None = field(init=False, default=None)
    _failures: int = field(init=False, default=0)
    _refusals: int = field(init=False, default=0)
    _has_lost_location: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._end = self.now() + self.deadline
        self.request = self._first()
        if self.question.method == "GET":
            self.location = self.question.url

    @property
    def left(self) -> float:
        """Seconds to the deadline."""
        return self._end - self.now()

    @property
    def patience(self) -> float:
        """Seconds for the whole of the next response."""
        return min(LONGEST_WAIT, self.left)

    @property
    def timeout(self) -> float:
        """Seconds for the next response to begin, or for its next part."""
        return max(0.001, min(UNTIL_A_RESPONSE, self.left))

    def hear(self, reply: _Reply | httpx.RequestError) -> Computed | float:
        """The answer, or the seconds until the next request; raises an error if it is over."""
        if isinstance(reply, httpx.RequestError):
            return self._failed(_unreachable(self.request.url, reply))
        match reply.status:
            case 202:
                return self._accepted(reply)
            case 200:
                return self._answer(reply)
            case 304 if self._held and self.request.etag:
                return self._still_holds(reply, self._held)
            case 404 if self.request != self.question and self.question.method == "POST":
                return self._ask_anew()
            case status if status < 400:
                raise Unreadable(f"{status} is not an answer of a backburner service")
        return self._problem(reply)

    def _first(self) -> _Question:
        """While a kept result is fresh, ask only if it still holds: a cache would not even ask."""
        kept = self.kept.get(self.question.key)
        if kept and (self.question.method == "GET" or kept.fresh_until > self.now()):
            self._held = kept
            return _Question("GET", kept.location, etag=kept.etag)
        return self.question

    def _accepted(self, reply: _Reply) -> float:
        self._failures = self._refusals = 0
        self.status = JobStatus.read(reply.members)
        self._poll(reply)
        self._bound_by(self.status)
        if self.on_progress and reply.members:
            self.on_progress(self.status)
        return self._wait_of(self.status.retry_after, reply)

    def _poll(self, reply: _Reply) -> None:
        """Poll at Location if it is of this service."""
        self.request = self.question
        if location := reply.named("location", self.question.url):
            self.location = location
            if not self._has_lost_location:
                self.request = _Question("GET", location)

    def _bound_by(self, status: JobStatus) -> None:
        """Every job ends by gives_up_at. Only the service's own clock is in this."""
        if status.gives_up_at and status.requested_at:
            seconds = (status.gives_up_at - status.requested_at).total_seconds()
            self._end = min(self._end, self.now() + max(0, seconds) + GRACE)

    def _wait_of(self, told: float | None, reply: _Reply) -> float:
        whole = self._spread(reply.retry_after(self.now()) or WITHOUT_ADVICE)
        wait = min(max(LEAST_WAIT, told or whole), LONGEST_WAIT)
        if wait < self.left:
            return wait
        until_the_last = self.left - min(1, self.deadline / 10)
        if until_the_last > 0:
            return until_the_last
        raise self._late()

    def _late(self) -> DeadlineExceeded:
        return DeadlineExceeded(self.deadline, self.location, self.status)

    def _ask_anew(self) -> float:
        """The location knows nothing (any more): send the parameters from now on."""
        self._has_lost_location = True
        self.request = self.question
        return 0

    def _problem(self, reply: _Reply) -> float:
        advised = reply.retry_after(self.now())
        problem = ProblemError(reply.status, reply.members, advised)
        if not reply.is_passing:
            raise problem
        if advised is None:
            return self._failed(problem)
        self._refusals += 1
        if self._refusals == MOST_REFUSALS:
            raise problem
        return self._within(self._spread(advised), problem)

    def _failed(self, error: ComputeError) -> float:
        if self.left < OVER:
            raise self._late() from error
        self._failures += 1
        if self._failures == MOST_FAILURES:
            raise error
        backoff = FIRST_BACKOFF * 2 ** (self._failures - 1)
        return self._within(backoff * (0.5 + self.random()), error)

    def _spread(self, seconds: float) -> float:
        return seconds * (1 + JITTER * self.random())

    def _within(self, wait: float, error: ComputeError) -> float:
        if wait >= self.left:
            raise error
        return min(wait, LONGEST_WAIT)

    def _answer(self, reply: _Reply) -> Computed:
        # A large result is elsewhere, under an ETag that is not the service's.
        etag = reply.headers.get("x-amz-meta-etag" if reply.is_redirected else "etag")
        self.location = reply.named("content-location", self.question.url) or self.location
        computed = self._computed(reply, reply.content, etag)
        if etag and self.location:
            self._keep(reply, etag, self.location)
        return computed

    def _keep(self, reply: _Reply, etag: str, location: str) -> None:
        told = re.search(r"max-age=([0-9]+)", reply.headers.get("cache-control", ""))
        age = re.fullmatch("[0-9]+", reply.headers.get("age", ""))
        fresh_until = self.now() + float(told[1] if told else 0) - float(age[0] if age else 0)
        kept = _Keeping(location, etag, reply.content, fresh_until)
        self.kept.set(self.question.key, kept)
        self.kept.set(_Question("GET", location).key, kept)

    def _still_holds(self, reply: _Reply, kept: _Keeping) -> Computed:
        self.location = kept.location
        return self._computed(reply, kept.content, kept.etag)

    def _computed(self, reply: _Reply, content: bytes, etag: str | None) -> Computed:
        try:
            result = _read(content)
        except ValueError as error:
            raise Unreadable(f"the result is not JSON ({error})") from error
        signature = self.location.rpartition("/")[2] if self.location else None
        is_stale = "ttl=-" in reply.headers.get("cache-status", "")
        return Computed(result, signature, self.location, etag, is_stale, reply.headers)


class _Settings:
    """What both clients have."""

    def __init__(
        self,
        url: str,
        token: Token,
        keep: int,
        max_bytes: int,
        random: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        httpx.URL(url)  # raises if it is none
        self.url = url.rstrip("/")
        self.token = token
        self.max_bytes = max_bytes
        self._kept = _Kept(keep)
        self._random = random
        self._now = now

    def _asked(
        self, name: str, parameters: object, deadline: float | None, tell: OnProgress | None
    ) -> _Inquiry:
        body = json.dumps(parameters, allow_nan=False).encode()
        url = f"{self.url}/v1/{quote(name, safe='')}"
        return self._inquiry(_Question("POST", url, body), deadline, tell)

    def _followed(self, location: str, deadline: float | None, tell: OnProgress | None) -> _Inquiry:
        if not (url := _own(location, f"{self.url}/", self.url)):
            raise ValueError(
                f"{location} is not of {self.url}; follow the locations of this service"
            )
        return self._inquiry(_Question("GET", url), deadline, tell)

    def _inquiry(
        self, question: _Question, deadline: float | None, tell: OnProgress | None
    ) -> _Inquiry:
        most = inf if deadline is None else deadline
        return _Inquiry(question, self._kept, self._now, self._random, most, tell)

    def _request(self, http: httpx.Client | httpx.AsyncClient, inquiry: _Inquiry) -> httpx.Request:
        """On a redirect to another origin, httpx leaves the token out."""
        asked = inquiry.request
        return http.build_request(
            asked.method,
            asked.url,
            content=asked.body,
            headers=asked.headers(self.token),
            timeout=inquiry.timeout,
        )


class Backburner(_Settings):
    """Asks the service at `url`.

    `token` is a string, or a function that gives one. `keep` is how many results are kept, to be
    asked for by ETag, `max_bytes` how large a response may be. `http` is an httpx.Client with
    settings of your own. Many threads may use one client.
    """

    def __init__(
        self,
        url: str,
        *,
        token: Token = None,
        http: httpx.Client | None = None,
        keep: int = 32,
        max_bytes: int = MAX_BYTES,
        random: Callable[[], float] = randomness.random,
        sleep: Callable[[float], object] = time.sleep,
        now: Callable[[], float] = _now,
    ) -> None:
        super().__init__(url, token, keep, max_bytes, random, now)
        self._http = http or httpx.Client(headers=AGENT)
        self._sleep = sleep

    def compute(
        self,
        name: str,
        parameters: object,
        *,
        deadline: float | None = DEADLINE,
        on_progress: OnProgress | None = None,
        cancel: Event | None = None,
    ) -> Computed:
        """Ask for a computation, and wait for its answer.

        `parameters` are what JSON can say. `deadline` is in seconds for everything; None is until
        the service gives the job up. Setting `cancel` ends the waiting.
        """
        return self._answer(self._asked(name, parameters, deadline, on_progress), cancel)

    def follow(
        self,
        location: str,
        *,
        deadline: float | None = DEADLINE,
        on_progress: OnProgress | None = None,
        cancel: Event | None = None,
    ) -> Computed:
        """Wait for the answer at a location that the service has given."""
        return self._answer(self._followed(location, deadline, on_progress), cancel)

    def map(
        self,
        name: str,
        many: Iterable[object],
        *,
        at_once: int = 8,
        deadline: float | None = DEADLINE,
    ) -> Iterator[Computed]:
        """Yield the answers to many questions in their order, asking at most `at_once` at a time.

        Each has the deadline for itself. Leaving the loop stops asking.
        """
        stopped = Event()
        ask = partial(self.compute, name, deadline=deadline, cancel=stopped)
        asked: deque[Future[Computed]] = deque()
        with ThreadPoolExecutor(at_once) as threads:
            try:
                for parameters in many:
                    asked.append(threads.submit(ask, parameters))
                    if len(asked) == at_once:
                        yield asked.popleft().result()
                while asked:
                    yield asked.popleft().result()
            finally:
                stopped.set()

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, inquiry: _Inquiry, cancel: Event | None) -> Computed:
        pause = cancel.wait if cancel else self._sleep
        while True:
            if cancel and cancel.is_set():
                raise Cancelled(inquiry.location)
            step = inquiry.hear(self._reply(inquiry))
            if isinstance(step, Computed):
                return step
            pause(step)

    def _reply(self, inquiry: _Inquiry) -> _Reply | httpx.RequestError:
        try:
            request = self._request(self._http, inquiry)
            response = self._http.send(request, stream=True, follow_redirects=True)
            try:
                body = _Body(response, self.max_bytes)
                end = self._now() + inquiry.patience
                for part in response.iter_bytes():
                    body.add(part)
                    if self._now() >= end:
                        raise httpx.ReadTimeout("the body takes too long")
                return _Reply.of(response, bytes(body.content))
            finally:
                response.close()
        except FAILURES as error:
            return _failure(error, inquiry.request)


class AsyncBackburner(_Settings):
    """Asks the service at `url`, with asyncio; see Backburner. Cancel a call as any task."""

    def __init__(
        self,
        url: str,
        *,
        token: Token = None,
        http: httpx.AsyncClient | None = None,
        keep: int = 32,
        max_bytes: int = MAX_BYTES,
        random: Callable[[], float] = randomness.random,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        now: Callable[[], float] = _now,
    ) -> None:
        super().__init__(url, token, keep, max_bytes, random, now)
        self._http = http or httpx.AsyncClient(headers=AGENT)
        self._sleep = sleep

    async def compute(
        self,
        name: str,
        parameters: object,
        *,
        deadline: float | None = DEADLINE,
        on_progress: OnProgress | None = None,
    ) -> Computed:
        """Ask for a computation, and wait for its answer."""
        return await self._answer(self._asked(name, parameters, deadline, on_progress))

    async def follow(
        self,
        location: str,
        *,
        deadline: float | None = DEADLINE,
        on_progress: OnProgress | None = None,
    ) -> Computed:
        """Wait for the answer at a location that the service has given."""
        return await self._answer(self._followed(location, deadline, on_progress))

    async def map(
        self,
        name: str,
        many: Iterable[object],
        *,
        at_once: int = 8,
        deadline: float | None = DEADLINE,
    ) -> AsyncIterator[Computed]:
        """Yield the answers to many questions in their order, asking `at_once` at most."""
        asked: deque[asyncio.Task[Computed]] = deque()
        try:
            for parameters in many:
                inquiry = self.compute(name, parameters, deadline=deadline)
                asked.append(asyncio.create_task(inquiry))
                if len(asked) == at_once:
                    yield await asked.popleft()
            while asked:
                yield await asked.popleft()
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _answer(self, inquiry: _Inquiry) -> Computed:
        while True:
            step = inquiry.hear(await self._reply(inquiry))
            if isinstance(step, Computed):
                return step
            await self._sleep(step)

    async def _reply(self, inquiry: _Inquiry) -> _Reply | httpx.RequestError:
        try:
            async with asyncio.timeout(inquiry.patience):
                request = self._request(self._http, inquiry)
                response = await self._http.send(request, stream=True, follow_redirects=True)
                try:
                    body = _Body(response, self.max_bytes)
                    async for part in response.aiter_bytes():
                        body.add(part)
                    return _Reply.of(response, bytes(body.content))
                finally:
                    await response.aclose()
        except TimeoutError:
            return httpx.ReadTimeout("the response takes too long")
        except FAILURES as error:
            return _failure(error, inquiry.request)


def _unreachable(url: str, error: httpx.RequestError) -> Unreachable:
    unreachable = Unreachable(f"{url} did not respond ({str(error) or type(error).__name__})")
    unreachable.__cause__ = error
    return unreachable


def _failure(error: Exception, asked: _Question) -> httpx.RequestError:
    """As httpx tells it; raises the caller's own mistake, which no URL of the service made."""
    if not isinstance(error, httpx.RequestError):
        return httpx.ConnectError(str(error))
    if isinstance(error, MISTAKES) and error.request.url == asked.url:
        raise error
    return error


def _read(content: bytes) -> Any:
    """What the JSON says; ValueError also for NaN, and for what is nested too deeply to be read."""
    try:
        return json.loads(content, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")


def _of(kind: Any, value: object) -> Any:
    return value if isinstance(value, kind) else None


def _number(value: object, most: float = LARGEST) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value <= most else None


def _errors(listed: object) -> list[dict[str, str]]:
    """Those that have a pointer and a reason."""
    found = [each for each in _of(list, listed) or () if isinstance(each, dict)]
    return [
        {"pointer": pointer, "reason": reason}
        for pointer, reason in ((each.get("pointer"), each.get("reason")) for each in found)
        if isinstance(pointer, str) and isinstance(reason, str)
    ]


def _time(value: object) -> datetime | None:
    """A timestamp with its offset."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read if read and read.tzinfo else None


def _date(value: str) -> float | None:
    """An HTTP date in seconds since the epoch."""
    try:
        read = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _own(named: str | None, base: str, service: str) -> str | None:
    """The URL that is named, if it is of the service's origin."""
    try:
        url = httpx.URL(base).join(named or "")
        return str(url) if named and _origin(url) == _origin(httpx.URL(service)) else None
    except httpx.InvalidURL:
        return None


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port
