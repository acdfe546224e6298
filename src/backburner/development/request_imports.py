"""Lets a process import only what the request function has.

On the author's machine all libraries are installed in one place, so a heavy import at the top of a
computation's file would be noticed only in AWS.
"""

import re
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

PINS = Path(__file__).with_name("requirements.txt")
"""What the engine brings along."""
REQUIREMENT = re.compile(r"^[A-Za-z0-9][\w.-]*", re.MULTILINE)
OF_LAMBDA = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
"""Distributions that Lambda's Python has of itself."""
INSTALLED = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})


class OnlyListed:
    """Refuses modules that a function's bundle does not have."""

    def __init__(self, requirements: Path) -> None:
        self._file = requirements
        self._modules = bundled(requirements)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None and name not in self._modules and _is_installed(name):
            raise ModuleNotFoundError(f"{name} is not in {self._file}", name=name)
        return None


def bundled(requirements: Path) -> set[str]:
    """The top-level modules of a bundle: of the engine, and of what a requirements.txt lists."""
    wanted = {*REQUIREMENT.findall(PINS.read_text() + requirements.read_text()), *OF_LAMBDA}
    wanted.discard("backburner")
    found: set[str] = set()
    while wanted:
        found |= wanted
        wanted = {each for name in wanted for each in _required_by(name)} - found
    return {"backburner"}.union(*map(_modules, found))


def install(requirements: Path) -> None:
    """Refuse the others in this process from now on."""
    sys.meta_path.insert(0, OnlyListed(requirements))


@contextmanager
def restricted(requirements: Path) -> Iterator[None]:
    """Refuse the others meanwhile."""
    finder = OnlyListed(requirements)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def _is_installed(name: str) -> bool:
    spec = PathFinder.find_spec(name)
    places = [] if spec is None else [spec.origin or "", *(spec.submodule_search_locations or ())]
    return any(place.startswith(INSTALLED) for place in places)


def _required_by(name: str) -> Iterator[str]:
    """The distributions that an installed one requires, without those of its extras."""
    with suppress(PackageNotFoundError):
        for required in distribution(name).requires or ():
            if "extra ==" not in required:
                yield from REQUIREMENT.findall(required)


def _modules(requirement: str) -> set[str]:
    """The top-level modules of a distribution; empty if it is not installed."""
    try:
        found = distribution(requirement)
    except PackageNotFoundError:
        return set()
    return set((found.read_text("top_level.txt") or "").split()) or set(_top_level(found))


def _top_level(found: Distribution) -> Iterator[str]:
    for file in found.files or ():
        if not file.parts[0].endswith((".dist-info", "..")):
            yield file.parts[0].partition(".")[0]
