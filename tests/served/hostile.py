"""Requests as nobody should send them, byte by byte: the same from the same seed and number.

Families are deep, wide, long, quadratic for whoever is careless, or no HTTP. What is sent as JSON
has from ten bytes to somewhat over what a body may have.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from backburner.http.event import MAX_BODY_BYTES

COMPUTATIONS = ["every-kind", "route-plan", "no-such-thing"]
ESCAPES = [r"\ud800", r"\udc00", r"\u0000", r"\ud83d\ude00", r"\ude00\ud83d", r"\u00e9", r"\\"]
NO_ESCAPES = [r"\x41", r"\u12", r"\U0001f600", "\\"]
STOP = {"x": 1, "y": 2, "demand": 1}
PLAN = {"depot": {"x": 0, "y": 0}, "stops": [STOP], "vehicles": {"count": 1, "capacity": 9}}
EXAMPLES = [PLAN, {"text": "a", "number": 1.5, "points": [{"x": 1, "y": 2}], "either": "high"}]


@dataclass(frozen=True)
class Hostile:
    family: str
    sent: bytes
    leaves: bool = False
    """It says that no more will come, in the middle of its request or not."""
    pieces: int = 1
    """It is sent in so many, with a pause before each but the first."""


Family = Callable[[Random], Hostile | bytes]


def request(seed: int, number: int) -> Hostile:
    """The families take turns."""
    family = FAMILIES[number % len(FAMILIES)]
    made = family(Random(f"{seed}/{number}"))
    hostile = made if isinstance(made, Hostile) else Hostile("", made)
    return replace(hostile, family=family.__name__)


def post(rng: Random, body: bytes, *headers: str, path: str = "", length: str = "") -> bytes:
    path = path or f"/v1/{rng.choice(COMPUTATIONS)}"
    lines = ["Content-Type: application/json", f"Content-Length: {length or len(body)}", *headers]
    return message(f"POST {path} HTTP/1.1", *lines) + body


def get(target: str, *headers: str) -> bytes:
    return message(f"GET {target} HTTP/1.1", *headers)


def message(*lines: str) -> bytes:
    return "\r\n".join([*lines, "Host: here", "", ""]).encode("utf-8", "surrogatepass")


def size(rng: Random) -> int:
    """Small ones are many; one in ten is about as large as is allowed."""
    if rng.random() < 0.1:
        return MAX_BODY_BYTES + rng.choice([-2000, -100, -1, 0, 1, 1000])
    return int(10 ** rng.uniform(1, 6))


def repeated(rng: Random, what: str, *, before: str = "", after: str = "") -> bytes:
    """What fills the size, between commas; the last is left without one."""
    times = max(1, (size(rng) - len(before) - len(after)) // (len(what) + 1))
    return (before + ",".join([what] * times) + after).encode()


def numbered(rng: Random, what: str, *, before: str, after: str) -> bytes:
    times = max(1, (size(rng) - len(before) - len(after)) // (len(what) + 6))
    return (before + ",".join(what % n for n in range(times)) + after).encode()


# Deep.


def nested_arrays(rng: Random) -> bytes:
    depth = size(rng) // 2
    return post(rng, b"[" * depth + b"]" * rng.choice([0, depth]))


def nested_objects(rng: Random) -> bytes:
    depth = size(rng) // 6
    return post(rng, b'{"a":' * depth + b"1" + b"}" * rng.choice([0, depth]))


def nested_where_nesting_is_allowed(rng: Random) -> bytes:
    depth = size(rng) // 16
    point = b'{"x":1,"next":' * depth + b"null" + b"}" * depth
    return post(rng, b'{"text":"a","number":1,"points":[%s]}' % point, path="/v1/every-kind")


# Wide.


def wide_arrays(rng: Random) -> bytes:
    element = rng.choice(["0", "[]", "{}", '""', "null", "1.5", "[[]]", '{"a":0}'])
    before, after = rng.choice([("[", "]"), ('{"stops":[', "]}"), ('{"numbers":[', "]}")])
    return post(rng, repeated(rng, element, before=before, after=after))


def many_keys(rng: Random) -> bytes:
    before, after = rng.choice([("{", "}"), ('{"named":{', "}}"), ('{"vehicles":{', "}}")])
    return post(rng, numbered(rng, rng.choice(['"k%d":0', '"%d":{}']), before=before, after=after))


def an_error_in_every_element(rng: Random) -> bytes:
    before, element, after = rng.choice(
        [
            ('{"stops":[', '{"x":"a"}', "]}"),
            ('{"stops":[', '{"x":1,"lat":2,"demand":-1}', "]}"),
            ('{"stops":[', '{"window":[9,1]}', "]}"),
            ('{"depot":{"x":0,"y":0},"vehicles":{"count":1,"capacity":1},"stops":[', "0", "]}"),
            ('{"text":"a","number":1,"numbers":[', '"a"', "]}"),
            ('{"text":"a","number":1,"points":[', '{"y":"a"}', "]}"),
            ('{"text":"a","number":1,"pair":[', "{}", "]}"),
        ]
    )
    return post(rng, repeated(rng, element, before=before, after=after))


def many_stops(rng: Random) -> bytes:
    last = rng.choice(["0", '{"x":1}', '{"x":1,"y":2,"demand":1e9}'])
    return post(rng, stops(size(rng), last), path="/v1/route-plan")


def stops(length: int, last: str) -> bytes:
    """A plan of about that many bytes that is right but for its last stop."""
    stop = '{"x":%d,"y":2,"demand":1}'
    many = ",".join([*(stop % n for n in range(length // (len(stop) + 5))), last])
    fleet = '"depot":{"x":0,"y":0},"vehicles":{"count":1,"capacity":1}'
    return f'{{{fleet},"stops":[{many}]}}'.encode()


# Quadratic.


def duplicate_keys(rng: Random) -> bytes:
    return post(rng, repeated(rng, rng.choice(['"a":1', '"":{}']), before="{", after="}"))


def a_duplicate_key_at_the_end(rng: Random) -> bytes:
    return post(rng, numbered(rng, '"k%d":0', before="{", after=',"z":1,"z":2}'))


def duplicate_keys_in_every_element(rng: Random) -> bytes:
    return post(rng, repeated(rng, '{"a":1,"a":1}', before='{"stops":[', after="]}"))


# Long.


def long_numbers(rng: Random) -> bytes:
    digits = "1" * size(rng)
    number = rng.choice([digits, "-" + digits, "0." + digits, digits + ".5", "1e" + digits])
    number = rng.choice([number, "1e-" + digits, "0." + "0" * len(digits) + "1", digits + "e-9"])
    return post(
        rng, rng.choice(['{"number":%s,"text":"a"}', "%s", "[%s]"]).replace("%s", number).encode()
    )


def many_long_numbers(rng: Random) -> bytes:
    number = "9" * rng.choice([20, 300, 308, 309, 4300, 4301])
    return post(rng, repeated(rng, number, before='{"text":"a","number":1,"numbers":[', after="]}"))


def long_texts(rng: Random) -> bytes:
    text = rng.choice(["a", "é", "\U0001f600", " ", "\u2028"]) * (size(rng) // 4)
    field = rng.choice(["text", "code", "key", "day", "effort", text])
    return post(rng, json.dumps({field: text, "number": 1}, ensure_ascii=False).encode())


def escapes(rng: Random) -> bytes:
    text = "".join(rng.choices(ESCAPES, k=max(1, size(rng) // 8)))
    broken = rng.choice(["", "", "", *NO_ESCAPES])
    field = rng.choice(["text", "note", text])
    return post(rng, f'{{"{field}":"{text}{broken}","number":1}}'.encode())


def blanks(rng: Random) -> bytes:
    return post(rng, rng.choice([b" ", b"\n", b"\t", b"\0", b"\xef\xbb\xbf"]) * size(rng) + b"{}")


def no_utf_8(rng: Random) -> bytes:
    body = json.dumps(rng.choice(EXAMPLES))
    encoded = rng.choice([body.encode(c) for c in ("utf-16", "utf-32", "utf-16-be")])
    return post(rng, rng.choice([encoded, rng.randbytes(size(rng)), b'{"text":"\xc0\x80\xff"}']))


def damaged(rng: Random) -> bytes:
    body = bytearray(json.dumps(rng.choice(EXAMPLES)).encode())
    for _ in range(rng.randint(1, 4)):
        body[rng.randrange(len(body))] = rng.choice(b'{}[]",:0e-\\ \xff')
    return post(rng, bytes(body))


# In the head.


def many_query_parameters(rng: Random) -> bytes:
    each = rng.choice(["a", "a=1", "numbers=1", "number=1", "named=%7B%7D", "=", "%61=%31"])
    count = rng.choice([99, 100, 101, 2000, 9000, 20_000]) // len(each)
    return get(f"/v1/{rng.choice(COMPUTATIONS)}?" + rng.choice("&;").join([each] * count))


def queries_of_json(rng: Random) -> bytes:
    length = rng.choice([10, 1000, 9000])
    value = rng.choice(["[" * length, '{"a":' * (length // 5), "1" * length, "%5Cud800" * 9])
    name = rng.choice(["points", "number", "text", "stops", "depot", "either", "pair"])
    return get(f"/v1/{rng.choice(COMPUTATIONS)}?{name}={value}")


def queries_of_nonsense(rng: Random) -> bytes:
    parts = ["%zz", "%ff", "%00", "%ED%A0%80", "%", "+", "&", "=", "?", "#", "é", "\udcff", "%25"]
    return get("/v1/every-kind?" + "".join(rng.choices(parts, k=rng.choice([3, 30, 300]))))


def odd_paths(rng: Random) -> bytes:
    parts = ["/", "//", "..", "%2F", "%00", "%ff", "v1", "é", "route-plan", "a" * 64, "[", ":", "@"]
    path = "".join(rng.choices(parts, k=rng.choice([2, 5, 50, 500])))
    method = rng.choice(["GET", "POST", "DELETE", "HEAD", "OPTIONS"])
    return message(f"{method} {rng.choice(['/', '/v1/', 'http://', ''])}{path} HTTP/1.1")


def huge_headers(rng: Random) -> bytes:
    name = rng.choice(["X-A", "Cookie", "If-None-Match", "Authorization", "User-Agent", "Accept"])
    return get(
        "/v1", f"{name}: " + rng.choice('a,;" =') * rng.choice([9000, 10_300, 60_000, 70_000])
    )


def headers_with_many_items(rng: Random) -> bytes:
    name, item = rng.choice(
        [
            ("If-None-Match", '"a"'),
            ("Accept-Encoding", "gzip;q=0"),
            ("Prefer", "return = minimal"),
            ("Cookie", "a=1;"),
            ("Accept", "*/*;q=0.1"),
            ("Cache-Control", "no-cache"),
        ]
    )
    items = ",".join([item] * (rng.choice([10, 1000, 9900]) // (len(item) + 1)))
    return post(rng, json.dumps(EXAMPLES[1]).encode(), f"{name}: {items}", path="/v1/every-kind")


def many_headers(rng: Random) -> bytes:
    return get("/health", *[f"X-{n}: 1" for n in range(rng.choice([50, 98, 100, 3000]))])


def odd_headers(rng: Random) -> bytes:
    odd = ["X", ": x", "X : y", " folded", "X: \0", "X: \x7f\x80", "Ä: ö", "Host: [", "Host: a:b:c"]
    odd += ["Host:", "Content-Type: \xff/\xff", "Content-Type: a/b; charset=" + "x" * 500]
    odd += [
        "Accept-Encoding: gzip;q=nan",
        "Expect: 100-continue",
        "Expect: a",
        "Connection: Upgrade",
    ]
    headers = rng.sample(odd, rng.randint(1, 4))
    return rng.choice([get("/v1", *headers), post(rng, b"{}", *headers)])


def odd_tokens(rng: Random) -> bytes:
    claims = rng.choice(
        [
            b"[" * 6000,
            b'{"a":' * 1200,
            b'{"sub":"\\ud800"}',
            b'{"sub":1e999}',
            b"\xff",
            b"{}",
            b'{"iss":[]}',
        ]
    )
    token = base64.urlsafe_b64encode(claims).decode().rstrip("=")
    scheme = rng.choice(["Bearer", "bearer", "Basic", "AWS4-HMAC-SHA256"])
    return get("/v1/private-kind?text=a", f"Authorization: {scheme} e30.{token}.x")


# No HTTP, or not all of it.


def half_a_request(rng: Random) -> Hostile:
    whole = post(rng, json.dumps(EXAMPLES[0]).encode())
    return Hostile("", whole[: rng.randrange(1, len(whole))], leaves=True)


def half_a_large_body(rng: Random) -> Hostile:
    body = b" " * size(rng)
    return Hostile("", post(rng, body[: len(body) // 2], length=str(len(body))), leaves=True)


def wrong_lengths(rng: Random) -> Hostile:
    lengths = ["0", "1", "-1", "+5", "5.0", "0x10", "nan", " ", "1" * 30, "10485761", "5, 5", "٣"]
    more = rng.choice([[], ["Content-Length: 7"], ["Transfer-Encoding: chunked"]])
    made = post(rng, b'{"a":1}' * rng.choice([1, 9999]), *more, length=rng.choice(lengths))
    return Hostile("", made, leaves=True)


def chunks(rng: Random) -> Hostile:
    body = rng.choice(
        [
            b"zz\r\n{}\r\n0\r\n\r\n",
            b"2\r\n{}{}\r\n0\r\n\r\n",
            b"-1\r\n{}\r\n",
            b"2;a=b\r\n{}\r\n0\r\n\r\n",
            b"2\r\n{}\r\n0\r\nX: y\r\n\r\n",
            b"f" * 200,
            b"ffffffffffffffff\r\n{}",
            b"2\r\n{}",
            b"1\r\n \r\n" * (size(rng) // 60) + b"0\r\n\r\n",
        ]
    )
    coding = rng.choice(["chunked", "chunked", "chunked", "Chunked", "gzip, chunked", "identity"])
    lines = ["Content-Type: application/json", f"Transfer-Encoding: {coding}"]
    return Hostile("", message("POST /v1/every-kind HTTP/1.1", *lines) + body, leaves=True)


def odd_request_lines(rng: Random) -> Hostile:
    method = rng.choice(
        ["GET", "get", "TRACE", "CONNECT", "PROPFIND", "A" * 5000, "G\0T", "É", "%"]
    )
    version = rng.choice(["HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1.1"])
    version = rng.choice([version, "HTTP/x", "http/1.1", "ICY/1.0", "HTTP/1." + "1" * 99, ""])
    target = rng.choice(["/v1", "*", "", "http://[", "http://a:b/", "here:443", "/ /", "/v1#a"])
    return Hostile("", message(f"{method} {target} {version}"), leaves=rng.random() < 0.5)


def raw_bytes(rng: Random) -> Hostile:
    return Hostile("", rng.randbytes(rng.randint(1, 5000)) + b"\r\n\r\n", leaves=True)


def more_than_announced(rng: Random) -> bytes:
    return post(rng, b"{}" * size(rng), length="2")


def slow(rng: Random) -> Hostile:
    return Hostile("", post(rng, json.dumps(EXAMPLES[1]).encode()), pieces=rng.randint(2, 8))


FAMILIES: list[Family] = [
    nested_arrays,
    nested_objects,
    nested_where_nesting_is_allowed,
    wide_arrays,
    many_keys,
    an_error_in_every_element,
    many_stops,
    duplicate_keys,
    a_duplicate_key_at_the_end,
    duplicate_keys_in_every_element,
    long_numbers,
    many_long_numbers,
    long_texts,
    escapes,
    blanks,
    no_utf_8,
    damaged,
    many_query_parameters,
    queries_of_json,
    queries_of_nonsense,
    odd_paths,
    huge_headers,
    headers_with_many_items,
    many_headers,
    odd_headers,
    odd_tokens,
    half_a_request,
    half_a_large_body,
    wrong_lengths,
    chunks,
    odd_request_lines,
    raw_bytes,
    more_than_announced,
    slow,
]
