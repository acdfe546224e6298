"""What a site lets this robot do, by robots.txt (RFC 9309), X-Robots-Tag and meta elements."""

import re
from collections.abc import Iterable, Iterator

from protego import Protego

from backburner.computation import Uncomputable

ROBOT = "backburner"
MAX_BYTES = 512_000
"""Of a robots.txt; RFC 9309 asks for no more."""
OPT_OUTS = {"nosnippet", "none", "max-snippet:0"}
RULE = re.compile(r"\s*(user[- ]?agent|allow|disallow)\s*:\s*([^#]*)", re.IGNORECASE)
NAMED = re.compile(r"(?!max-|unavailable)([a-z][\w-]*):(.*)")


def check_file(robots_txt: bytes, url: str) -> None:
    lines = robots_txt[:MAX_BYTES].decode("utf-8-sig", "replace").splitlines()
    if not Protego.parse("\n".join(_rules(lines))).can_fetch(url, ROBOT):
        raise Uncomputable("its robots.txt does not allow it")


def _rules(lines: Iterable[str]) -> Iterator[str]:
    """Other robots share a name, as Protego copies a rule to each robot that it is for."""
    for rule in filter(None, map(RULE.match, lines)):
        field, value = rule[1].lower(), rule[2].strip()
        if field.startswith("user"):
            name = value.lower().partition("/")[0]
            field, value = "user-agent", name if name in (ROBOT, "*") else "others"
        yield f"{field}:{value}"


def check_opt_outs(values: Iterable[str]) -> None:
    if any(OPT_OUTS.intersection(_for_us(value)) for value in values):
        raise Uncomputable("the page asks for no preview (robots)")


def _for_us(value: str) -> Iterator[str]:
    """All the rules of "googlebot: noindex, nosnippet" are for that robot."""
    robot = ROBOT
    for rule in "".join(value.lower().split()).split(","):
        named = NAMED.match(rule)
        robot = named[1] if named else robot
        if robot == ROBOT:
            yield named[2] if named else rule
