"""Says whether the environment allows the light client, or asks for something only botocore knows.

In Lambda it allows it: keys, a region and nothing else is set. With SnapStart there are no keys.
"""

import re
from pathlib import Path

from backburner import settings
from backburner.aws.light_client import Credentials, LightClient
from backburner.aws.time_limits import TimeLimits

REGIONS = {
    "amazonaws.com": r"(us|us-gov|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+",
    "amazonaws.com.cn": r"cn-\w+-\d+",
}
"""The regions under each domain. Other partitions are left to botocore."""
KNOWN = re.compile(
    "(?!AWS_|.*_PROXY$)"
    "|AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|REGION|DEFAULT_REGION|EXECUTION_ENV)$"
    "|AWS_(ACCESS_KEY|ACCOUNT_ID|ENDPOINT_URL(_.*)?|LAMBDA_.*|XRAY_.*|SAM_LOCAL|CONFIG_FILE|SHARED_CREDENTIALS_FILE)$",
    re.IGNORECASE,
)
"""Environment variables that change nothing for botocore, or that the light client obeys too.

With AWS_ACCOUNT_ID botocore calls DynamoDB by another host, which gives the same answers."""
FILES = {
    "AWS_CONFIG_FILE": "~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
}
"""Variables that name the files of settings that only botocore reads, and where these are else."""


def light_client(service: str, time_limits: TimeLimits) -> LightClient | None:
    """A light client of that service; None if it takes botocore to do what the environment says."""
    env = settings.environment()
    region = env.get("AWS_DEFAULT_REGION", "")
    keys = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    url = env.get(f"AWS_ENDPOINT_URL_{service.upper()}") or env.get("AWS_ENDPOINT_URL")
    url = url or endpoint(service, region)
    if not (region and all(keys) and url and re.fullmatch("https?://[^/@?#]+/?", url)):
        return None
    if not all(map(KNOWN.match, env)) or any(_is_file(env.get(n) or p) for n, p in FILES.items()):
        return None
    return LightClient(
        service=service,
        url=url,
        region=region,
        credentials=Credentials(str(keys[0]), str(keys[1]), env.get("AWS_SESSION_TOKEN")),
        time_limits=time_limits,
    )


def endpoint(service: str, region: str) -> str | None:
    for domain, regions in REGIONS.items():
        if re.fullmatch(regions, region):
            return f"https://{service}.{region}.{domain}"
    return None


def _is_file(path: str) -> bool:
    """True if there may be something in it: /dev/null is none."""
    return Path(path).expanduser().is_file()
