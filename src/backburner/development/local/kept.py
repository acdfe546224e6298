"""Keeps what is in moto in a file: items, objects and messages, for the next start.

A call that has written is noted, and what it wrote is in the file within a second. At the start all
of it is put back by calls like those. The engine writes one item at a time, so only such are noted.
"""

import json
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from itertools import groupby
from math import inf
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from werkzeug import Response
from werkzeug.test import EnvironBuilder

from backburner import __version__
from backburner.development.terminal import say

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

FILE = "kept.sqlite3"
SOON_S = 0.5
"""Seconds from a write until it is taken into the file."""
LOCK_WAIT_S = 3
"""Seconds that an earlier run, which was just ended, may need to let go of the file."""
BATCH = 25
"""The most items that DynamoDB takes in one call."""
REMEDY = "start empty with FRESH=1 make run (backburner run --fresh)"
OF_THE_MACHINE = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
)
"""Errors that say nothing about the file."""
SCHEMA = (
    "DROP TABLE IF EXISTS engine",
    "DROP TABLE IF EXISTS kept",
    "CREATE TABLE engine (version TEXT)",
    "CREATE TABLE kept (kind TEXT, place TEXT, name TEXT, ends_at REAL, content BLOB,"
    " PRIMARY KEY (kind, place, name))",
)
FORGET = "DELETE FROM kept WHERE kind = ?1 AND place = ?2 AND (?3 = '' OR name = ?3)"
OBJECT = re.compile("/([^/]+)/(.+)")
OF_REQUEST = re.compile(
    "REQUEST_METHOD|PATH_INFO|QUERY_STRING|RAW_URI|REQUEST_URI|CONTENT_.*|HTTP_.*"
)
WRITES_ITEM = re.compile(r"DynamoDB_\d+\.(Put|Update|Delete)Item")

Row = tuple[str, str, str, float, bytes]
"""The kind, the table, bucket or queue, the name there, the time of its end, and what it is."""


class NotReadable(Exception):
    """The file is not to be used; the text says why, and the remedy."""


class NotKept(Exception):
    """The file cannot be had. All works, but is lost at the end."""


def opened(folder: Path, *, is_fresh: bool, lock_wait: float = LOCK_WAIT_S) -> sqlite3.Connection:
    """The file, for this process alone until it ends."""
    file = folder / FILE
    try:
        folder.mkdir(exist_ok=True)
        with ExitStack() as failing:
            database = sqlite3.connect(file, timeout=lock_wait, check_same_thread=False)
            failing.callback(database.close)
            prepare(database, file, is_fresh=is_fresh)
            failing.pop_all()
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        if code == sqlite3.SQLITE_BUSY:
            raise NotKept("another run has the file") from error
        if code in OF_THE_MACHINE:
            raise NotKept(str(error)) from error
        if not is_fresh:
            raise NotReadable(f"{file} is damaged ({error}); {REMEDY}") from error
        file.unlink()
        return opened(folder, is_fresh=False)
    except OSError as error:
        raise NotKept(str(error)) from error
    return database


def prepare(database: sqlite3.Connection, file: Path, *, is_fresh: bool) -> None:
    """Lock it, and see that it is whole and of this version."""
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("BEGIN EXCLUSIVE")
    if is_fresh or not database.execute("SELECT 1 FROM sqlite_schema").fetchone():
        for statement in SCHEMA:
            database.execute(statement)
        database.execute("INSERT INTO engine VALUES (?)", [__version__])
    database.commit()
    [said] = database.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise sqlite3.DatabaseError(said)
    version, *_ = database.execute("SELECT version FROM engine").fetchone() or ("no version",)
    if version != __version__:
        raise NotReadable(f"{file} is of backburner {version}, this is {__version__}; {REMEDY}")


