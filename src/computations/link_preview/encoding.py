"""Bytes to text as browsers do: the byte order mark, the header, a meta element, windows-1252."""

from collections.abc import Iterator
from email.message import Message

import webencodings
from justhtml import stream

from backburner.fetching import Fetched

PRESCANNED = 1024
"""Bytes in which browsers look for a meta element."""
MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xfe\xff": "utf-16be", b"\xff\xfe": "utf-16le"}


def decoded(fetched: Fetched) -> str:
    return fetched.body.decode(_codec(fetched), "replace").removeprefix("\ufeff")


def _codec(fetched: Fetched) -> str:
    for mark, name in MARKS.items():
        if fetched.body.startswith(mark):
            return name
    stated = charset_of(fetched.headers.get("content-type", ""))
    found = webencodings.lookup(stated) or _prescanned(fetched.body[:PRESCANNED])
    return str((found or webencodings.lookup("windows-1252")).codec_info.name)


def _prescanned(beginning: bytes) -> webencodings.Encoding | None:
    for attributes in _metas(beginning.decode("latin-1")):
        label = attributes.get("charset") or ""
        if (attributes.get("http-equiv") or "").lower() == "content-type":
            label = label or charset_of(attributes.get("content") or "")
        if found := webencodings.lookup(label):
            # A page in UTF-16 could not have been read so far.
            return webencodings.lookup("utf-8") if found.name.startswith("utf-16") else found
    return None


def _metas(html: str) -> Iterator[dict[str, str | None]]:
    for event in stream(html):
        match event:
            case "start", ("meta", dict(attributes)):
                yield attributes


def charset_of(content_type: str) -> str:
    """Its parameter, or empty."""
    message = Message()
    message["content-type"] = content_type.replace("\n", " ").replace("\r", " ")
    found = message.get_param("charset")
    return found.strip() if isinstance(found, str) else ""
