"""The ways that a question can take, each up to the step whose calls to AWS are of interest."""

from collections.abc import Callable

from backburner.errors import AttemptFailed, Uncomputable
from backburner.protocol.task_queue import Message

from .functions import Functions, beating, failing
from .recorder import Call

Path = Callable[[Functions], list[Call]]


# request


def miss(functions: Functions) -> list[Call]:
    with functions.recording() as calls:
        assert functions.ask().status == 202
    return calls


def hit(functions: Functions) -> list[Call]:
    functions.answered()
    with functions.recording() as calls:
        assert functions.ask().status == 200
    return calls


def local_cache_hit(functions: Functions) -> list[Call]:
    functions.answered()
    functions.restart()
    functions.ask()
    with functions.recorder.recording() as calls:
        assert functions.ask().status == 200
    return calls


def not_modified(functions: Functions) -> list[Call]:
    location = functions.answered()
    etag = functions.ask().headers["etag"]
    with functions.recording() as calls:
        assert functions.poll(location, if_none_match=etag).status == 304
    return calls


def poll(functions: Functions) -> list[Call]:
    location = functions.ask().headers["location"]
    with functions.recording() as calls:
        assert functions.poll(location).status == 202
    return calls


def joined(functions: Functions) -> list[Call]:
    """The same question, while its job is under way."""
    functions.ask()
    with functions.recording() as calls:
        assert functions.ask().headers["cache-status"].endswith("collapsed")
    return calls


def stale(functions: Functions) -> list[Call]:
    functions.answered()
    functions.deployment.clock.passes(functions.policy.fresh_for)
    with functions.recording() as calls:
        assert (
            functions.ask()
            .headers["cache-status"]
            .startswith("backburner; hit; ttl=-1; detail=refreshing")
        )
    return calls


def stale_under_refresh(functions: Functions) -> list[Call]:
    functions.answered()
    functions.deployment.clock.passes(functions.policy.fresh_for)
    functions.ask()
    with functions.recording() as calls:
        assert functions.ask().status == 200
    return calls


def lost_job_sent_again(functions: Functions) -> list[Call]:
    functions.missed()
    functions.deployment.clock.passes(60)
    with functions.recording() as calls:
        assert functions.ask().status == 202
    return calls


def unsent(functions: Functions) -> list[Call]:
    with functions.unsent(), functions.recording() as calls:
        assert functions.ask().status == 503
    return calls


def refused(functions: Functions) -> list[Call]:
    functions.deployment.send("somebody else's")
    functions.max_backlog = 1
    with functions.recording() as calls:
        assert functions.ask().status == 503
    return calls


def buried_by_request(functions: Functions) -> list[Call]:
    """A job whose time is over is found by whoever asks."""
    functions.missed()
    functions.deployment.clock.passes(functions.policy.gives_up_after)
    with functions.recording() as calls:
        assert functions.ask().status == 500
    return calls


def unknown(functions: Functions) -> list[Call]:
    with functions.recording() as calls:
        assert functions.poll(f"/v1/{functions.computation}/{'a' * 64}").status == 404
    return calls


def redirect(functions: Functions) -> list[Call]:
    _large(functions)
    functions.answered()
    with functions.recording() as calls:
        assert functions.ask().status == 303
    return calls


def forget(functions: Functions) -> list[Call]:
    location = functions.answered()
    with functions.recording() as calls:
        assert functions.forget(location).status == 204
    return calls


def bad_request(functions: Functions) -> list[Call]:
    functions.body = "{"
    with functions.recording() as calls:
        assert functions.ask().status == 400
    return calls


# worker


def computed(functions: Functions) -> list[Call]:
    return _worked(functions)


def computed_with_three_heartbeats(functions: Functions) -> list[Call]:
    functions.compute = beating(3)
    return _worked(functions)


def large_result(functions: Functions) -> list[Call]:
    _large(functions)
    return _worked(functions)


def with_a_secret_and_a_setting(functions: Functions) -> list[Call]:
    """The computation declares both; the first attempt of an instance reads them."""
    functions.computation, functions.body = "reporting", '{"what": "length"}'
    functions.restart()
    with functions.deployment.declared("hidden-away", "SEK"):
        return _worked(functions)


def uncomputable(functions: Functions) -> list[Call]:
    functions.compute = failing(Uncomputable("never"))
    return _worked(functions)


def given_back(functions: Functions) -> list[Call]:
    functions.compute = failing(AttemptFailed("crashed"))
    return _worked(functions)


def failed_jobs(functions: Functions) -> list[Call]:
    """The last attempt fails, too."""
    functions.compute = failing(AttemptFailed("crashed"))
    functions.restart()
    message = functions.missed()
    for _ in range(2):
        functions.work(message)
    with functions.recording() as calls:
        functions.work(message)
    return calls


def alive_elsewhere(functions: Functions) -> list[Call]:
    """The job is alive in another worker."""
    message = functions.missed()
    functions.deployment.store.begin(Message.read(message.body).entry)
    with functions.recording() as calls:
        functions.work(message)
    return calls


def answered_already(functions: Functions) -> list[Call]:
    """The message comes a second time."""
    message = functions.missed()
    functions.work(message)
    with functions.recording() as calls:
        functions.work(message)
    return calls


def buried_by_worker(functions: Functions) -> list[Call]:
    message = functions.missed()
    functions.deployment.clock.passes(functions.policy.gives_up_after)
    with functions.recording() as calls:
        functions.work(message)
    return calls


def malformed(functions: Functions) -> list[Call]:
    functions.deployment.send("not ours")
    message = functions.message()
    with functions.recording() as calls:
        functions.work(message)
    return calls


# dead letter


def buried(functions: Functions) -> list[Call]:
    message = functions.missed()
    with functions.recording() as calls:
        functions.bury(message)
    return calls


def dead_letter_of_an_answer(functions: Functions) -> list[Call]:
    message = functions.missed()
    functions.work(message)
    with functions.recording() as calls:
        functions.bury(message)
    return calls


def malformed_dead_letter(functions: Functions) -> list[Call]:
    functions.deployment.send("not ours")
    message = functions.message()
    with functions.recording() as calls:
        functions.bury(message)
    return calls


def _worked(functions: Functions) -> list[Call]:
    message = functions.missed()
    with functions.recording() as calls:
        functions.work(message)
    return calls


def _large(functions: Functions) -> None:
    functions.computation, functions.body = "noise", '{"size": 400000}'
