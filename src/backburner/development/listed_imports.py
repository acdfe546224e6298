"""Lets a process import only what its Lambda function has.

On the author's machine all libraries are installed in one place, so one that no list has would be
noticed only in AWS.
"""

import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    packages_distributions,
)
from pathlib import Path
from types import ModuleType

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

PINS = Path(__file__).with_name("requirements.txt")
"""What the engine brings along."""
AS_LISTED = "# as listed"
"""With this line, a requirements.txt names all that is installed: pip adds nothing."""
OF_LAMBDA = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
"""Distributions that Lambda's Python has of itself."""
INSTALLED = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})


class OnlyListed:
    """Refuses modules that a function's bundle and its layer do not have."""

    def __init__(self, lists: Sequence[Path]) -> None:
        self._lists = lists
        self._modules = bundled(*lists)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None and self._is_refused(name):
            raise ModuleNotFoundError(remedy(name, self._lists), name=name)
        return None

    def hide(self) -> dict[str, ModuleType]:
        """Take what this process has imported for itself out of the computation's sight."""
        tops = {each.partition(".")[0] for each in sys.modules}
        refused = {top for top in tops if self._is_refused(top)}
        names = [each for each in sys.modules if each.partition(".")[0] in refused]
        return {name: sys.modules.pop(name) for name in names}

    def _is_refused(self, name: str) -> bool:
        return name not in self._modules and _is_installed(name)


def lists(source: Path, with_layer: bool = True) -> list[Path]:
    """The requirements.txt of a folder src/, and that of the layer beside it; those there are."""
    layer = [source.parent / "layer/requirements.txt"] if with_layer else []
    return [each for each in (source / "requirements.txt", *layer) if each.exists()]


def remedy(name: str, lists: Sequence[Path]) -> str:
    named = [f"{each.parent.name}/{each.name}" for each in lists]
    return f"{name} is not in {' or '.join(named)}; add the line {line_of(name)} to {named[-1]}"


@cache
def line_of(name: str) -> str:
    """A line for a module that is installed here. To look into all distributions takes 0.4 s."""
    with suppress(PackageNotFoundError):
        return _pin(distribution(name))
    owners = packages_distributions().get(name, ())
    return next((_pin(distribution(each)) for each in owners), name)


def _pin(found: Distribution) -> str:
    return f"{found.name}=={found.version}"


def bundled(*lists: Path) -> set[str]:
    """The top-level modules of the engine, of Lambda, and of what each requirements.txt lists."""
    names = {*OF_LAMBDA}
    for listed in (PINS, *lists):
        required = [each for each in map(parsed, lines(listed)) if each]
        adds_nothing = AS_LISTED in listed.read_text().splitlines()
        names |= {each.name for each in required} if adds_nothing else _with_theirs(required)
    return {"backburner"}.union(*map(_modules, names - {"backburner"}))


def lines(listed: Path) -> list[str]:
    """What a requirements.txt asks for, without its comments."""
    found = (re.sub(r"(^|\s)#.*", "", line).strip() for line in listed.read_text().splitlines())
    return [line for line in found if line]


def parsed(line: str) -> Requirement | None:
    """None for an option or an address: they are pip's to judge."""
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def install(*lists: Path) -> None:
    """Refuse the others in this process from now on."""
    finder = OnlyListed(lists)
    finder.hide()
    sys.meta_path.insert(0, finder)


@contextmanager
def restricted(*lists: Path) -> Iterator[None]:
    """Refuse the others meanwhile."""
    finder = OnlyListed(lists)
    hidden = finder.hide()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.modules.update(hidden)


def _is_installed(name: str) -> bool:
    spec = PathFinder.find_spec(name)
    places = [] if spec is None else [spec.origin or "", *(spec.submodule_search_locations or ())]
    return any(place.startswith(INSTALLED) for place in places)


def _with_theirs(required: Iterable[Requirement]) -> set[str]:
    """The distributions, and those that they require, with the extras that are asked for."""
    found = set[tuple[str, str]]()
    waiting = list(required)
    while waiting:
        each = waiting.pop()
        for wanted in {(canonicalize_name(each.name), extra) for extra in ("", *each.extras)}:
            if wanted not in found and wanted[0] != "backburner":
                found.add(wanted)
                waiting += _required_by(*wanted)
    return {name for name, _ in found}


def _required_by(name: str, extra: str) -> Iterator[Requirement]:
    with suppress(PackageNotFoundError):
        for required in map(Requirement, distribution(name).requires or ()):
            if required.marker is None or required.marker.evaluate({"extra": extra}):
                yield required


def _modules(name: str) -> set[str]:
    """The top-level modules of a distribution; empty if it is not installed."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return set()
    return set((found.read_text("top_level.txt") or "").split()) or set(_top_level(found))


def _top_level(found: Distribution) -> Iterator[str]:
    for file in found.files or ():
        if not file.parts[0].endswith((".dist-info", "..")):
            yield file.parts[0].partition(".")[0]
