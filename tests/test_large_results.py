"""A result that is too large for an item is in the bucket, and the client is sent there."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from backburner import resources
from backburner.computation import DAY, Policy
from backburner.large_results import (
    DAYS,
    MAX_ITEM_BYTES,
    MAX_TEXT_BYTES,
    URL_LIFETIME_S,
    LargeResults,
    days_for,
    is_large,
)
from backburner.protocol.entry import Answer
from backburner.worker import Worker
from tests.support.environment import exactly

from .conftest import NOW, HandlerReply, MotoDeployment, compute_here, http_event
from .test_template import properties

SIZE = 400_000
ASKED = f"/v1/noise?size={SIZE}"
FRESH = Policy(version=1, fresh_for=600)


@pytest.fixture
def redirected(deployment: MotoDeployment) -> HandlerReply:
    """The reply to whoever asks for a large result that is there."""
    deployment.get(ASKED)
    deployment.work()
    return deployment.get(ASKED)


def stored(deployment: MotoDeployment) -> Any:
    [key] = deployment.objects()
    return deployment.s3.get_object(Bucket=deployment.bucket, Key=key)


# what is large


def test_what_is_too_large_for_an_item_is_large() -> None:
    for size, large in ((MAX_ITEM_BYTES, False), (MAX_ITEM_BYTES + 1, True)):
        answer = replace(Answer.result(b"{}", FRESH, NOW), body=bytes(size))
        assert is_large(answer, b"{}") == large


def test_what_does_not_pass_as_text_is_large_however_well_it_compresses(
    deployment: MotoDeployment,
) -> None:
    deployment.get(f"/v1/noise?size={MAX_TEXT_BYTES}&same=true")
    deployment.work()
    reply = deployment.get(f"/v1/noise?size={MAX_TEXT_BYTES}&same=true")
    assert reply.status == 307
    assert stored(deployment)["ContentLength"] < MAX_ITEM_BYTES


def test_the_largest_text_passes_a_lambdas_response_even_if_it_is_all_quotes() -> None:
    assert len(json.dumps('"' * MAX_TEXT_BYTES)) < 6 * 1024 * 1024


# where it is


def test_the_object_is_the_result_as_it_is_sent(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    found = stored(deployment)
    assert (found["ContentType"], found["ContentEncoding"]) == ("application/json", "gzip")
    assert len(json.loads(gzip.decompress(found["Body"].read()))["letters"]) == SIZE
    assert found["Metadata"] == {"etag": redirected.headers["etag"]}


def test_its_key_has_its_days_its_signature_and_its_run(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    assert deployment.objects() == [f"30-days/{redirected.signature}/run-1"]


def test_the_item_stays_small(deployment: MotoDeployment, redirected: HandlerReply) -> None:
    answer = deployment.entry(redirected.signature, "noise").the_answer
    assert (answer.body, answer.object_key) == (b"", deployment.objects()[0])


def test_a_small_result_needs_no_bucket(deployment: MotoDeployment) -> None:
    deployment.get("/v1/noise?size=100")
    replace(deployment, s3=None).work()
    assert replace(deployment, s3=None).get("/v1/noise?size=100").status == 200
    assert deployment.objects() == []


@pytest.mark.parametrize(
    ("kept_for", "days"),
    [
        (600, 1),
        (DAY - URL_LIFETIME_S, 1),
        (DAY, 7),
        (7 * DAY, 30),
        (37 * DAY, 90),
        (91 * DAY, 365),
        (365 * DAY - URL_LIFETIME_S, 365),
    ],
)
def test_an_object_is_kept_until_the_last_url_to_it_has_ended(kept_for: float, days: int) -> None:
    policy = Policy(version=1, fresh_for=600, stale_for=kept_for - 600)
    assert days_for(Answer.result(b"{}", policy, NOW)) == days


def test_a_large_answer_ends_before_the_longest_rule_deletes_it(deployment: MotoDeployment) -> None:
    for_ever = Policy(version=1, fresh_for=1000 * DAY, stale_for=1000 * DAY)
    kept = deployment.large_results.keep(Answer.result(b"{}", for_ever, NOW), "name")
    assert kept.ends_at == kept.fresh_until == kept.renew_at == NOW + 365 * DAY - URL_LIFETIME_S
    assert kept.object_key == "365-days/name"


def test_the_template_has_a_rule_for_each_number_of_days() -> None:
    rules = properties("LargeResults")["LifecycleConfiguration"]["Rules"]
    assert [(r["Prefix"], r["ExpirationInDays"], r["Status"]) for r in rules] == [
        (f"{days}-days/", days, "Enabled") for days in DAYS
    ]


# the redirect


def test_whoever_asks_by_get_goes_on_by_get(redirected: HandlerReply) -> None:
    assert (redirected.status, redirected.text) == (307, "")


def test_whoever_asks_by_post_goes_on_by_get(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    assert deployment.post("/v1/noise", {"size": SIZE}).status == 303


def test_a_redirect_has_the_headers_of_the_result(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    deployment.clock.passes(100)
    headers = deployment.get(ASKED).headers
    assert headers["etag"] == redirected.headers["etag"]
    assert headers["age"] == "100"
    assert headers["cache-status"] == "backburner; hit; ttl=500"
    assert headers["content-location"] == f"/v1/noise/{redirected.signature}"


def test_no_cache_keeps_a_redirect_for_its_url_ends(redirected: HandlerReply) -> None:
    assert redirected.headers["cache-control"] == "no-store"


def test_the_url_lives_for_minutes_and_says_how_long_the_result_is_fresh(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    deployment.clock.passes(100)
    query = parse_qs(urlsplit(deployment.get(ASKED).headers["location"]).query)
    assert query["X-Amz-Expires"] == [str(URL_LIFETIME_S)]
    assert query["response-cache-control"] == ["private, max-age=500"]


def test_the_url_is_at_the_origin_that_the_console_may_go_to(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    url = urlsplit(redirected.headers["location"])
    policy = deployment.get("/").headers["content-security-policy"]
    assert f"connect-src 'self' {url.scheme}://{url.netloc};" in policy


def test_whoever_has_it_gets_304_without_a_url(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    without = replace(deployment, s3=None)
    reply = without.get(ASKED, if_none_match=redirected.headers["etag"])
    assert (reply.status, reply.text) == (304, "")
    assert "location" not in reply.headers


def in_the_environment(deployment: MotoDeployment) -> LargeResults:
    with exactly(deployment.stack.function("RequestFunction").environment):
        return resources.large_results()


def test_a_redirect_takes_no_call_of_s3(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    calls: list[str] = []
    client = in_the_environment(deployment).client
    client.meta.events.register("before-send.s3", lambda request, **_: calls.append(request.url))
    assert replace(deployment, s3=client).get(ASKED).status == 307
    assert calls == []


def test_whoever_asks_by_head_gets_a_url_for_head(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    signed: list[str] = []
    client = in_the_environment(deployment).client
    client.meta.events.register(
        "choose-signer.s3", lambda event_name, **_: signed.append(event_name)
    )
    asking = replace(deployment, s3=client)
    for method in ("GET", "HEAD"):
        event = http_event(method, "/v1/noise", query=f"size={SIZE}")
        assert asking.ask(event).status == 307
    assert signed == ["choose-signer.s3.GetObject", "choose-signer.s3.HeadObject"]


def test_the_location_redirects_too(deployment: MotoDeployment, redirected: HandlerReply) -> None:
    reply = deployment.get(redirected.headers["content-location"])
    assert (reply.status, reply.headers["etag"]) == (307, redirected.headers["etag"])


def test_a_stale_result_is_served_while_it_is_refreshed(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    deployment.clock.passes(600)
    stale = deployment.get(ASKED)
    assert stale.status == 307
    assert stale.headers["cache-status"] == "backburner; hit; ttl=-1; detail=refreshing"
    deployment.work()
    assert deployment.get(ASKED).headers["cache-status"] == "backburner; hit; ttl=600"
    runs = [key.rpartition("/")[2] for key in deployment.objects()]
    assert runs == ["run-1", "run-2"]


# what goes wrong


class Bucket:
    """A client of S3 to which something happens when it has put the object, or instead."""

    def __init__(self, s3: Any, happens: Callable[[], None], *, puts: bool = True) -> None:
        self.s3, self.happens, self.puts = s3, happens, puts

    def put_object(self, **call: Any) -> None:
        if self.puts:
            self.s3.put_object(**call)
        self.happens()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.s3, name)


def with_bucket(deployment: MotoDeployment, bucket: Bucket) -> Worker:
    large_results = LargeResults(lambda: cast("Any", bucket), deployment.bucket)
    return replace(deployment.worker, large_results=large_results)


@pytest.mark.parametrize("puts", [False, True])
def test_the_message_stays_while_the_bucket_does_not_answer(
    deployment: MotoDeployment, puts: bool
) -> None:
    def fails() -> None:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "no"}}, "PutObject")

    deployment.get(ASKED)
    [message] = deployment.messages()
    with pytest.raises(ClientError):
        with_bucket(deployment, Bucket(deployment.s3, fails, puts=puts)).receive(message)
    assert deployment.hidden_for(message) == 30
    assert deployment.get(ASKED).status == 202

    deployment.clock.passes(30)
    deployment.worker.receive(message)
    assert deployment.get(ASKED).status == 307
    assert len(deployment.objects()) == 1 + puts


def test_a_worker_that_dies_before_it_completes_leaves_an_object_that_nobody_names(
    deployment: MotoDeployment,
) -> None:
    def dies() -> None:
        raise SystemExit

    signature = deployment.get(ASKED).signature
    [message] = deployment.messages()
    with pytest.raises(SystemExit):
        with_bucket(deployment, Bucket(deployment.s3, dies)).receive(message)
    deployment.clock.passes(30)
    deployment.worker.receive(message)
    assert deployment.objects() == [f"30-days/{signature}/run-{n}" for n in (1, 2)]
    named = deployment.entry(signature, "noise").the_answer.object_key
    assert named == f"30-days/{signature}/run-2"


def test_a_worker_that_is_overtaken_while_it_puts_changes_nothing(
    deployment: MotoDeployment,
) -> None:
    def overtaken() -> None:
        deployment.clock.passes(30)
        deployment.store.begin(deployment.entry(signature, "noise"))

    signature = deployment.get(ASKED).signature
    [message] = deployment.messages()
    with_bucket(deployment, Bucket(deployment.s3, overtaken)).receive(message)
    entry = deployment.entry(signature, "noise")
    assert (entry.answer, entry.the_job.run) == (None, "run-2")


def test_a_worker_that_was_overtaken_puts_nothing(deployment: MotoDeployment) -> None:
    def compute(*call: Any) -> bytes:
        deployment.clock.passes(30)
        deployment.store.begin(deployment.entry(signature, "noise"))
        return compute_here(*call)

    signature = deployment.get(ASKED).signature
    [message] = deployment.messages()
    replace(deployment.worker, compute=compute).receive(message)
    assert deployment.objects() == []


def test_the_lease_outlasts_the_putting(deployment: MotoDeployment) -> None:
    def looks() -> None:
        leases.append(deployment.entry(signature, "noise").the_job.lease)

    def compute(*call: Any) -> bytes:
        deployment.clock.passes(10)
        return compute_here(*call)

    leases: list[float] = []
    signature = deployment.get(ASKED).signature
    [message] = deployment.messages()
    worker = with_bucket(deployment, Bucket(deployment.s3, looks))
    replace(worker, compute=compute).receive(message)
    assert leases == [deployment.clock() + 30]


def test_an_object_that_was_deleted_is_missed_until_its_entry_is_forgotten(
    deployment: MotoDeployment, redirected: HandlerReply
) -> None:
    [key] = deployment.objects()
    deployment.s3.delete_object(Bucket=deployment.bucket, Key=key)
    assert deployment.get(ASKED).status == 307
    deployment.empty()
    deployment.clock.passes(5)
    deployment.get(ASKED)
    deployment.work()
    assert deployment.get(ASKED).status == 307
    assert deployment.objects() == [f"30-days/{redirected.signature}/run-2"]
