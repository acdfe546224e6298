"""Keeps results that are too large for an item in a bucket, and redirects clients there.

Only the body is in the bucket. The protocol, the `ETag` and the times are those of any entry.
"""

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from backburner.computation import DAY
from backburner.protocol.entry import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

MAX_ITEM_BYTES = 250_000
"""Bytes, gzipped. Together with the parameters of a refresh, this fits into an item of 400 KB."""
MAX_TEXT_BYTES = 3_000_000
"""Bytes of JSON. As text in a Lambda's response, where a quote takes two, this is under 6 MB."""
DAYS = (1, 7, 30, 90, 365)
"""How long objects are kept, by the prefix of their keys; template.yaml has a rule for each."""
URL_LIFETIME_S = 600
"""Seconds. A URL also ends with the session that signed it, but a Lambda's lasts longer."""


class LargeResults:
    """The bucket. The client is made when it is first needed: most answers do not need it."""

    def __init__(self, make_client: "Callable[[], S3Client]", bucket: str) -> None:
        self.make_client = make_client
        self.bucket = bucket

    @cached_property
    def client(self) -> "S3Client":
        return self.make_client()

    def keep(self, answer: Answer, name: str) -> Answer:
        """Put the body into the bucket; return the answer for the entry, without the body.

        Give a new name each time, so that a late run overwrites nothing; the bucket's rules delete
        objects that no entry names. An answer lasts at most as long as the longest rule.
        """
        bounded = _bounded(answer)
        key = f"{days_for(bounded)}-days/{name}"
        self.client.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=answer.body,
            ContentType="application/json",
            ContentEncoding="gzip",
            Metadata={"etag": answer.etag_header},
        )
        return replace(bounded, body=b"", object_key=key)

    def url(self, answer: Answer, method: str, now: float) -> str:
        """A URL at which anyone may get the bytes for a while. Signing it calls no AWS service."""
        left = max(0, int(answer.fresh_until - now))
        return self.client.generate_presigned_url(
            "head_object" if method == "HEAD" else "get_object",
            Params={
                "Bucket": self.bucket,
                "Key": answer.object_key or "",
                "ResponseCacheControl": f"private, max-age={left}",
            },
            ExpiresIn=URL_LIFETIME_S,
        )


def is_large(answer: Answer, json: bytes) -> bool:
    """Too large for an item, or for a Lambda's response to a client that takes no gzip."""
    return len(answer.body) > MAX_ITEM_BYTES or len(json) > MAX_TEXT_BYTES


def days_for(answer: Answer) -> int:
    """The shortest rule that keeps an object until the last URL to it has ended."""
    needed = answer.ends_at - answer.computed_at + URL_LIFETIME_S
    return next(days for days in DAYS if days * DAY >= needed)


def _bounded(answer: Answer) -> Answer:
    latest = answer.computed_at + DAYS[-1] * DAY - URL_LIFETIME_S
    return replace(
        answer,
        fresh_until=min(answer.fresh_until, latest),
        renew_at=min(answer.renew_at, latest),
        ends_at=min(answer.ends_at, latest),
    )
