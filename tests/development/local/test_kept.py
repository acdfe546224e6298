"""What make run keeps for the next one. The whole of it: tests/served/test_restart.py."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Condition
from typing import Any

import pytest
from moto import mock_aws
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from backburner import __version__
from backburner.development.local.kept import FILE, Keeper, NotKept, NotReadable, call, opened
from backburner.development.local.moto_server import OneAtATime, make

REGION = "eu-west-1"
"""Not that of the other tests, whose stack is in the same process."""
TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
}
RULE = {"Prefix": "1-days/", "ExpirationInDays": 1}
RESOURCES: list[tuple[str, str, dict[str, Any]]] = [
    ("AWS::DynamoDB::Table", "entries", TABLE),
    ("AWS::SQS::Queue", "failed", {"MessageRetentionPeriod": 600}),
    ("AWS::S3::Bucket", "results", {"LifecycleConfiguration": {"Rules": [RULE]}}),
]
Run = Callable[[float], tuple[Client, Keeper]]
NOW = 1_700_000_000.0
DAY = 86400


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run of moto at some time, with what those before it have kept."""
    databases: list[sqlite3.Connection] = []

    def start(now: float) -> tuple[Client, Keeper]:
        for earlier in databases:
            earlier.close()
        databases.append(opened(tmp_path, is_fresh=False))
        forget_all()
        make(RESOURCES, REGION)
        moto, turn = DomainDispatcherApplication(create_backend_app), Condition()
        kept = Keeper(
            database=databases[-1],
            moto=moto,
            turn=turn,
            region=REGION,
            properties={name: properties for _, name, properties in RESOURCES},
        )
        kept.put_back(now)
        one = OneAtATime(moto, turn, lambda _: 0)
        one.note = kept.note
        return Client(one), kept

    with mock_aws():
        yield start
        forget_all()
    databases[-1].close()


def forget_all() -> None:
    for service in ("dynamodb", "sqs"):
        regions: Any = get_backend(service)
        regions[ACCOUNT_ID][REGION].reset()
    partitions: Any = get_backend("s3")
    objects = partitions[ACCOUNT_ID]["aws"]
    if "results" in objects.buckets:
        objects.buckets["results"].keys.clear()
        objects.delete_bucket("results")


def aws(moto: Client, target: str, asked: dict[str, Any]) -> Any:
    return json.loads(moto.open(call(target, asked, REGION)).data or b"null")


def put(moto: Client, name: str) -> None:
    key = {"id": {"S": name}}
    update = {
        "UpdateExpression": "SET expires_at = :at, body = :body",
        "ExpressionAttributeValues": {":at": {"N": str(NOW + DAY)}, ":body": {"B": "AAEC"}},
    }
    aws(moto, "DynamoDB_20120810.UpdateItem", {"TableName": "entries", "Key": key} | update)


def get(moto: Client, name: str) -> Any:
    asked = {"TableName": "entries", "Key": {"id": {"S": name}}}
    return aws(moto, "DynamoDB_20120810.GetItem", asked).get("Item")


def send(moto: Client, body: str) -> None:
    sent = {"QueueUrl": "failed", "MessageBody": body, "MessageGroupId": "ann"}
    aws(moto, "AmazonSQS.SendMessage", sent)


def receive(moto: Client) -> Any:
    asked = {"QueueUrl": "failed", "AttributeNames": ["All"]}
    [found] = aws(moto, "AmazonSQS.ReceiveMessage", asked)["Messages"]
    return found | found["Attributes"]


def s3(moto: Client, method: str, name: str, body: bytes = b"") -> Any:
    scope = f"local/20260101/{REGION}/s3/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}"}
    if body:
        headers |= {"x-amz-meta-etag": "W/1", "Content-Encoding": "gzip"}
    return moto.open(f"/results/{name}", method=method, data=body, headers=headers)


def test_items_messages_and_objects_are_there_in_the_next_run(run: Run) -> None:
    moto, kept = run(NOW)
    put(moto, "entry")
    send(moto, "a failed job")
    s3(moto, "PUT", "1-days/large", b"bytes")
    kept.write(NOW)
    for _ in range(2):  # what was put back is kept again
        moto, kept = run(NOW)
        assert get(moto, "entry")["body"] == {"B": "AAEC"}
        found = s3(moto, "GET", "1-days/large")
        assert (found.data, found.headers["x-amz-meta-etag"]) == (b"bytes", "W/1")
        assert found.headers["Content-Encoding"] == "gzip"
        kept.write(NOW)
    message = receive(moto)
    assert (message["Body"], message["MessageGroupId"]) == ("a failed job", "ann")


