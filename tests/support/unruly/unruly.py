"""Does what a computation should not: to its processes, its descriptors and its files.

`there` is a folder of the test, in which it leaves the numbers of the processes that it starts.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Thread
from typing import Any

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress, Uncomputable

POLICY = Policy(version=1, fresh_for=600, time_limit=30)
EXAMPLE = {"how": "forks", "there": "."}


class Parameters(computation.Parameters):
    how: str = Field(description="The name of a function below.")
    there: str = Field(description="A folder.")


class Result(computation.Result):
    number: int = Field(ge=0, description="A number.")
    words: dict[str, int] = Field({}, description="Words.")


class Another(computation.Result):
    number: int = 1


def compute(parameters: Parameters, progress: Progress) -> Result:
    found: Result = globals()[parameters.how](Path(parameters.there), progress)
    return found


# processes


def leave(there: Path, *, detached: bool = False) -> None:
    """A process that goes on for ever, with all that is open here."""
    if os.fork():
        return
    if detached:
        os.setsid()
        if os.fork():
            os._exit(0)
    (there / str(os.getpid())).touch()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


def until_left(there: Path, number: int = 1) -> None:
    while len(list(there.iterdir())) < number:
        time.sleep(0.001)


def forks(there: Path, _: Progress) -> Result:
    leave(there)
    until_left(there)
    return Result(number=1)


def forks_and_dies(there: Path, _: Progress) -> None:
    leave(there)
    until_left(there)
    os.kill(os.getpid(), signal.SIGKILL)


def daemonises(there: Path, _: Progress) -> Result:
    leave(there, detached=True)
    until_left(there)
    return Result(number=1)


def daemonises_and_dies(there: Path, _: Progress) -> None:
    leave(there, detached=True)
    until_left(there)
    os.kill(os.getpid(), signal.SIGKILL)


def executes(there: Path, _: Progress) -> Result:
    """Another program, which knows nothing of us: its environment is empty."""
    script = f"import os, time; open('{there}/' + str(os.getpid()), 'w'); time.sleep(60)"
    subprocess.Popen([sys.executable, "-c", script], env={}, start_new_session=True)  # noqa: S603
    until_left(there)
    os._exit(0)


def multiplies(there: Path, _: Progress) -> Result:
    for _n in range(20):
        leave(there, detached=True)
    until_left(there, 20)
    return Result(number=20)


def has_children(there: Path, _: Progress) -> Result:
    """As it may. One answers, the other goes on."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    answers = fork.Process(target=theirs.send, args=[1])
    goes_on = fork.Process(target=leave, args=[there])
    answers.start()
    goes_on.start()
    until_left(there)
    return Result(number=ours.recv())


def comes_back_twice(there: Path, _: Progress) -> Result:
    """The process that it forks returns as well."""
    if os.fork() == 0:
        sys.exit(3)
    time.sleep(0.2)
    return Result(number=1)


def ignores_all_signals(there: Path, _: Progress) -> None:
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)
    (there / str(os.getpid())).touch()
    time.sleep(60)


def leaves_a_thread(_there: Path, _: Progress) -> Result:
    Thread(target=time.sleep, args=[60]).start()
    return Result(number=1)


def ends_its_group(_there: Path, _: Progress) -> None:
    os.killpg(0, signal.SIGKILL)


# the pipe


def pipe() -> int:
    """The end of it that is here."""
    import gc

    from backburner.attempt.alone import Teller

    [teller] = [each for each in gc.get_objects() if isinstance(each, Teller)]
    return teller.pipe.fileno()


def closes_all(_there: Path, _: Progress) -> None:
    os.closerange(0, 1000)
    time.sleep(60)


def writes_half_a_frame(_there: Path, _: Progress) -> None:
    os.write(pipe(), b"\x02\x00\x00\x00\x00\x00\x00\x00\x09{")
    time.sleep(60)


def writes_half_a_frame_and_dies(_there: Path, _: Progress) -> None:
    os.write(pipe(), b"\x02\x00\x00\x00\x00\x00\x00\x00\x09{")
    os._exit(0)


def writes_garbage(_there: Path, _: Progress) -> None:
    os.write(pipe(), b"progress: 50 %\n" * 10)
    time.sleep(60)


def announces_too_long_a_reason(_there: Path, _: Progress) -> None:
    os.write(pipe(), b"\x03\x00\x00\x00\x00\x10\x00\x00\x00")
    time.sleep(60)


def fills_the_pipe(_there: Path, _: Progress) -> None:
    from backburner.attempt.frames import FRACTION, Kind, write

    while True:
        write(pipe(), Kind.PROGRESS, FRACTION.pack(0.5))


def fills_the_pipe_from_elsewhere(there: Path, progress: Progress) -> None:
    if os.fork() == 0:
        (there / str(os.getpid())).touch()
        fills_the_pipe(there, progress)
    until_left(there)
    os._exit(4)


def is_too_large(_there: Path, _: Progress) -> Result:
    return Result(number=1, words={"a" * 100_000_001: 1})


# files


def leaves_files(there: Path, _: Progress) -> Result:
    Path("relative").write_text("in the working directory")
    locked = Path(tempfile.mkdtemp())
    (locked / "file").write_text("in the temporary folder")
    locked.chmod(0o500)
    tempfile.mkstemp()
    (there / "folder").write_text(f"{Path.cwd()}\n{locked.parent}")
    return Result(number=1)


# progress, results and refusals


def progress_in_numpy(_there: Path, progress: Progress) -> Result:
    import numpy as np

    progress(np.float64(0.1))
    time.sleep(0.3)
    progress(np.float32(0.5))  # type: ignore[arg-type]
    time.sleep(0.3)
    return Result(number=1)


def progress_nan(_there: Path, progress: Progress) -> None:
    progress(float("nan"))


def returns_another_model(_there: Path, _: Progress) -> Another:
    return Another()


def returns_a_dict(_there: Path, _: Progress) -> dict[str, int]:
    return {"number": 1}


def returns_what_was_not_validated(_there: Path, _: Progress) -> Result:
    wrong: Any = {"number": "71307130", "words": {"mark-7d1f": "mark-7d1f"}}
    return Result.model_construct(**wrong)


def returns_what_is_missing(_there: Path, _: Progress) -> Result:
    nothing: Any = {}
    return Result.model_construct(**nothing)


def returns_what_was_changed(_there: Path, _: Progress) -> Result:
    result = Result(number=1)
    result.words["mark-7d1f"] = "mark-7d1f"  # type: ignore[assignment]
    return result


def returns_what_is_out_of_range(_there: Path, _: Progress) -> Result:
    return Result.model_construct(number=-71307130)


def refuses_at_length(_there: Path, _: Progress) -> None:
    raise Uncomputable("why not" + "é" * 8_000_000)


def refuses_in_no_unicode(_there: Path, _: Progress) -> None:
    raise Uncomputable("a \ud800 surrogate")


def exits(_there: Path, _: Progress) -> None:
    sys.exit("mark-7d1f")


def crashes_deeply(there: Path, progress: Progress) -> None:
    crashes_as_deeply(there, progress)


def crashes_as_deeply(there: Path, progress: Progress) -> None:
    crashes_deeply(there, progress)


def crashes_in_a_long_chain(_there: Path, _: Progress) -> None:
    error: Exception | None = None
    for _n in range(5000):
        following = ValueError("mark-7d1f")
        following.__cause__ = error
        error = following
    assert error
    raise error
