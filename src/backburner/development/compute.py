"""backburner compute: runs a computation in this process, so that breakpoints work.

Exit codes: 0 for a result; 1 if the computation failed, also by a wrong result; 2 if the
parameters or the name are wrong; 3 if it refused (Uncomputable); 4 if it is broken: it cannot be
loaded; 130 after Ctrl-C.
"""

import base64
import bdb
import gzip
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import backburner
from backburner.attempt import frames, handover
from backburner.computation import Computation, Progress, declared, registry
from backburner.development import listed_imports
from backburner.development.errors import CommandError
from backburner.development.local import env_file
from backburner.development.terminal import say
from backburner.errors import (
    AttemptFailed,
    BrokenComputation,
    NoSuchComputation,
    TryAgain,
    Uncomputable,
)
from backburner.http import parameters
from backburner.http.event import Request
from backburner.problems import Problem, ResultTooLarge
from backburner.protocol.entry import Job

RESULT, FAILED, WRONG, REFUSED, BROKEN, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes."""
TOLD_STEP = 0.1
"""The smallest step of progress that is told where there is no terminal."""
PARTS_OF_BAR = 1000
ENV_FILE = Path(".env")
ENGINE = Path(backburner.__file__).parent


class NoComputations(CommandError):
    """The package of computations cannot be imported."""


def compute(
    name: str, source: BinaryIO | None = None, *, timer: Callable[[], float] = time.monotonic
) -> int:
    """Compute from the parameters in `source`, or from the EXAMPLE; return the exit code."""
    try:
        computation = load(name)
        job = asked(computation, source.read() if source else example(computation))
        return attempt(computation, job, timer)
    except (NoComputations, NoSuchComputation) as error:
        return _end(str(error), WRONG)
    except Problem as problem:
        return _end(written(problem), WRONG)
    except BrokenComputation as error:
        return _end(str(error), BROKEN)
    except KeyboardInterrupt:
        return _end("interrupted", INTERRUPTED)


def load(name: str) -> Computation:
    """Load it with the imports that the request function has."""
    try:
        package = registry.package()
    except ModuleNotFoundError as error:
        raise NoComputations(
            f"the computations cannot be imported ({error}); work in the folder of a project"
        ) from error
    with only_listed(package, with_layer=False):
        return registry.load(name)


def only_listed(package: ModuleType, *, with_layer: bool = True) -> AbstractContextManager[None]:
    """The imports of the request function, or with the layer those of a worker."""
    lists = listed_imports.lists(Path(package.__path__[0]).parent, with_layer)
    return listed_imports.restricted(*lists) if lists else nullcontext()


def example(computation: Computation) -> bytes:
    try:
        return json.dumps(computation.example, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise BrokenComputation(
            f"EXAMPLE of {computation.name} is not JSON ({error}); give what a client would send"
        ) from error


def asked(computation: Computation, body: bytes) -> Job:
    """The job of a request with this body; raises a Problem as the API answers it."""
    try:
        given = parameters.of(request(computation.name, body), computation)
    except Problem:
        raise
    except Exception as error:  # a validator is the author's, and may raise anything
        _show(error)
        raise BrokenComputation(
            f"{computation.name} cannot read these parameters: a request would get a 500; mend it"
        ) from error
    return Job.new(
        computation.policy,
        parameters.dump(given),
        computation.expected_time(given),
        correlation_id="",
        now=0,
        lane=computation.lane,
    )


def request(name: str, body: bytes) -> Request:
    path = f"/v1/{name}"
    context = {"requestId": "", "http": {"method": "POST", "path": path, "sourceIp": "127.0.0.1"}}
    return Request.from_event(
        {
            "rawPath": path,
            "headers": {"content-type": "application/json"},
            "requestContext": context,
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
    )


def written(problem: Problem) -> str:
    """Every error with its pointer and reason, as the API lists them; or the detail."""
    if not (errors := problem.members.get("errors")):
        return problem.detail
    lines = (f"  {each['pointer'] or 'the whole'}: {each['reason']}" for each in errors)
    return "\n".join([f"{problem.title}:", *lines])


def attempt(computation: Computation, job: Job, timer: Callable[[], float]) -> int:
    """Compute in this process and show what comes of it, and the time that it took."""
    started = timer()
    code = FAILED
    try:
        result = carried_out(computation, job)
    except Uncomputable as refusal:
        code = _end(f"{computation.name} refuses: {refusal}", REFUSED)
    except bdb.BdbQuit:
        code = _end("left the debugger", INTERRUPTED)
    except ResultTooLarge as problem:
        _end(problem.detail, code)
    except AttemptFailed as failure:
        _show(failure)
        _end(f"{computation.name} {said(failure)}", code)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (whatever a computation raises is its failure)
        _show(error)
    else:
        code = RESULT
        say(shown(result))
    say(pace(computation, job, timer() - started), sys.stderr)
    return code


def said(failure: AttemptFailed) -> str:
    if isinstance(failure, TryAgain):
        return f"asks for another attempt, after {failure.after:g} s or more: {failure}"
    return str(failure)


def carried_out(computation: Computation, job: Job) -> bytes:
    """The result as JSON, checked as in a worker's attempt."""
    given = computation.parameters.model_validate_json(gzip.decompress(job.parameters), strict=True)
    # What a computation prints is no part of the result. A debugger needs the terminal.
    prints = nullcontext() if sys.stdout.isatty() else redirect_stdout(sys.stderr)
    with prints, telling() as progress, declared.given_to_all(values_of(computation)):
        with only_listed(registry.package()):
            found = computation.run(given, lambda done: progress(handover.fraction(done)))
        json = handover.json_of(computation, found)
    frames.check_size(len(json))
    return json


