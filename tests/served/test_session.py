"""The session in docs/http.md is what the local deployment says, word for word."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from backburner.development.local.deployment import Deployment
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed"),
]

DOCUMENT = (Path(__file__).parents[2] / "docs/http.md").read_text()
SESSION = DOCUMENT.partition("\n## A session\n")[2].partition("\n## ")[0]
LEFT_OUT = re.compile(
    r"(?i)(server|date|connection|content-length|x-[\w-]+|access-control-[\w-]+):"
)
TIMES = re.compile(
    r'(?<=_at": ")[^"]+|(?<="retry_after": )[\d.]+|(?<=ttl=)\d+'
    r"|(?<=^age: )\d+|(?<=^retry-after: )\d+",
    re.M,
)
MAX_ANSWER_S = 60


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Deployment() as deployment:
        yield deployment.url


def exchanges() -> list[tuple[str, str]]:
    """A command, and what it prints."""
    blocks = "\n".join(re.findall(r"^(?: {4}(.*)|)$", SESSION, re.M)).split("$ curl ")[1:]
    return [_split(block) for block in blocks]


def _split(block: str) -> tuple[str, str]:
    command, status, printed = block.partition("HTTP/1.1 ")
    return f"curl -s {command}", status + printed


def said(printed: str) -> str:
    """Without the headers that the page leaves out, blank lines, and the times."""
    lines = [line for line in printed.splitlines() if line.strip() and not LEFT_OUT.match(line)]
    return TIMES.sub("…", "\n".join(line.rstrip() for line in lines))


def test_the_session_is_what_the_deployment_says(url: str) -> None:
    assert len(exchanges()) == 4
    for command, expected in exchanges():
        if expected.startswith("HTTP/1.1 202"):
            printed = ran(command, url)
        else:
            printed = eventually(partial(answered, command, url), MAX_ANSWER_S)
        assert said(printed) == said(expected), command


def answered(command: str, url: str) -> str:
    """What it prints; empty as long as that is 202."""
    printed = ran(command, url)
    return "" if printed.startswith("HTTP/1.1 202") else printed


def ran(command: str, url: str) -> str:
    here = command.replace("http://127.0.0.1:3000", url)
    return subprocess.check_output(["/bin/sh", "-c", here], text=True)  # noqa: S603
