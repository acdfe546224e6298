"""backburner ask: asks a service, and waits for the answer as any client should.

Exit codes: 0 for a result; 1 if the service has none: the job was given up, or the caller may not
ask; 2 if the name or the parameters are wrong; 3 if the computation refused (Uncomputable); 4 if
the service did not respond, or not as a backburner service does; 5 if the deadline has passed; 130
after Ctrl-C.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from backburner.development import compute, parameter_files
from backburner.development.client import (
    Backburner,
    ComputeError,
    DeadlineExceeded,
    JobStatus,
    ProblemError,
)
from backburner.development.errors import CommandError
from backburner.development.terminal import printable, say

RESULT, NO_RESULT, WRONG, REFUSED, NO_SERVICE, LATE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
"""Exit codes."""
WRONG_STATUSES = (400, 404, 413, 415, 422)
REFUSAL = "urn:problem-type:backburner:cannot-be-computed"


def ask(
    name: str,
    source: BinaryIO | None,
    *,
    url: str,
    token: str | None,
    deadline: float | None,
    values: Mapping[str, Any],
    out: Path | None,
) -> int:
    """Ask with the parameters in `source`, or the example, changed by `values`."""
    try:
        with Backburner(url, token=token) as client, telling() as on_progress:
            parameters = asked(source, lambda: described(client, name)) | dict(values)
            answer = client.compute(name, parameters, deadline=deadline, on_progress=on_progress)
    except (ComputeError, CommandError, KeyboardInterrupt) as error:
        why, exit_code = ending(error)
        say(why, sys.stderr)
        return exit_code
    show(printable(json.dumps(answer.result, ensure_ascii=False)), out)
    return RESULT


def asked(source: BinaryIO | None, description: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The parameters in the file; those of the example without one."""
    if source is None:
        return dict(description()["example"])
    file = getattr(source, "name", "")
    return parameter_files.read(file, source.read(), lambda: description()["parameters"])


def described(client: Backburner, name: str) -> dict[str, Any]:
    """The example and the parameters' schema, as GET /v1 has them."""
    url = client.url
    try:
        listed = client.follow(f"{url}/v1").result["computations"]
        found = {
            each["name"]: {"example": dict(each["example"]), "parameters": each["parameters"]}
            for each in listed
        }
    except (ComputeError, LookupError, TypeError, ValueError) as error:
        raise CommandError(
            f"{url} does not list its computations ({error}); check --url"
        ) from error
    if name not in found:
        there = ", ".join(map(str, found)) or "none"
        raise CommandError(f"{url} has no computation {name!r}; it has: {there}")
    return found[name]


@contextmanager
def telling() -> Iterator[Callable[[JobStatus], None]]:
    """Draw the progress on a terminal; elsewhere tell each state and every tenth in a line."""
    states: list[str | None] = []
    with compute.telling() as progress:

        def tell(status: JobStatus) -> None:
            if status.state not in states and not sys.stderr.isatty():
                say(status.state, sys.stderr)
            states.append(status.state)
            if status.progress:
                progress(status.progress)

        yield tell


def written(problem: ProblemError) -> str:
    """Every error with its pointer and reason; or the detail."""
    lines = [f"  {each['pointer'] or 'the whole'}: {each['reason']}" for each in problem.errors]
    return "\n".join([f"{problem.title}:", *lines]) if lines else str(problem)


def ending(error: BaseException) -> tuple[str, int]:
    """What is said of it, and the exit code."""
    match error:
        case ProblemError():
            return written(error), code(error)
        case DeadlineExceeded():
            return "no answer by the deadline; the job goes on: run the same command again", LATE
        case ComputeError():
            return f"{error}; check --url", NO_SERVICE
        case CommandError():
            return str(error), WRONG
    return "interrupted; the job goes on", INTERRUPTED


def code(problem: ProblemError) -> int:
    if problem.type == REFUSAL:
        return REFUSED
    return WRONG if problem.status in WRONG_STATUSES else NO_RESULT


def show(result: str, out: Path | None) -> None:
    if out:
        out.write_text(result + "\n", "utf-8")
    else:
        say(compute.shown(result.encode()))
