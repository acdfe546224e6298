"""The computation of the peers that have their own workers."""

import os
import time
from pathlib import Path


def nap(number: int, seconds: float) -> dict[str, int]:
    with Path(os.environ["COMPUTED"]).open("a") as computed:
        computed.write(f"{number}\n")
    time.sleep(seconds)
    return {"number": number}
