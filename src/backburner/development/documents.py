"""The documents, which the wheel carries: those of docs/, and others by a link in documents/."""

from pathlib import Path

from backburner.development.errors import CommandError

FOLDER = Path(__file__).with_name("documents")


def listed() -> str:
    """The name and the first line of each."""
    found = {path.stem: path.read_text().partition("\n")[0] for path in sorted(FOLDER.iterdir())}
    lines = [f"  {name:<18} {title.lstrip('# ')}\n" for name, title in found.items()]
    return "".join(["backburner docs NAME shows one of them:\n", *lines])


def text(name: str) -> str:
    path = FOLDER / f"{name.removesuffix('.md')}.md"
    if path not in FOLDER.iterdir():
        raise CommandError(f"there is no document {name!r}; `backburner docs` lists them")
    return path.read_text()