def values_of(computation: Computation, file: Path = ENV_FILE) -> declared.Values:
    """Of its secrets and settings: those of the project's .env, and defaults."""
    written = env_file.values(file)
    defaults = {each: getattr(each, "default", None) for each in computation.declared}
    found = {each: written.get(each.name) or defaults[each] for each in computation.declared}
    if lacking := [each for each, value in found.items() if value is None]:
        needed = ", ".join(f"the {each.kind} {each.name}" for each in lacking)
        lines = " ".join(f"{each.key}=…" for each in lacking)
        raise AttemptFailed(f"needs {needed}; write into {file}: {lines}")
    return {each: value for each, value in found.items() if value is not None}


@contextmanager
def telling() -> Iterator[Progress]:
    """Draw the progress on a terminal; elsewhere tell every tenth in a line."""
    if not sys.stderr.isatty():
        yield Told().progress
        return
    import click

    with click.progressbar(length=PARTS_OF_BAR, file=sys.stderr) as bar:
        yield lambda done: bar.update(max(round(done * PARTS_OF_BAR) - bar.pos, 0))


class Told:
    """Tells the progress in lines."""

    told = 0.0

    def progress(self, done: float) -> None:
        if done - self.told >= TOLD_STEP or done == 1 > self.told:
            self.told = done
            say(f"{done:.0%}", sys.stderr)


def shown(result: bytes) -> str:
    """The result in one line, or indented on a terminal."""
    if not sys.stdout.isatty():
        return result.decode()
    return json.dumps(json.loads(result), indent=2, ensure_ascii=False)


def pace(computation: Computation, job: Job, took: float) -> str:
    text = f"took {took:.2f} s; expected_time is {job.expected_time:g} s"
    limit = computation.policy.time_limit
    if took > limit:
        text += f"; over time_limit ({limit:g} s): a worker would have ended it"
    return text


def _show(error: BaseException) -> None:
    """Print the traceback, from the first line outside the engine on; nothing if there is none."""
    own = error.__traceback__
    while own and Path(own.tb_frame.f_code.co_filename).is_relative_to(ENGINE):
        own = own.tb_next
    if own:
        say("".join(traceback.format_exception(type(error), error, own)).rstrip(), sys.stderr)


def _end(why: str, code: int) -> int:
    say(why, sys.stderr)
    return code
