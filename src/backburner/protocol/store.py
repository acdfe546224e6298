"""The entries in DynamoDB, and the protocol's conditional writes on them.

    request       claim ───────────── send again ── unclaim ──────────────────────── bury
    worker              begin ── heartbeat … ── complete | give back | fail          bury
    dead letter                                                                      bury
    operator      forget, reset

Each write lists the clauses that it relies on. If one is untrue, it raises LostRace with the
entry as it is now.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from backburner.errors import BackburnerError
from backburner.protocol import item
from backburner.protocol.entry import Answer, Entry, Job

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Clock = Callable[[], float]
"""Seconds since the epoch."""

SET_JOB = (
    "SET job = :job, computation = :computation, private_to = :private_to, expires_at = :expires_at"
)

NO_JOB = "attribute_not_exists(job)"
RENEWABLE = "(attribute_not_exists(answer) OR answer.renew_at <= :now)"
AS_SEEN = "job.lease = :seen_lease AND job.attempts = :seen_attempts"
QUEUED = "attribute_not_exists(job.run)"
LEASE_RAN_OUT = "job.lease <= :now"
BEGINNABLE = f"({QUEUED} OR {LEASE_RAN_OUT})"
ATTEMPTS_LEFT = "job.attempts < job.max_attempts"
TIME_LEFT = "job.gives_up_at > :now"
ANSWER_AS_SEEN = "(attribute_not_exists(answer) OR answer.computed_at = :seen_answer)"
NOT_IN_A_WORKER = f"({QUEUED} OR {LEASE_RAN_OUT} OR NOT {TIME_LEFT})"
MINE = "job.run = :run"
OF_THIS_COMPUTATION = "computation = :computation"

DELETION_GRACE = 3600
"""Seconds after its end from which DynamoDB may delete an entry: far more than clocks differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """How long a job without a sign of life counts as alive, in seconds."""

    running: float = 30
    heartbeat: float = 10
    queued: float = 60
    queued_longest: float = 900

    def of_send(self, sends: int) -> float:
        """The lease after a send; doubles until the job begins, as the queue may just be long."""
        return min(self.queued * 2.0 ** (sends - 1), self.queued_longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt at a job. The token is a fence: only its holder may write."""

    token: str
    entry: Entry

    @property
    def job(self) -> Job:
        return self.entry.the_job


class LostRace(BackburnerError):
    """Another write changed the entry first; `entry` is what it left."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(f"another write changed the entry {entry.signature}; look at it again")
        self.entry = entry


class Store:
    """The table's entries; each method is one call to DynamoDB."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        leases: Leases,
        clock: Clock = time.time,
        new_token: Callable[[], str] = secrets.token_hex,
    ) -> None:
        self.client = client
        self.table = table
        self.leases = leases
        self.clock = clock
        self.new_token = new_token

    def look_up(self, empty: Entry, *, consistent: bool = False) -> Entry:
        """The entry as it was up to a second ago, or as it is now if `consistent`."""
        found = self.client.get_item(
            TableName=self.table, Key=_key(empty), ConsistentRead=consistent
        )
        return item.read(found.get("Item", {}), empty)

    def claim(self, entry: Entry, job: Job) -> Entry:
        """Set a placeholder: a new job, if there is no job and any answer is due for a refresh."""
        return self._set_job(entry, SET_JOB, job, [NO_JOB, RENEWABLE], {"now": self.clock()})

    def reset(self, entry: Entry, job: Job) -> Entry:
        """Replace a failure with a new job. A problem is removed; a stale result stays."""
        answer = entry.answer
        update = SET_JOB if answer and answer.is_result else f"{SET_JOB} REMOVE answer"
        seen = {"seen_answer": answer.computed_at if answer else 0}
        return self._set_job(entry, update, job, [NO_JOB, ANSWER_AS_SEEN], seen)

    def send_again(self, entry: Entry) -> Entry:
        """Renew the lease to send the same job again: its message or its worker was lost."""
        now, sends = self.clock(), entry.the_job.sends + 1
        lease = now + self.leases.of_send(sends)
        return self._write(
            entry,
            "SET job.lease = :lease, job.sends = :sends"
            " REMOVE job.run, job.progress, job.progress_at",
            [AS_SEEN, LEASE_RAN_OUT, ATTEMPTS_LEFT, TIME_LEFT],
            {"now": now, "lease": lease, "sends": sends, **_seen(entry)},
            did_it=lambda found: _has(found.job, lease=lease, sends=sends),
        )

    def unclaim(self, entry: Entry) -> Entry:
        """End the lease and undo the count of a send that failed, if no other changed the job."""
        now, sends = self.clock(), entry.the_job.sends - 1
        return self._write(
            entry,
            "SET job.lease = :now, job.sends = :sends",
            [AS_SEEN, QUEUED],
            {"now": now, "sends": sends, **_seen(entry)},
            did_it=lambda found: _has(found.job, lease=now, sends=sends),
        )

    def begin(self, empty: Entry) -> Run:
        """Begin a run of the job. LostRace if it is gone, spent, or alive in a worker."""
        now, token = self.clock(), self.new_token()
        begun = self._write(
            empty,
            "SET job.run = :run, job.lease = :lease, job.started_at = :now, job.sends = :zero,"
            " job.attempts = job.attempts + :one REMOVE job.progress, job.progress_at",
            [BEGINNABLE, ATTEMPTS_LEFT, TIME_LEFT],
            {"now": now, "run": token, "lease": now + self.leases.running, "zero": 0, "one": 1},
            did_it=lambda found: _has(found.job, run=token),
        )
        return Run(token=token, entry=begun)

    def heartbeat(self, run: Run, progress: float) -> None:
        """Extend the lease of the run and record its progress."""
        now = self.clock()
        self._write(
            run.entry,
            "SET job.lease = :lease, job.progress = :progress, job.progress_at = :now",
            [MINE],
            {
                "run": run.token,
                "now": now,
                "lease": now + self.leases.running,
                "progress": progress,
            },
        )

    def complete(self, run: Run, answer: Answer) -> None:
        """Store the answer and end the job."""
        self._answer(run.entry, answer, [MINE], {"run": run.token})

    def fail(self, run: Run, problem: Answer) -> None:
        """Store the problem as the answer, as another attempt would not help; end the job."""
        self._answer_with_problem(run.entry, problem, [MINE], {"run": run.token})

    def give_back(self, run: Run, delay: float) -> None:
        """End the run but not the job: its message returns after `delay`, within the new lease."""
        due_at = self.clock() + delay
        lease = due_at + self.leases.queued
        self._write(
            run.entry,
            "SET job.lease = :lease, job.due_at = :due_at"
            " REMOVE job.run, job.progress, job.progress_at",
            [MINE],
            {"run": run.token, "lease": lease, "due_at": due_at},
            did_it=lambda found: _has(found.job, lease=lease, run=None),
        )

    def bury(self, entry: Entry) -> Entry:
        """Store "gave up" as the answer to a job that no live worker holds."""
        now = self.clock()
        clauses = [AS_SEEN, NOT_IN_A_WORKER]
        return self._answer_with_problem(
            entry, entry.the_job.gave_up(now), clauses, {"now": now, **_seen(entry)}
        )

    def forget(self, entry: Entry) -> None:
        """Delete the entry, if it is of that computation. The run of its job gets LostRace."""
        try:
            self.client.delete_item(
                TableName=self.table,
                Key=_key(entry),
                ConditionExpression=OF_THIS_COMPUTATION,
                ExpressionAttributeValues={":computation": item.attribute(entry.computation)},
            )
        except ClientError as error:
            if not _found_a_clause_untrue(error):
                raise

    def _set_job(
        self, entry: Entry, update: str, job: Job, clauses: list[str], values: Mapping[str, object]
    ) -> Entry:
        lease = self.clock() + self.leases.of_send(1)
        claimed = replace(entry, job=replace(job, lease=lease))
        return self._write(
            entry,
            update,
            clauses,
            {
                "job": claimed.job,
                "computation": entry.computation,
                "private_to": entry.private_to,
                "expires_at": _expiry(claimed),
                **values,
            },
            did_it=lambda found: found.job == claimed.job,  # no two correlation ids are equal
        )

    def _answer_with_problem(
        self, entry: Entry, problem: Answer, clauses: list[str], values: dict[str, object]
    ) -> Entry:
        """Store a problem; a result that can still be served stays, and is refreshed later."""
        stale = entry.servable(self.clock())
        if stale is None or not stale.is_result:
            return self._answer(entry, problem, clauses, values)
        failed = {
            "renew_at": min(problem.renew_at, stale.ends_at),
            "failures": problem.failures,
            "renewal_failed_at": problem.computed_at,  # tells this write from others
        }
        return self._write(
            entry,
            "SET answer.renew_at = :renew_at, answer.failures = :failures,"
            " answer.renewal_failed_at = :renewal_failed_at REMOVE job",
            clauses,
            {**failed, **values},
            did_it=lambda found: _has(found.answer, **failed),
        )

    def _answer(
        self, entry: Entry, answer: Answer, clauses: list[str], values: dict[str, object]
    ) -> Entry:
        expires_at = _expiry(replace(entry, answer=answer, job=None))
        return self._write(
            entry,
            "SET answer = :answer, expires_at = :expires_at REMOVE job",
            clauses,
            {"answer": answer, "expires_at": expires_at, **values},
            did_it=lambda found: found.answer == answer,
        )

    def _write(
        self,
        entry: Entry,
        update: str,
        clauses: list[str],
        values: dict[str, object],
        did_it: Callable[[Entry], bool] = lambda _: False,
    ) -> Entry:
        """Write once, on condition, and return the entry; LostRace if a clause is untrue.

        The client repeats a call whose answer got lost. If the first call took effect, the second
        finds a clause untrue because of it: `did_it` recognises that.
        """
        try:
            written = self.client.update_item(
                TableName=self.table,
                Key=_key(entry),
                UpdateExpression=update,
                ConditionExpression=" AND ".join(clauses),
                ExpressionAttributeValues={f":{k}": item.attribute(v) for k, v in values.items()},
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not _found_a_clause_untrue(error):
                raise
            found = item.read(_in_the_way(error), _nothing(entry))
            if did_it(found):
                return found
            raise LostRace(found) from error
        return item.read(written["Attributes"], _nothing(entry))


def _key(entry: Entry) -> "dict[str, AttributeValueTypeDef]":
    return {"signature": {"S": entry.signature}}


def _found_a_clause_untrue(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ConditionalCheckFailedException"


def _in_the_way(error: ClientError) -> dict[str, Any]:
    """The item that a conditional write found; botocore's types lack it."""
    found: dict[str, Any] = dict(error.response).get("Item", {})  # type: ignore[assignment]
    return found


def _nothing(entry: Entry) -> Entry:
    return replace(entry, answer=None, job=None)


def _seen(entry: Entry) -> dict[str, object]:
    return {"seen_lease": entry.the_job.lease, "seen_attempts": entry.the_job.attempts}


def _has(facet: Answer | Job | None, **values: object) -> bool:
    return facet is not None and all(getattr(facet, k) == v for k, v in values.items())


def _expiry(entry: Entry) -> int:
    return int(entry.ends_at) + DELETION_GRACE
