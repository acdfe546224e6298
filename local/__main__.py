"""python -m local: the deployment, until Ctrl-C."""

import argparse
import json
import shlex
import signal
import sys
import time
from pathlib import Path

import urllib3

from local.deployment import LOOK_AGAIN, Deployment, PortInUse, StoresLost


def main() -> int:
    options = parser().parse_args()
    # SIGTERM ends it like Ctrl-C, which background processes of a shell ignore.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        with Deployment(
            port=options.port,
            moto_port=options.moto_port,
            workers=options.workers,
            environment=dict(options.env),
            computations=options.computations,
        ) as deployment:
            print(greeting(deployment), flush=True)
            while True:
                deployment.check()
                time.sleep(LOOK_AGAIN)
    except PortInUse as error:
        option = "make run PORT=" if error.port == options.port else "--moto-port "
        remedy = f"end what uses it or take another: {option}{error.port + 1}"
        print(f"{error}; {remedy}", file=sys.stderr)
        return 1
    except StoresLost as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="of the API; 0 is any free one")
    parser.add_argument("--moto-port", type=int, default=0, help="of moto; default: a free one")
    parser.add_argument("--workers", type=int, default=2, help="computations at once; default: 2")
    parser.add_argument(
        "--env",
        type=assignment,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="for the functions' environment, over the template's",
    )
    parser.add_argument(
        "--computations",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="more computations, besides src/computations",
    )
    return parser


def assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def greeting(deployment: Deployment) -> str:
    url, moto_url = deployment.url, deployment.moto_url
    stores = f"its table, queues and bucket at {moto_url} (moto)"
    ready = f"backburner is at {url}, {stores}, until Ctrl-C. Try:"
    return "\n  ".join([ready, *questions(url)[:1], f"curl -i {url}/v1"])


def questions(url: str) -> list[str]:
    """Commands that ask the computations' examples; empty while the code is broken."""
    json_type = "-H 'content-type: application/json'"
    listed = urllib3.request("GET", f"{url}/v1").json().get("computations", [])
    return [
        f"curl -i {url}/v1/{each['name']} {json_type} -d {shlex.quote(json.dumps(each['example']))}"
        for each in listed
    ]


if __name__ == "__main__":
    sys.exit(main())
