"""Fresh results that this instance has served just now: another hit on them asks nobody."""

import time
from collections.abc import Callable

from cachetools import TTLCache

from backburner.entry import Entry
from backburner.signature import Signature

LARGEST = 32_000_000
"""Bytes of results, compressed as they are."""
LONGEST = 5
"""Seconds until the table is asked again: so soon an entry that is forgotten is out of use."""

Memory = TTLCache[Signature, Entry]


def memory(timer: Callable[[], float] = time.monotonic) -> Memory:
    return TTLCache(LARGEST, LONGEST, timer=timer, getsizeof=_size)


def _size(entry: Entry) -> int:
    return 1000 + len(entry.the_answer.body)
