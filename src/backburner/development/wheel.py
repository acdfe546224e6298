"""The wheel that this backburner was installed from, packed again: a project needs it until an
index has it."""

import io
import zipfile
from dataclasses import dataclass
from importlib import metadata

from backburner.development.errors import CommandError

BY_THE_INSTALLER = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"}


@dataclass(frozen=True)
class Wheel:
    name: str
    content: bytes


def pack() -> Wheel:
    """Pack what is installed: the installer keeps no copy of the wheel."""
    try:
        distribution = metadata.distribution("backburner")
    except metadata.PackageNotFoundError as error:
        raise not_from_a_wheel() from error
    paths = [path for path in distribution.files or [] if is_of_the_wheel(path)]
    if not any(str(path) == "backburner/__init__.py" for path in paths):
        raise not_from_a_wheel()
    record = [f"{p},{p.hash.mode}={p.hash.value},{p.size}" for p in paths if p.hash]
    name = f"backburner-{distribution.version}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.writestr(zipfile.ZipInfo(str(path)), path.read_binary())
        own = f"{name}.dist-info/RECORD"
        archive.writestr(zipfile.ZipInfo(own), "\n".join([*record, f"{own},,", ""]))
    return Wheel(f"{name}-py3-none-any.whl", packed.getvalue())


def is_of_the_wheel(path: metadata.PackagePath) -> bool:
    is_outside = path.parts[0] == ".."  # the script, which pip makes anew
    return not is_outside and path.suffix != ".pyc" and path.name not in BY_THE_INSTALLER


def not_from_a_wheel() -> CommandError:
    return CommandError(
        "this backburner runs from its checkout, and a project needs a wheel of it; install it as "
        "others do, by `pip install '.[dev]'` in the checkout, into a venv elsewhere"
    )
