"""Bytes to text as browsers do: a byte order mark, the header, the page itself, windows-1252."""

import re
from collections.abc import Iterator
from itertools import chain

import webencodings
from turbohtml import tokenize

from backburner.fetching import Fetched

CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([^\s"';,]+)""", re.IGNORECASE)
UTF_16 = re.compile("(utf-16|.*unicode|.*ucs-2).*", re.IGNORECASE)
XML = re.compile(rb"""\A\s*<\?xml[^>]{1,200}?encoding\s*=\s*["']([\w-]+)""")


def decoded(fetched: Fetched) -> str:
    stated = reversed(CHARSET.findall(fetched.headers.get("content-type", "")))
    # It is read as ASCII here: a page that calls itself UTF-16 is not.
    in_page = (UTF_16.sub("utf-8", label) for label in _in_page(fetched.body))
    found = map(webencodings.lookup, chain(stated, in_page, ["windows-1252"]))
    return str(webencodings.decode(fetched.body, next(filter(None, found)))[0])


def _in_page(body: bytes) -> Iterator[str]:
    for token in tokenize(body.decode("latin-1")):
        if token.tag == "meta":
            yield token.attr("charset") or ""
            if (token.attr("http-equiv") or "").lower() == "content-type":
                yield from CHARSET.findall(token.attr("content") or "")
    yield from (label.decode() for label in XML.findall(body[:1_024]))
