"""Remembers the signatures of the questions that this instance was asked just now.

To sign a question, its parameters are read, validated and written, which takes time for each of
their bytes. A question that was asked before takes one hash of them. Only that hash and the
signature are kept: no parameters, and no callers.
"""

import hashlib

from cachetools import LRUCache

from backburner.computation import Computation
from backburner.http.event import Request
from backburner.protocol.signature import Signature

MAX_BYTES = 4_000_000
BYTES_EACH = 600
"""What a key, its signature and their places in the cache take, rounded up."""


Memo = LRUCache[bytes, Signature]
"""Signatures by the keys of their questions; the one that was asked longest ago goes first."""


def new_memo() -> Memo:
    return LRUCache(MAX_BYTES // BYTES_EACH)


def key_of(request: Request, computation: Computation, private_to: str) -> bytes:
    """A hash of all that a signature is made from, unread. It depends on no other header."""
    asked = (
        computation.name,
        computation.policy.version,
        private_to,
        request.method,
        request.query,
        request.headers.get("content-type"),
    )
    hashed = hashlib.sha256(f"{asked!r}\n".encode())
    hashed.update(request.body)
    return hashed.digest()
