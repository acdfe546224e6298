"""Whether anything was lost or computed twice, from what the clients, the table and the notes say.

The table's side are the writes that the proxy has passed on; the notes' side are the computations
that really ran. All times are of this one machine. The computation never fails by itself, so a job
leaves its run only by an answer or by a lease that has run out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tests.evidence.chaos.clients import Asked
from tests.evidence.chaos.disturbances import Execution, Kill
from tests.evidence.chaos.faulty_aws import Write


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRun:
    """An attempt as the table has it; times are seconds since the epoch."""

    token: str
    begun_at: float
    alive_until: float
    """The longest lease that it was ever given."""


def runs(writes: Iterable[Write]) -> dict[str, list[SeenRun]]:
    """Of each signature, in the order in which they were begun."""
    leases: dict[tuple[str, float, str], float] = defaultdict(float)
    for write in writes:
        if write.run:
            key = (write.signature, write.begun_at, write.run)
            leases[key] = max(leases[key], write.lease)
    found: dict[str, list[SeenRun]] = defaultdict(list)
    for (signature, begun_at, token), lease in sorted(leases.items()):
        found[signature].append(SeenRun(token=token, begun_at=begun_at, alive_until=lease))
    return found


def unanswered(asked: Iterable[Asked]) -> Iterator[str]:
    """Whoever was accepted and has not got the right answer."""
    for each in asked:
        if each.trouble or not each.answered_at:
            yield f"a client that asked for {each.number} got {each.trouble or 'no answer'}"


def computed_twice(
    asked: Iterable[Asked], writes: Sequence[Write], executions: Iterable[Execution]
) -> Iterator[str]:
    """Every computation that ran beside a run that was alive, or after the answer."""
    all_runs = runs(writes)
    for signature, its_runs in all_runs.items():
        yield from _begun_too_early(signature, its_runs)
    for write in writes:
        if write.answered_at:
            yield from _begun_after(write.answered_at, write.signature, all_runs[write.signature])
    signatures = {each.number: each.signature for each in asked if each.signature}
    yield from _without_a_run(signatures, all_runs, executions)


def _begun_too_early(signature: str, its_runs: list[SeenRun]) -> Iterator[str]:
    for earlier, later in pairwise(its_runs):
        early = earlier.alive_until - later.begun_at
        if early > 0:
            yield (
                f"{signature}: the run {later.token} was begun {early:.3f} s before the lease of "
                f"{earlier.token} ran out"
            )


def _begun_after(answered_at: float, signature: str, its_runs: list[SeenRun]) -> Iterator[str]:
    for run in its_runs:
        if run.begun_at > answered_at:
            yield f"{signature}: the run {run.token} was begun after the answer"


def _without_a_run(
    signatures: dict[int, str], all_runs: dict[str, list[SeenRun]], executions: Iterable[Execution]
) -> Iterator[str]:
    """A run computes once at most: before the nth computation, n runs must have been begun."""
    computed: dict[int, int] = defaultdict(int)
    for execution in sorted(executions, key=lambda each: each.began_at):
        number = execution.number
        computed[number] += 1
        its_runs = all_runs.get(signatures.get(number, ""), [])
        begun = [run for run in its_runs if run.begun_at <= execution.began_at]
        if computed[number] > len(begun):
            yield f"{number} was computed {computed[number]} times in {len(begun)} runs"


def recovery_times(kills: Iterable[Kill], executions: Sequence[Execution]) -> list[float]:
    """Seconds from each kill of a job until it was computed again."""
    return [
        min(later) - kill.at
        for kill in kills
        if (
            later := [
                e.began_at for e in executions if e.number == kill.number and e.began_at > kill.at
            ]
        )
    ]


def longest_wait_past_expected(asked: Iterable[Asked]) -> float:
    """Seconds after the `expected_at` that a client was told first, until it had the answer."""
    return max((each.answered_at - each.expected_at for each in asked if each.location), default=0)


def p50_and_max(seconds: Sequence[float]) -> str:
    return f"p50 {median(seconds):.1f} s, max {max(seconds):.1f} s" if seconds else "none"
