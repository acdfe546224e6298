"""What sam build makes: the functions' code and the layer, as wheels for Lambda, all compiled.

Lambda's disks are read-only: what is not compiled here is compiled anew at every cold start.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

import backburner
from backburner.development.errors import CommandError
from backburner.development.request_imports import PINS

ENGINE = Path(backburner.__file__).parent
RUNTIME = "3.13"
"""Lambda's Python, of template.yaml."""
GLIBC = ("2_34", "2_28", "2_27", "2_17")
"""Those whose wheels Amazon Linux 2023 (glibc 2.34) runs; manylinux2014 is 2_17."""
FOR_DEVELOPMENT = ("development", "py.typed", "__pycache__")
UNREACHED = (
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/utilities/auth_alpha",
    "aws_lambda_powertools/utilities/kafka",
    "pydantic/v1",
)
"""Routers with a Swagger UI, what serves other sources of events, and pydantic's old self: no code
here imports them."""
AS_LISTED = "# as listed"
"""With this line, requirements.txt names all that is installed: pip adds nothing."""
LAYER = "ComputationsLayer"


def bundle(logical_id: str, processor: str, *, source: Path, target: Path) -> None:
    """Make what `sam build` asks for of its copy of src/ or layer/, the source."""
    python = find_python()
    if logical_id == LAYER:
        install(python, processor, target / "python", source / "requirements.txt")
        # Lambda refuses a layer without a file.
        shutil.copy(source / "requirements.txt", target)
        shutil.rmtree(target / "python/bin", ignore_errors=True)
        compile_all(python, target, "/opt")
        return
    install(python, processor, target, PINS)
    install(python, processor, target, source / "requirements.txt")
    copy_code(ENGINE, target / ENGINE.name)
    copy_code(source / "computations", target / "computations")
    for folder in (*UNREACHED, "bin"):
        shutil.rmtree(target / folder, ignore_errors=True)
    compile_all(python, target, "/var/task")


def install(python: str, processor: str, target: Path, listed: Path) -> None:
    """Install wheels for Lambda, whatever machine this is."""
    requirements = read(listed)
    if not requirements:
        return
    platforms = [f"manylinux_{version}_{processor}" for version in GLIBC]
    as_listed = listed == PINS or AS_LISTED in listed.read_text().splitlines()
    run(
        [
            *(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--target", str(target), "--no-compile", "--only-binary=:all:"),
            *("--implementation", "cp", "--python-version", RUNTIME),
            *(f"--platform={platform}" for platform in [*platforms, f"manylinux2014_{processor}"]),
            *(["--no-deps"] if as_listed else ["--constraint", str(PINS)]),
            *requirements,
        ],
        f"what {listed.parent.name}/{listed.name} lists",
    )


def read(listed: Path) -> list[str]:
    """The requirements, without that of backburner, which is checked: its code comes from here."""
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in listed.read_text().splitlines())
    return [line for line in lines if line and not is_backburner(line)]


def is_backburner(line: str) -> bool:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return False  # an option or an address: pip's to judge
    if canonicalize_name(requirement.name) != "backburner":
        return False
    if not requirement.specifier.contains(backburner.__version__, prereleases=True):
        raise CommandError(
            f"src/requirements.txt asks for {line}, and backburner {backburner.__version__} is "
            "installed; install what it asks for: make .venv/ready"
        )
    return True


def copy_code(source: Path, target: Path) -> None:
    shutil.copytree(
        source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*FOR_DEVELOPMENT)
    )


def compile_all(python: str, target: Path, place: str) -> None:
    """Compile everything; a file's name in a traceback is that in Lambda, its place there."""
    for cache in list(target.rglob("__pycache__")):
        shutil.rmtree(cache)
    run(
        [
            *(python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(target), "-p", place, str(target)),
        ],
        "all of it compiled",
    )


def find_python(candidates: Iterable[str] = (sys.executable, f"python{RUNTIME}")) -> str:
    """A Python of Lambda's version: only its bytecode fits."""
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    for python in candidates:
        if shutil.which(python) and output([python, "-c", script]) == RUNTIME:
            return python
    raise CommandError(
        f"sam build needs Python {RUNTIME}, as Lambda has it; here is {sys.version.split()[0]}: "
        f"install python{RUNTIME}, and make sure that `python{RUNTIME} --version` runs"
    )


def output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()


def run(command: Sequence[str], wanted: str) -> None:
    done = subprocess.run(command, check=False)  # noqa: S603
    if done.returncode:
        raise CommandError(f"{wanted} could not be had; the lines above say why")
