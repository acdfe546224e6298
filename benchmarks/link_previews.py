"""What link-preview finds in pages that others wrote: the table of docs/link-preview.md.

    PYTHONPATH=src .venv/bin/python -m benchmarks.link_previews

newspaper4k, a library that reads articles, ships pages of news sites, and beside each what it finds
there. The archive comes from PyPI, by its hash, into build/.
"""

import json
import subprocess
import sys
import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backburner.fetching import Fetched
from computations.link_preview import Result, encoding
from computations.link_preview.page import Page
from computations.link_preview.preview import MAX_BYTES

FOLDER = Path(__file__).parent.parent / "build/link-previews"
NAME = "newspaper4k-0.9.6"
SHA256 = "a3f2f0e017dddb6f1019ee77aaa8980e13e6ecea0b949abc7167aae4770d2d0e"
BASE = "https://example.com/"
"""Of pages whose own is not told."""
THEIRS = {
    "title": "title",
    "description": "meta_description",
    "image": "meta_img",
    "site_name": "meta_site_name",
    "language": "meta_lang",
    "author": "authors",
    "published": "publish_date",
    "url": "canonical_link",
    "icon": "meta_favicon",
}
"""By our field, theirs."""


@dataclass(frozen=True, slots=True)
class Case:
    """A page, and what newspaper4k finds in it."""

    name: str
    html: bytes
    found: dict[str, Any]

    def ours(self) -> Result:
        html = self.html[:MAX_BYTES]
        fetched = Fetched(self.found.get("url") or BASE, 200, {}, html, is_whole=True)
        return Page(fetched.url, encoding.decoded(fetched)).result("text/html")


def main() -> None:
    counts: dict[str, Counter[str]] = {field: Counter() for field in THEIRS}
    for case in cases():
        preview = case.ours()
        for field, their_name in THEIRS.items():
            theirs, ours = text(case.found.get(their_name)), found(preview, field)
            counts[field].update(outcome(theirs, ours))
            if "-v" in sys.argv and theirs != ours:
                print(f"{case.name} {field}: {theirs!r} | {ours!r}", file=sys.stderr)
    print(
        "| field | newspaper4k | link-preview | the same | only newspaper4k | only link-preview |"
    )
    print("|---|--:|--:|--:|--:|--:|")
    for field, count in counts.items():
        columns = (count[each] for each in ("theirs", "ours", "same", "only theirs", "only ours"))
        print(f"| `{field}` | {' | '.join(map(str, columns))} |")


def cases() -> list[Case]:
    with tarfile.open(archive()) as files:
        data = f"{NAME}/tests/data"
        found = [
            name.removeprefix(f"{data}/metadata/").removesuffix(".json")
            for name in files.getnames()
            if name.startswith(f"{data}/metadata/")
        ]
        return [
            Case(
                name,
                _read(files, f"{data}/html/{name}.html"),
                json.loads(_read(files, f"{data}/metadata/{name}.json")),
            )
            for name in sorted(found)
            if f"{data}/html/{name}.html" in files.getnames()
        ]


def archive() -> Path:
    path = FOLDER / f"{NAME}.tar.gz"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        wanted = FOLDER / "requirements.txt"
        wanted.write_text(f"{NAME.replace('-', '==')} --hash=sha256:{SHA256}\n")
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        options = ["--no-binary", ":all:", "--require-hashes", "-r", str(wanted)]
        subprocess.run([*download, *options, "-d", str(FOLDER)], check=True)  # noqa: S603
    return path


def _read(files: tarfile.TarFile, name: str) -> bytes:
    file = files.extractfile(name)
    if file is None:
        raise FileNotFoundError(name)
    return file.read()


def found(preview: Result, field: str) -> str:
    if field == "image":
        return preview.image.url if preview.image else ""
    # Without a canonical URL or an icon of its own, a page has what every page has.
    if field in ("url", "icon") and preview.sources.get(field) in (None, "/favicon.ico"):
        return ""
    return text(getattr(preview, field))


def text(value: Any) -> str:
    return " ".join(", ".join(value).split() if isinstance(value, list) else (value or "").split())


def outcome(theirs: str, ours: str) -> list[str]:
    if theirs and ours:
        return ["theirs", "ours", *(["same"] if theirs == ours else [])]
    return (["theirs", "only theirs"] if theirs else []) + (["ours", "only ours"] if ours else [])


if __name__ == "__main__":
    main()
