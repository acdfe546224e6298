"""What bytecode saves at a cold start: python -m benchmarks.cold_start BUNDLE

BUNDLE is a RequestFunction that `sam build` made for the processor of this machine. What the
request function imports is imported by new processes, in turns from the bundle and from a copy
without its bytecode; botocore, which is Lambda's, is compiled for both. Counted is processor time.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import botocore

RUNS = 11
IMPORTS = """
import backburner.request
from backburner.computation import registry
for name in registry.names():
    registry.load(name)
"""


def main(bundle: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "bare")
        shutil.copytree(bundle, bare, ignore=shutil.ignore_patterns("__pycache__"))
        pairs = [(processor_time(bundle), processor_time(bare)) for _ in range(RUNS)]
    compiled, uncompiled = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"with bytecode:    {compiled * 1000:4.0f} ms (median of {RUNS})")
    print(
        f"without bytecode: {uncompiled * 1000:4.0f} ms, {uncompiled / compiled:.1f} times as much"
    )


def processor_time(bundle: Path) -> float:
    """Seconds that a new process needs for the imports."""
    runtime = Path(botocore.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": f"{bundle}{os.pathsep}{runtime}"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-B", "-c", IMPORTS]
    subprocess.run(command, env=environment, check=True)  # noqa: S603 - the command is ours
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
