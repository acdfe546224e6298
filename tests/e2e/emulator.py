"""AWS on this machine, by others: ministack. All that is done for its sake is done here.

docs/emulator.md lists it: what ministack lacks, and what is deployed or asked otherwise for it.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
import urllib3

from backburner.development.local.template import load
from tests.support.eventually import eventually

HOST = "127.0.0.1"
REGION = "us-east-1"
ROOT_KEY = "test"
MINISTACK = Path(__file__).parents[2] / ".venv-ministack/bin/ministack"
TLS_ONLY = ["AWS::S3::BucketPolicy"]
"""Ours refuses whoever comes without TLS."""
UNLIKE_AWS = [
    # It answers every OPTIONS itself, with 403, before any route is looked at.
    "test_a_browser_may_ask_from_another_origin",
]
"""What of the contract it cannot pass."""


class Emulator:
    """A context manager: inside, AWS answers at its url."""

    def __init__(self, folder: Path) -> None:
        """The folder is for its log, which has what the functions print, and its files."""
        self.url = f"http://{HOST}:{free_port()}"
        self.log = folder / "log.txt"
        self._files = folder / "files"
        self._files.mkdir()

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                [MINISTACK],
                env={"PATH": os.environ["PATH"], **self.environment, **self._settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self.is_healthy, within=30)
        return self

    def __exit__(self, *_: object) -> None:
        """It, the functions that it has started, and the 100 MB that each of them leaves."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._files)

    @property
    def environment(self) -> Mapping[str, str]:
        """For those who are to take it for AWS; whatever account is configured here stays out."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    @property
    def _settings(self) -> Mapping[str, str]:
        return {
            "AUTH": "true",  # the roles' policies are enforced
            "BIND_HOST": HOST,  # the default is every interface
            "MINISTACK_HOST": HOST,
            "GATEWAY_PORT": str(urlsplit(self.url).port),
            "LAMBDA_EXECUTOR": "local",  # processes, not containers
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(self._files / "state"),
            "TMPDIR": str(self._files),
        }

    def is_healthy(self) -> bool:
        assert self._process.poll() is None, "ministack has ended; its log says why"
        try:
            return (
                urllib3.request("GET", f"{self.url}/_ministack/health", retries=False).status == 200
            )
        except urllib3.exceptions.HTTPError:
            return False

    def client(self, service: Any) -> Any:
        """A boto3 client of it, as the account's root."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key=ROOT_KEY,
        )

    def adapt(self, built: Path) -> None:
        """Before a deployment: here is no CodeDeploy for a rollout in steps, and no TLS."""
        template = load(built)
        resources = template["Resources"]
        template["Resources"] = {i: r for i, r in resources.items() if r["Type"] not in TLS_ONLY}
        for resource in resources.values():
            resource.get("Properties", {}).pop("DeploymentPreference", None)
        built.write_text(json.dumps(template))

    def settle(self) -> None:
        """After a deployment: a number that the template takes from a parameter is text here."""
        functions = self.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            if limit := mapping.get("ScalingConfig", {}).get("MaximumConcurrency"):
                functions.update_event_source_mapping(
                    UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(limit)}
                )

    def address_of(self, api_url: str) -> str:
        """Where an HTTP API answers here: its host name is none that a resolver knows."""
        api_id = str(urlsplit(api_url).hostname).partition(".")[0]
        return f"{self.url}/_aws/execute-api/{api_id}/$default"


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])
