"""Everything that goes wrong here, as one tree.

BackburnerError
 ├─ NoSuchComputation    the name is not a file in computations/
 ├─ BrokenComputation    the file is there but does not keep to the form
 ├─ Uncomputable         the computation says: never, with these parameters
 ├─ AttemptFailed        this attempt failed; another may succeed
 ├─ LostRace                 a conditional write found the entry in somebody else's hands
 ├─ Unsent               the queue did not take the message
 ├─ TimeIsUp             AWS took so long that a call is not begun any more
 ├─ MalformedMessage     what came off the queue is no message of ours
 ├─ Returned             the message goes back to the queue
 ├─ MissingSetting       the environment lacks what template.yaml sets
 └─ Problem              what an HTTP client gets to see: problems.py
"""

import traceback


class BackburnerError(Exception):
    """The root of all errors that backburner raises."""


class NoSuchComputation(BackburnerError):
    """The name is not a file in computations/."""


class BrokenComputation(BackburnerError):
    """A file in computations/ that cannot be imported or lacks a part; the message says which."""


class Uncomputable(BackburnerError):
    """These parameters can never be computed: raised by a computation, answered with 422."""


class AttemptFailed(BackburnerError):
    """An attempt crashed, ran out of time or was killed; trying again may mend it."""


class Unsent(BackburnerError):
    """The queue did not take the message, or did not say that it did."""


class MalformedMessage(BackburnerError):
    """What came off the queue is no message of ours; it belongs to the dead letters."""


class Returned(BackburnerError):
    """The message goes back to the queue; tells the batch not to delete it."""


class MissingSetting(BackburnerError):
    """The environment lacks what template.yaml sets."""


MAX_CHAIN = 10


def where(error: BaseException) -> str:
    """The lines of code that an error and its causes came by, and their types.

    What they say is left out: it may quote parameters, and logs are not for those.
    """
    chain = [error]
    while len(chain) < MAX_CHAIN and (cause := chain[0].__cause__ or chain[0].__context__):
        chain.insert(0, cause)
    return "\n".join(
        "".join([*traceback.format_tb(each.__traceback__), type(each).__qualname__])
        for each in chain
    )