@dataclass(kw_only=True)
class Keeper:
    """The file, and which writes are not in it yet."""

    database: sqlite3.Connection
    moto: "WSGIApplication"
    turn: AbstractContextManager[Any]
    """Whoever has it is the only one to call moto."""
    region: str
    properties: dict[str, dict[str, Any]]
    """Of the tables, queues and buckets, by their names."""
    _noted: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    _is_noted: Event = field(default_factory=Event)
    _writing: Lock = field(default_factory=Lock)

    def put_back(self, now: float) -> None:
        """Into the new stack, without what AWS would have deleted by now."""
        try:
            self._put_back(now)
        except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
            raise NotReadable(f"{FILE} is damaged ({error!r}); {REMEDY}") from error

    def _put_back(self, now: float) -> None:
        with self.database:
            self.database.execute("DELETE FROM kept WHERE ends_at < ?", [now])
        for table, items in groupby(self._kept("item"), lambda row: row[0]):
            puts = [json.loads(content) for _, content in items]
            for start in range(0, len(puts), BATCH):
                batch = {table: puts[start : start + BATCH]}
                self._call("DynamoDB_20120810.BatchWriteItem", {"RequestItems": batch})
        for _, content in self._kept("object"):
            head, _, body = content.partition(b"\n")
            self._ask({**json.loads(head), "wsgi.input": BytesIO(body)})
        for queue, content in self._kept("message"):
            self._call("AmazonSQS.SendMessage", {"QueueUrl": queue, **json.loads(content)})
            self._note("message", queue)  # it has another name now

    def note(self, environ: "WSGIEnvironment", body: bytes) -> None:
        """Remember what a call has written."""
        target, method = environ.get("HTTP_X_AMZ_TARGET", ""), environ["REQUEST_METHOD"]
        if WRITES_ITEM.fullmatch(target):
            asked = json.loads(body)
            schema = self.properties[asked["TableName"]]["KeySchema"]
            given = asked.get("Key") or asked["Item"]
            key = {each["AttributeName"]: given[each["AttributeName"]] for each in schema}
            self._note("item", asked["TableName"], json.dumps(key))
        elif target.startswith("AmazonSQS."):
            for queue in queues(self.region).keys() & self.properties.keys():
                self._note("message", queue)
        elif method in ("PUT", "DELETE") and (named := OBJECT.fullmatch(environ["PATH_INFO"])):
            said = as_bytes(environ, body) if method == "PUT" else b""
            self._note("object", named[1], named[2], said)

    def keep_on(self) -> None:
        """Write soon after something was noted; nothing wakes this while nothing is."""
        is_told = False
        while self._is_noted.wait():
            time.sleep(SOON_S)
            try:
                self.write(time.time())
                is_told = False
            except sqlite3.Error as error:
                if not is_told:
                    say(f"nothing more is kept until {FILE} can grow: {error}", sys.stderr)
                is_told = True
                self._is_noted.set()

    def write(self, now: float) -> None:
        """Bring the file to what is in moto; one at a time, as the last one ends the process."""
        with self._writing:
            self._write(now)

    def _write(self, now: float) -> None:
        with self.turn:
            self._is_noted.clear()
            noted, self._noted = self._noted, {}
            rows = [row for about, said in noted.items() for row in self._rows(*about, said, now)]
        try:
            with self.database:
                self.database.executemany(FORGET, noted)
                self.database.executemany("INSERT INTO kept VALUES (?, ?, ?, ?, ?)", rows)
        except sqlite3.Error:
            with self.turn:
                self._noted = noted | self._noted
            raise

    def _kept(self, kind: str) -> list[tuple[str, bytes]]:
        ask = "SELECT place, content FROM kept WHERE kind = ? ORDER BY place, rowid"
        return self.database.execute(ask, [kind]).fetchall()

    def _note(self, kind: str, place: str, name: str = "", said: bytes = b"") -> None:
        self._noted[kind, place, name] = said
        self._is_noted.set()

    def _rows(self, kind: str, place: str, name: str, said: bytes, now: float) -> Iterator[Row]:
        """What is there of what was noted."""
        if kind == "object" and said:
            yield kind, place, name, now + self._lifetime(place, name), said
        elif kind == "message":
            for message in queues(self.region)[place]._messages:
                ends_at = message.sent_timestamp / 1000 + self._lifetime(place)
                yield kind, place, message.id, ends_at, sent_again(message)
        elif kind == "item":
            asked = {"TableName": place, "Key": json.loads(name), "ConsistentRead": True}
            if item := self._call("DynamoDB_20120810.GetItem", asked).get("Item"):
                ttl = self.properties[place].get("TimeToLiveSpecification", {})
                ends_at = item.get(ttl.get("AttributeName"), {}).get("N", inf)
                put = json.dumps({"PutRequest": {"Item": item}})
                yield kind, place, name, float(ends_at), put.encode()

    def _lifetime(self, place: str, name: str = "") -> float:
        """The seconds for which a queue keeps messages, or a bucket objects of this name."""
        properties = self.properties.get(place, {})
        rules = properties.get("LifecycleConfiguration", {}).get("Rules", ())
        days = [r["ExpirationInDays"] for r in rules if name.startswith(r["Prefix"])]
        return float(properties.get("MessageRetentionPeriod", min(days, default=inf) * 86400))

    def _call(self, target: str, asked: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._ask(call(target, asked, self.region)))
        return answer

    def _ask(self, environ: "WSGIEnvironment") -> bytes:
        response = Response.from_app(self.moto, EnvironBuilder().get_environ() | environ)
        if response.status_code != 200:
            raise NotReadable(f"moto refused what was kept ({response.get_data()!r}); {REMEDY}")
        return response.get_data()


def call(target: str, asked: dict[str, Any], region: str) -> "WSGIEnvironment":
    """A call of an operation of DynamoDB or SQS."""
    service = "sqs" if "SQS" in target else "dynamodb"
    scope = f"kept/20260101/{region}/{service}/aws4_request"
    builder = EnvironBuilder(
        method="POST", data=json.dumps(asked), content_type="application/x-amz-json-1.0"
    )
    builder.headers["X-Amz-Target"] = target
    builder.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}"
    return builder.get_environ()


def queues(region: str) -> dict[str, Any]:
    """moto's own, by their names."""
    backends: Any = get_backend("sqs")
    return dict(backends[ACCOUNT_ID][region].queues)


def sent_again(message: Any) -> bytes:
    group = {"MessageGroupId": message.group_id} if message.group_id else {}
    sent = {"MessageBody": message.body, "MessageAttributes": message.message_attributes}
    return json.dumps(sent | group).encode()


def as_bytes(environ: "WSGIEnvironment", body: bytes) -> bytes:
    """A request, so that it can be made again."""
    head = {name: value for name, value in environ.items() if OF_REQUEST.fullmatch(name)}
    return json.dumps(head).encode() + b"\n" + body
