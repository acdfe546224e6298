"""Signs a question: all ways to write the same question have the same signature."""

import hashlib
import re
from typing import NewType

from backburner.canonical_json import canonical

Signature = NewType("Signature", str)
"""The key of an entry: SHA-256, in hex, of computation, version and canonical parameters."""

FORM = re.compile(r"[0-9a-f]{64}", re.ASCII)


def sign(computation: str, version: int, parameters: bytes, private_to: str = "") -> Signature:
    """The signature of a question; `parameters` are validated and canonical.

    If answers are private, the caller is part of the question.
    """
    whose = [private_to] if private_to else []
    question = canonical([computation, version, *whose]) + b"\n" + parameters
    return Signature(hashlib.sha256(question).hexdigest())
