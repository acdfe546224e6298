"""What the commands print. Its words are often a stranger's, and a terminal obeys some of them."""

import json
import re
from typing import TextIO


def say(text: object, file: TextIO | None = None) -> None:
    """Print it on standard output, or into the file."""
    print(printable(str(text)), file=file, flush=True)


def printable(text: str) -> str:
    """What is not printable is as JSON escapes it, so JSON says the same as before."""
    return re.sub(r"[^ -~\n]", _escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]
