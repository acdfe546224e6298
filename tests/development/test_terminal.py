"""What the commands print."""

import ast
import json
from pathlib import Path

import pytest

from backburner.development import terminal
from backburner.development.terminal import printable

COMMANDS = Path(terminal.__file__).parent
ONLY_OWN_WORDS = {"run.py", "local/env_file.py"}


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("é 🐝 \\ \n", "é 🐝 \\ \n"),
        ("\x1b[2J\a\r\t", r"\u001b[2J\u0007\r\t"),
        ("\x7f\x9b2J", r"\u007f\u009b2J"),
        ("\u202e\u2028\ud800", r"\u202e\u2028\ud800"),
        ("\U000e0041", r"\udb40\udc41"),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, printed: str) -> None:
    assert printable(text) == printed


def test_json_says_the_same_as_before() -> None:
    characters = [chr(code) for code in [*range(0x10000), *range(0xE0000, 0xE0100)]]
    written = printable(json.dumps(characters, ensure_ascii=False))
    assert json.loads(written) == characters
    assert written.isprintable()


def test_no_command_prints_in_another_way() -> None:
    printing = {
        str(file.relative_to(COMMANDS))
        for folder in (COMMANDS, COMMANDS / "local")
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Name) and node.id == "print"
    }
    assert printing - ONLY_OWN_WORDS == {"terminal.py"}
