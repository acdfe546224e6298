"""backburner doctor: what this machine lacks to run, deploy and `sam local`, each with its remedy.

Nothing here asks the network. The exit code is 0 if nothing lacks for `run`, otherwise 1.
"""

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import botocore.session
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

from backburner.development.errors import CommandError
from backburner.development.terminal import say

HOST = "127.0.0.1"
OLDEST = (3, 11)
SYSTEMS = {"Linux": "Linux", "Darwin": "macOS"}
LIBRARIES = ("moto", "werkzeug", "yaml", "click")
"""Of the extra `run`: what the local deployment imports."""
GB = 10**9
FREE_BYTES = GB
"""What is installed to run this repository takes 0.6 GB."""
MAX_ASKED_S = 60
"""Seconds for a program to tell its version."""
LAMBDAS_PYTHON = "python3.13"
PARTS = "import ensurepip, pip, platform, venv; print(platform.python_version())"
OF_MACHINES = ("container-role", "iam-role")
"""Credentials that are asked for over the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is looked at. `root` is the folder of the project."""

    root: Path = field(default_factory=Path.cwd)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    system: str = field(default_factory=platform.system)
    python: tuple[int, ...] = sys.version_info[:3]
    port: int = 3000
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    has_library: Callable[[str], bool] = lambda name: find_spec(name) is not None

    def which(self, *names: str) -> str | None:
        """The first that is there: a path within the project, or a name on the path.

        As for `make`, what is in .venv comes before the rest of the path.
        """
        path = f"{self.root / '.venv/bin'}{os.pathsep}{self.environment.get('PATH', '')}"
        places = (str(self.root / name) if "/" in name else name for name in names)
        return next(filter(None, (shutil.which(each, path=path) for each in places)), None)

    def says(self, *command: str) -> str:
        """What a program prints; Lacking if it fails."""
        try:
            return subprocess.run(  # noqa: S603
                command,
                cwd=self.root,
                env={**self.environment, "SAM_CLI_TELEMETRY": "0"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=MAX_ASKED_S,
                check=True,
            ).stdout.strip()
        except subprocess.CalledProcessError as error:
            why = (error.stderr.strip() or f"exit code {error.returncode}").splitlines()
            raise Lacking(f"{command[0]} does not run ({why[-1]})") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Lacking(f"{command[0]} does not run ({error})") from error


class Lacking(CommandError):
    """What lacks, and the remedy."""


Check = Callable[[Machine], str]
"""Says what is there; raises Lacking."""


def doctor(machine: Machine | None = None) -> int:
    """Print a line for each thing that is needed; 1 if one that `run` needs lacks."""
    machine = machine or Machine()
    has_all = {purpose: examine(purpose, checks, machine) for purpose, checks in PURPOSES.items()}
    return 0 if has_all["run"] else 1


def examine(purpose: str, checks: tuple[Check, ...], machine: Machine) -> bool:
    """Print the lines of a purpose; True if nothing lacks."""
    say(f"{purpose}:")
    has_all = True
    for check in checks:
        try:
            say(f"  ok     {check(machine)}")
        except Lacking as lacking:
            has_all = False
            say(f"  lacks  {lacking}")
    return has_all


def system(machine: Machine) -> str:
    if machine.system not in SYSTEMS:
        raise Lacking(f"Linux or macOS: this is {machine.system}; on Windows use WSL")
    return SYSTEMS[machine.system]


def python(machine: Machine) -> str:
    version, oldest = (".".join(map(str, each)) for each in (machine.python, OLDEST))
    if machine.python < OLDEST:
        raise Lacking(f"Python {oldest} or later: this is {version}; install a later one")
    return f"Python {version}"


def libraries(machine: Machine) -> str:
    missing = [name for name in LIBRARIES if not machine.has_library(name)]
    if missing:
        remedy = "install the extra dev, `pip install 'backburner[dev]'`"
        raise Lacking(f"{', '.join(missing)}: {remedy}")
    return "what the local deployment imports"


def make(machine: Machine) -> str:
    if not (found := machine.which("make")):
        raise Lacking("make: install it, for example by `apt install make` or Xcode's tools")
    return f"make ({found})"


def port(machine: Machine) -> str:
    try:
        socket.create_server((HOST, machine.port)).close()
    except OSError as error:
        remedy = f"end what uses it, or take another: make run PORT={machine.port + 1}"
        raise Lacking(f"port {machine.port}: it is in use; {remedy}") from error
    return f"port {machine.port} is free"


def disk(machine: Machine) -> str:
    free = machine.free_bytes(machine.root)
    if free < FREE_BYTES:
        needed = f"{FREE_BYTES / GB:.0f} GB of disk"
        raise Lacking(f"{needed}: {free / GB:.1f} GB are free at {machine.root}; remove something")
    return f"{free / GB:.0f} GB of disk are free"


def lambdas_python(machine: Machine) -> str:
    """A shim of pyenv is on the path even if no such Python is installed, so it is run."""
    remedy = "install Python 3.13 with venv and pip (`pyenv install 3.13`; Debian: python3.13-venv)"
    if not (found := machine.which(LAMBDAS_PYTHON)):
        raise Lacking(f"{LAMBDAS_PYTHON}: none on the path; {remedy}")
    try:
        return f"{LAMBDAS_PYTHON} with venv and pip: {machine.says(found, '-c', PARTS)} ({found})"
    except Lacking as lacking:
        raise Lacking(f"{LAMBDAS_PYTHON}: {lacking}; {remedy}") from lacking


def sam(machine: Machine) -> str:
    remedy = "install aws-sam-cli, for example by `pipx install aws-sam-cli`"
    if not (found := machine.which(".venv-sam/bin/sam", "sam")):
        raise Lacking(f"sam: neither on the path nor in .venv-sam; {remedy}")
    try:
        return f"{machine.says(found, '--version')} ({found})"
    except Lacking as lacking:
        raise Lacking(f"sam: {lacking}; {remedy}") from lacking


def credentials(_machine: Machine) -> str:
    """By botocore's chain, without the roles of machines: those would be asked for."""
    remedy = "log in, for example by `aws configure sso` or `aws configure`"
    try:
        found = found_credentials(botocore.session.Session())
    except BotoCoreError as error:
        raise Lacking(f"AWS credentials: {str(error).rstrip('.')}; {remedy}") from error
    if found is None:
        raise Lacking(f"AWS credentials: none (a machine's role is not looked for); {remedy}")
    return f"AWS credentials ({found.method}; not tried)"


def found_credentials(session: botocore.session.Session) -> Credentials | None:
    resolver = session.get_component("credential_provider")
    for method in OF_MACHINES:
        with suppress(ValueError):
            resolver.remove(method)
    found: Credentials | None = resolver.load_credentials()
    return found


def region(_machine: Machine) -> str:
    remedy = "set AWS_DEFAULT_REGION, or region in samconfig.toml"
    try:
        found = botocore.session.Session().get_config_variable("region")
    except BotoCoreError as error:
        raise Lacking(f"a region: {str(error).rstrip('.')}; {remedy}") from error
    if not found:
        raise Lacking(f"a region: none is set; {remedy}")
    return f"region {found}"


def docker(machine: Machine) -> str:
    libraries(machine)  # which the next line imports
    from backburner.development.local.sam_local import NoDocker, bridge_gateway

    if not (found := machine.which("docker")):
        raise Lacking("Docker: none on the path; install and start it")
    try:
        return f"Docker (its bridge is at {bridge_gateway(found)})"
    except NoDocker as error:
        raise Lacking(str(error)) from error


PURPOSES: dict[str, tuple[Check, ...]] = {
    "run": (system, python, libraries, make, port, disk),
    "deploy": (lambdas_python, sam, credentials, region),
    "sam local": (lambdas_python, sam, docker),
}
