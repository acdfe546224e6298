"""The environment, as template.yaml sets it. Nothing else reads it, and this only when it is asked.

A variable that stands in the template as AWS::NoValue does not exist in AWS: it is declared so that
`make run`, `sam local` and the tests of real processes can set it.
"""

import os

from backburner.errors import MissingSetting


def required(name: str) -> str:
    """What the function cannot do without; MissingSetting if it is not there."""
    if name not in os.environ:
        raise MissingSetting(f"the environment has no {name}; template.yaml sets it")
    return os.environ[name]


def text(name: str, default: str = "") -> str:
    return os.environ.get(name) or default


def number(name: str, default: float) -> float:
    return float(text(name) or default)
