"""Wheels with a module of one line, so that installers can be tried without an index."""

import zipfile
from pathlib import Path


def make_wheel(folder: Path, name: str, version: str, *metadata: str) -> None:
    """The metadata is lines such as `Requires-Dist: other`."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata, ""]
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", f"VERSION = {version}")
        wheel.writestr(f"{info}/METADATA", "\n".join(lines))
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
