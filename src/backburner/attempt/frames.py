"""Frames of bytes in which an attempt reports to the worker over a pipe. Reading runs no code.

A frame is a header (its kind and the length of its content) and the content. Each kind has a
maximum length, which bounds the worker's memory.
"""

import os
from collections.abc import Iterator
from enum import IntEnum
from struct import Struct

from backburner.errors import AttemptFailed
from backburner.problems import ResultTooLarge

MAX_RESULT_BYTES = 100_000_000
"""Bytes of JSON. So many bytes of numbers took 6.5 s to compress, well within a lease of 30 s."""
MAX_REASON_BYTES = 8_000
"""Bytes of text that say why there is no result."""
CHUNK = 65_536

HEADER = Struct(">BQ")
FRACTION = Struct(">d")
SECONDS = Struct(">d")


class Kind(IntEnum):
    PROGRESS = 1
    RESULT = 2
    REFUSAL = 3
    FAILURE = 4
    AGAIN = 5
    """Seconds, and the reason."""


MAX_BYTES = {
    Kind.PROGRESS: FRACTION.size,
    Kind.RESULT: MAX_RESULT_BYTES,
    Kind.REFUSAL: MAX_REASON_BYTES,
    Kind.FAILURE: MAX_REASON_BYTES,
    Kind.AGAIN: SECONDS.size + MAX_REASON_BYTES,
}
MIN_BYTES = {Kind.PROGRESS: FRACTION.size, Kind.AGAIN: SECONDS.size}


def packed(kind: Kind, content: bytes) -> bytes:
    return HEADER.pack(kind, len(content)) + content


def write(pipe: int, kind: Kind, content: bytes) -> None:
    left = memoryview(packed(kind, content))
    while left:
        left = left[os.write(pipe, left) :]


def check_size(length: int) -> None:
    """Raise ResultTooLarge for a result of so many bytes."""
    if length > MAX_RESULT_BYTES:
        raise ResultTooLarge(
            f"the result has {length} bytes; {MAX_RESULT_BYTES} are the most: "
            "ask for less at a time"
        )


class Reader:
    """The worker's end of the pipe."""

    def __init__(self, pipe: int, name: str) -> None:
        self.pipe, self.name = pipe, name
        self.buffer = bytearray()

    def read(self) -> Iterator[tuple[Kind, bytes]]:
        """Read once; yield the frames now complete. EOFError if every writer closed the pipe."""
        chunk = os.read(self.pipe, CHUNK)
        if not chunk:
            raise EOFError
        self.buffer += chunk
        while (length := self._length()) is not None:
            end = HEADER.size + length
            if len(self.buffer) < end:
                return
            yield Kind(self.buffer[0]), bytes(memoryview(self.buffer)[HEADER.size : end])
            del self.buffer[:end]

    def _length(self) -> int | None:
        """The length of the next content; None until its header has arrived."""
        if len(self.buffer) < HEADER.size:
            return None
        kind, length = HEADER.unpack_from(self.buffer)
        if kind == Kind.RESULT:
            check_size(length)
        if not MIN_BYTES.get(kind, 0) <= length <= MAX_BYTES.get(kind, -1):
            raise AttemptFailed(
                f"{self.name} wrote to the worker's pipe; write only to what it has opened"
            )
        return int(length)
