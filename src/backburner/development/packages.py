"""A project's libraries: their lock, and what of it is in .venv. By uv if it is there, else by pip.

The lock has one version of each library, for here and for Lambda. It has no hashes: pip tells only
those of the files for this machine, and Lambda takes others. Nothing is built: Lambda takes wheels.

`make` runs this file where only backburner itself is installed, so it imports nothing else.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from backburner.development.errors import CommandError
from backburner.development.terminal import say

LOCK = Path("requirements.lock")
LISTS = (Path("src/requirements.txt"), Path("layer/requirements.txt"))
PINS = Path(__file__).with_name("requirements.txt")
"""What the engine brings along; Lambda has no other version of it."""
HEADER = "# The version of each library, here and in Lambda: `backburner lock` makes this file."
OF = "# sha256 of what it was made for: "
CHOICE = ("--only-binary", ":all:", "--constraint", str(PINS))
ALL = "backburner[dev]"
NAME = re.compile(r" *(?:Collecting|\+) ([\w.-]+)")
"""How pip and uv begin a line about a library."""
PIN = re.compile(r"^([\w.-]+)(==\S+)", re.MULTILINE)
LIMITED = re.compile(r"^([\w.-]+)(?:\[[^]]*\])? *[=<>~!]", re.MULTILINE)
"""A line that says which versions it takes."""
TOLD_LINES = 20
"""Of what a failed command has printed."""


def install(extra: str) -> None:
    """Install what the project lists, and backburner with this extra, from the lock."""
    if not is_current():
        lock()
    say("Installing into .venv:")
    tool = [uv, "pip", "install", "--python", sys.executable] if (uv := found_uv()) else pip()
    run([*tool, "--constraint", str(LOCK), f"backburner[{extra}]", *listed()])


def lock(*, upgrade: bool = False) -> None:
    """Choose the versions: anew for what changed, or to upgrade for all."""
    say(f"Choosing the versions in {LOCK}:")
    kept = [] if upgrade or not LOCK.exists() else pins(LOCK.read_text())
    chosen = chosen_by_uv(uv, kept) if (uv := found_uv()) else chosen_by_pip(kept)
    LOCK.write_text("\n".join([HEADER, OF + digest(), *sorted(chosen, key=str.lower), ""]))


def is_current() -> bool:
    """Whether the lock was made for what is listed now."""
    return LOCK.exists() and OF + digest() in LOCK.read_text()


def digest() -> str:
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in (*LISTS, PINS))).hexdigest()


def pins(text: str) -> list[str]:
    """Those of libraries, spelled alike; backburner's own version is in src/requirements.txt."""
    found = ((re.sub(r"[-_.]+", "-", name).lower(), rest) for name, rest in PIN.findall(text))
    return [name + rest for name, rest in found if name != "backburner"]


def chosen_by_uv(uv: str, kept: Iterable[str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        (output := Path(folder, LOCK.name)).write_text("\n".join(kept))  # which uv prefers
        (engine := Path(folder, "engine.in")).write_text(ALL)
        command = [uv, "pip", "compile", "--no-header", "--no-annotate", "--output-file"]
        command += [str(output), "--python", sys.executable, *CHOICE]
        run([*command, *map(str, (engine, *LISTS))])
        return pins(output.read_text())


def chosen_by_pip(kept: list[str]) -> list[str]:
    """pip keeps to constraints or gives up, so they are loosened until there is a choice."""
    limited = {each.lower() for path in LISTS for each in LIMITED.findall(path.read_text())}
    others = [pin for pin in kept if pin.partition("==")[0].lower() not in limited]
    for constraints in (kept, others) if kept else ():
        try:
            return chosen_within(constraints)
        except CommandError:
            say("The versions so far do not fit; choosing others:")
    return chosen_within([])


def chosen_within(constraints: Iterable[str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        (limits := Path(folder, "limits.txt")).write_text("\n".join(constraints))
        report = Path(folder, "report.json")
        command = [*pip(), "--dry-run", "--ignore-installed", "--report", str(report), *CHOICE]
        run([*command, "--constraint", str(limits), ALL, *listed()])
        found = (each["metadata"] for each in json.loads(report.read_text())["install"])
        return pins("\n".join(f"{each['name']}=={each['version']}" for each in found))


def found_uv() -> str:
    """The command uv, if it runs. `make UV=` goes without."""
    try:
        subprocess.run(["uv", "--version"], capture_output=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return ""
    return os.environ.get("UV", "uv")


def pip() -> list[str]:
    return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]


def listed() -> list[str]:
    return [word for path in LISTS for word in ("--requirement", str(path))]


def run(command: list[str]) -> None:
    """Run it, and tell the name of each library as it comes; what it printed, if it fails."""
    local = ["--find-links", "wheels"] if Path("wheels").exists() else []
    environment = {"UV_SYSTEM_CERTS": "true", **os.environ}  # those of a company's proxy
    with subprocess.Popen(  # noqa: S603
        [*command, *local],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        printed = list(told(running.stdout or ()))
    if running.returncode:
        why = "".join(printed[-TOLD_LINES:])
        remedy = "; pip does it instead with `make UV=`" if "pip" in command[1:2] else ""
        raise CommandError(f"{why}the libraries could not be had, as the lines above say{remedy}")


def told(printed: Iterable[str]) -> Iterator[str]:
    names = set[str]()
    for line in printed:
        yield line
        if (name := NAME.match(line)) and name[1] not in names:
            names.add(name[1])
            say(f"  {name[1]}")


if __name__ == "__main__":
    try:
        install(*sys.argv[1:])
    except CommandError as error:
        sys.exit(str(error))