def test_what_was_deleted_is_not_put_back(run: Run) -> None:
    moto, kept = run(NOW)
    put(moto, "entry")
    send(moto, "a failed job")
    s3(moto, "PUT", "1-days/large", b"bytes")
    kept.write(NOW)
    key = {"TableName": "entries", "Key": {"id": {"S": "entry"}}}
    aws(moto, "DynamoDB_20120810.DeleteItem", key)
    done = {"QueueUrl": "failed", "ReceiptHandle": receive(moto)["ReceiptHandle"]}
    aws(moto, "AmazonSQS.DeleteMessage", done)
    s3(moto, "DELETE", "1-days/large")
    kept.write(NOW)
    assert kept.database.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_what_aws_would_have_deleted_meanwhile_is_not_put_back(run: Run) -> None:
    moto, kept = run(NOW)
    put(moto, "entry")
    s3(moto, "PUT", "1-days/large", b"bytes")
    s3(moto, "PUT", "for-ever", b"bytes")
    kept.write(NOW)
    moto, _ = run(NOW + DAY + 1)
    assert get(moto, "entry") is None
    found = [s3(moto, "GET", name).status_code for name in ("1-days/large", "for-ever")]
    assert found == [404, 200]


def test_many_entries_are_put_back_in_few_calls(run: Run) -> None:
    moto, kept = run(NOW)
    for number in range(60):
        put(moto, str(number))
    kept.write(NOW)
    moto, kept = run(NOW)
    assert all(get(moto, str(number)) for number in range(60))


def test_a_disk_that_is_full_loses_nothing_that_fits_later(run: Run) -> None:
    moto, kept = run(NOW)
    kept.database.execute("PRAGMA max_page_count = 8")
    s3(moto, "PUT", "1-days/large", b"x" * 100_000)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        kept.write(NOW)
    kept.database.execute("PRAGMA max_page_count = 1000")
    kept.write(NOW)
    moto, _ = run(NOW)
    assert len(s3(moto, "GET", "1-days/large").data) == 100_000


def of_another_version(file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("UPDATE engine SET version = '0.0.1'")
    database.close()


def no_database(file: Path) -> None:
    file.write_bytes(b"no database, but as long as the head of one, which has 100 bytes" * 20)


def torn(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + bytes(len(whole) - 4096))


def torn_at_its_end(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-4096] + bytes(4096))


def of_something_else(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (of_another_version, f"{FILE} is of backburner 0.0.1, this is {__version__}; start empty"),
        (no_database, f"{FILE} is damaged (file is not a database); start empty with FRESH=1"),
        (torn, f"{FILE} is damaged ("),
        (torn_at_its_end, f"{FILE} is damaged ("),
        (of_something_else, f"{FILE} is damaged (no such table: engine); start empty"),
    ],
)
def test_a_file_that_is_not_ours_or_not_whole_is_refused_until_a_fresh_start(
    harm: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    opened(tmp_path, is_fresh=False).close()
    harm(tmp_path / FILE)
    with pytest.raises(NotReadable) as refused:
        opened(tmp_path, is_fresh=False)
    assert says in str(refused.value)
    opened(tmp_path, is_fresh=True).close()
    opened(tmp_path, is_fresh=False).close()


@pytest.mark.parametrize(
    "harm",
    ["DELETE FROM engine", "DROP TABLE kept", "UPDATE kept SET content = CAST('{no' AS BLOB)"],
)
def test_a_file_of_which_a_part_is_damaged_is_refused_too(
    harm: str, run: Run, tmp_path: Path
) -> None:
    moto, kept = run(NOW)
    put(moto, "1")
    kept.write(NOW)
    kept.database.close()
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute(harm)
    database.close()
    with pytest.raises(NotReadable, match="start empty with FRESH=1"):
        run(NOW)


def test_a_second_run_leaves_the_file_to_the_first(tmp_path: Path) -> None:
    first = opened(tmp_path, is_fresh=False)
    with pytest.raises(NotKept, match="another run has the file"):
        opened(tmp_path, is_fresh=True, lock_wait=0)
    first.close()


def test_without_a_folder_to_write_to_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotKept, match="File exists"):
        opened(tmp_path / "file", is_fresh=False)
