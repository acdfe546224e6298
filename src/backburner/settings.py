"""The environment, as template.yaml sets it. Nothing else reads it, and this only when it is asked.

A variable with the value AWS::NoValue in the template does not exist in AWS. It is declared so that
`make run`, `sam local` and the tests of real processes can set it.
"""

import os

from backburner.errors import MissingSetting


def required(name: str) -> str:
    """A setting that the function needs; MissingSetting if it is not set."""
    if name not in os.environ:
        raise MissingSetting(f"the environment has no {name}; template.yaml sets it")
    return os.environ[name]


def text(name: str, default: str = "") -> str:
    return os.environ.get(name) or default


def number(name: str, default: float) -> float:
    return float(text(name) or default)


def add(name: str, value: str) -> bool:
    """Set a variable of this process for what it imports; False if it is set already."""
    if name in os.environ:
        return False
    os.environ[name] = value
    return True


def initialization_type() -> str:
    """on-demand, snap-start or provisioned-concurrency, as Lambda sets it; elsewhere empty."""
    return text("AWS_LAMBDA_INITIALIZATION_TYPE")


def shows_errors() -> bool:
    """True on the author's machine: logs and responses say what is kept to oneself in AWS."""
    return bool(text("SHOW_ERRORS"))
