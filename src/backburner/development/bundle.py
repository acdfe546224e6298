"""What sam build makes: the functions' code and the layer, as wheels for Lambda, all compiled.

    python -m backburner.development.bundle LOGICAL_ID PROCESSOR TARGET PROJECT LOCK

Lambda's disks are read-only: what is not compiled here is compiled anew at every cold start. It is
no command of cli.py, as it runs five times in a build, and that takes three seconds to import.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

import backburner
from backburner.development.errors import CommandError
from backburner.development.listed_imports import AS_LISTED, PINS, lines, parsed

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
LAYER = "ComputationsLayer"
LIBRARIES = ".aws-sam/libraries"
"""Folders of a project, of which each has libraries by a digest of what they were made of."""
KEPT = 8
"""Folders of libraries: those of the functions and of the layer, for two processors, twice."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """What is built, with which versions of libraries, by which Python, for which processor."""

    folder: Path
    lock: Path
    processor: str
    python: str

    def listed(self, part: str) -> Path:
        return self.folder / part / "requirements.txt"

    def copy_libraries(self, part: str, lists: Sequence[Path], target: Path) -> None:
        """Those of src or layer, compiled; made once, as the lock and the lists say them all."""
        made_of = (self.lock, *lists, Path(__file__))
        digest = hashlib.sha256(b"\0".join(each.read_bytes() for each in made_of))
        digest.update(self.processor.encode())
        folder = self.folder / LIBRARIES / f"{part}-{digest.hexdigest()[:16]}"
        with locked(folder.parent / f"{part}.lock"):
            if not folder.exists() or not all(map(is_known, lists)):
                self._make(part, folder, lists)
            folder.touch()
            remove_older(folder.parent)
            shutil.copytree(folder, target, dirs_exist_ok=True)

    def _make(self, part: str, folder: Path, lists: Iterable[Path]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        making = folder.with_suffix(".new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        target, place = (making, "/var/task") if part == "src" else (making / "python", "/opt")
        (limits := folder.with_suffix(".txt")).write_text(without_hashes(self.lock.read_text()))
        for listed in lists:
            self._install(target, listed, limits)
        limits.unlink()
        for unreached in (*UNREACHED, "bin") if part == "src" else ("bin",):
            shutil.rmtree(target / unreached, ignore_errors=True)
        compile_all(self.python, making, place)
        making.rename(folder)

    def _install(self, target: Path, listed: Path, limits: Path) -> None:
        """Install wheels for Lambda, whatever machine this is."""
        requirements = read(listed)
        if not requirements:
            return
        platforms = [f"manylinux_{version}_{self.processor}" for version in GLIBC]
        platforms.append(f"manylinux2014_{self.processor}")
        as_listed = listed == PINS or AS_LISTED in listed.read_text().splitlines()
        run(
            [
                *(self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
                *("--target", str(target), "--no-compile", "--only-binary=:all:"),
                *("--implementation", "cp", "--python-version", RUNTIME),
                *(f"--platform={platform}" for platform in platforms),
                *("--constraint", str(limits), *(["--no-deps"] if as_listed else [])),
                *requirements,
            ],
            f"what {listed.parent.name}/{listed.name} lists",
        )


def bundle(logical_id: str, project: Project, target: Path) -> None:
    """Make what `sam build` asks for."""
    if not project.lock.exists():
        raise CommandError(f"{project.lock} is not there; make it: make .venv/ready")
    if logical_id == LAYER:
        listed = project.listed("layer")
        project.copy_libraries("layer", [listed], target)
        shutil.copy(listed, target)  # Lambda refuses a layer without a file
        return
    project.copy_libraries("src", [PINS, project.listed("src")], target)
    copy_code(ENGINE, target / ENGINE.name, within=ENGINE.parents[1])
    copy_code(project.folder / "src/computations", target / "computations", within=project.folder)
    for code in (ENGINE.name, "computations"):
        compile_all(project.python, target / code, f"/var/task/{code}")


def without_hashes(lock: str) -> str:
    """pip takes no hashes from constraints, and then asks for them."""
    return re.sub(r"\s*\\\n\s*--hash=\S+", "", lock)


def is_known(listed: Path) -> bool:
    """Whether its lines say all: what is at an address may change."""
    return all((each := parsed(line)) and not each.url for line in lines(listed))


def remove_older(folder: Path) -> None:
    folders = (each for each in folder.glob("*-*") if each.is_dir())
    made = sorted(folders, key=lambda each: each.stat().st_mtime)
    for old in made[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time: sam build may run several."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read(listed: Path) -> list[str]:
    """The requirements, without that of backburner, which is checked: its code comes from here."""
    return [line for line in lines(listed) if not is_backburner(line)]


def is_backburner(line: str) -> bool:
    requirement = parsed(line)
    if not requirement or canonicalize_name(requirement.name) != "backburner":
        return False
    if not requirement.specifier.contains(backburner.__version__, prereleases=True):
        raise CommandError(
            f"src/requirements.txt asks for {line}, and backburner {backburner.__version__} is "
            "installed; install what it asks for: make .venv/ready"
        )
    return True


def copy_code(source: Path, target: Path, *, within: Path) -> None:
    """Copy what is code, and what links within the project lead to."""

    def left_out(folder: str, names: list[str]) -> list[str]:
        hidden = [name for name in names if name.startswith(".") or name in FOR_DEVELOPMENT]
        for name in names:
            if name not in hidden and (path := Path(folder, name)).is_symlink():
                check_link(path, within.resolve())
        return hidden

    shutil.copytree(source, target, dirs_exist_ok=True, ignore=left_out)


def check_link(link: Path, project: Path) -> None:
    """Refuse what would take a file along that is none of the project's, or hidden in it."""
    real = link.resolve()
    is_within = real.is_relative_to(project) and real.exists()
    if (
        not is_within
        or any(part.startswith(".") for part in real.relative_to(project).parts)
        or link.parent.resolve().is_relative_to(real)
    ):
        raise CommandError(
            f"{link} links to {real}; a link among the computations may lead only to another file "
            f"or folder of the project ({project}), and none that begins with a dot: "
            "copy it there, or remove the link"
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
    """A Python of Lambda's version, as only its bytecode fits, with pip."""
    script = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
    for python in candidates:
        if shutil.which(python) and output([python, "-c", script]) == RUNTIME:
            return python
    raise CommandError(
        f"sam build needs Python {RUNTIME} with pip, as only that compiles for Lambda; here is "
        f"{sys.version.split()[0]}: install python{RUNTIME}, and make sure that "
        f"`python{RUNTIME} -m pip --version` runs"
    )


def output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()


def run(command: Sequence[str], wanted: str) -> None:
    done = subprocess.run(command, check=False)  # noqa: S603
    if done.returncode:
        raise CommandError(f"{wanted} could not be had; the lines above say why")


def main(logical_id: str, processor: str, target: str, folder: str, lock: str) -> None:
    project = Project(
        folder=Path(folder),
        lock=Path(folder, lock),
        processor=processor,
        python=find_python(),
    )
    bundle(logical_id, project, Path(target))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except CommandError as error:
        sys.exit(str(error))
