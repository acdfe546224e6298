"""All errors, as one tree.

BackburnerError
 ├─ NoSuchComputation    computations/ has no file of that name
 ├─ BrokenComputation    the file is there, but lacks a part or has a wrong one
 ├─ Uncomputable         the computation can never succeed with these parameters
 ├─ AttemptFailed        this attempt failed; another may succeed
 │   ├─ NoValue          a secret or setting of the computation has no value
 │   └─ TryAgain         the computation says when another attempt may succeed
 ├─ LostRace             another write changed the entry first (store.py)
 ├─ Unsent               the queue did not take the message
 ├─ TimeIsUp             it is too late to begin another call to AWS (aws/time_limits.py)
 ├─ MalformedMessage     the body of a message is not valid
 ├─ Returned             the message goes back to the queue
 ├─ MissingSetting       the environment lacks a setting of template.yaml
 └─ Problem              an error that HTTP clients see (problems.py)
"""

from math import inf
from numbers import Real

MAX_AFTER_S = 11 * 3600
"""SQS hides a message for 12 hours at most, and the attempt has taken some of that."""


class BackburnerError(Exception):
    """The root of all errors that backburner raises."""


class NoSuchComputation(BackburnerError):
    """computations/ has no file of that name."""


class BrokenComputation(BackburnerError):
    """A file in computations/ cannot be imported, lacks a part or has a wrong one."""


class Uncomputable(BackburnerError):
    """Raised by a computation that can never succeed with these parameters; answered with 422."""


class AttemptFailed(BackburnerError):
    """An attempt crashed, ran out of time or was killed; another may succeed."""

    def __init__(self, why: str, *, where: str = "") -> None:
        super().__init__(why)
        self.where: str = where
        """The traceback of a crash, from the author's own first frame on."""


class NoValue(AttemptFailed):
    """A secret or setting has no value, cannot be read now, or is not declared."""


class TryAgain(AttemptFailed):
    """Raised by a computation that may succeed if it is tried again after so many seconds.

    The wait is at least the usual one after a failed attempt, and at most MAX_AFTER_S.
    """

    def __init__(self, why: str, *, after: float = 0) -> None:
        super().__init__(why)
        if not isinstance(after, Real) or isinstance(after, bool) or not 0 <= after < inf:
            raise AttemptFailed(f"raises TryAgain with after={after!r}; give seconds, 0 or more")
        self.after: float = float(min(after, MAX_AFTER_S))


class Unsent(BackburnerError):
    """The queue did not confirm that it took the message."""


class MalformedMessage(BackburnerError):
    """The body of a message is not valid; it goes to the dead letters."""


class Returned(BackburnerError):
    """The message goes back to the queue: the batch must not delete it."""


class MissingSetting(BackburnerError):
    """The environment lacks a setting of template.yaml."""
