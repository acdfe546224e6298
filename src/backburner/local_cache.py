"""Caches the fresh results that this instance served just now, to save reads of the table."""

import time
from collections.abc import Callable

from cachetools import TTLCache

from backburner.protocol.entry import Entry
from backburner.protocol.signature import Signature

MAX_BYTES = 32_000_000
"""Bytes of gzipped results."""
MAX_AGE_S = 5
"""Seconds until the table is read again: a forgotten entry is served for at most this long."""

LocalCache = TTLCache[Signature, Entry]


def local_cache(timer: Callable[[], float] = time.monotonic) -> LocalCache:
    return TTLCache(MAX_BYTES, MAX_AGE_S, timer=timer, getsizeof=_size)


def _size(entry: Entry) -> int:
    return 1000 + len(entry.the_answer.body)
