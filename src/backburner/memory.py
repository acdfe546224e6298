"""Fresh results that this instance has served just now: another hit on them asks nobody."""

from typing import TYPE_CHECKING

from cachetools import TTLCache

from backburner.entry import Entry
from backburner.signature import Signature

if TYPE_CHECKING:
    from backburner.store import Clock

LARGEST = 32_000_000
"""Bytes of results, compressed as they are."""
LONGEST = 5
"""Seconds until the table is asked again: so soon an entry that is forgotten is out of use."""

Memory = TTLCache[Signature, Entry]


def memory(clock: "Clock") -> Memory:
    return TTLCache(LARGEST, LONGEST, timer=clock, getsizeof=_size)


def _size(entry: Entry) -> int:
    return 1000 + len(entry.the_answer.body)
