"""python -m tests.chaos: kills workers by the hundred, and says whether anything was lost."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.evidence.chaos import experiment


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=220, help="workers to kill; default: 220")
    parser.add_argument("--seed", type=int, default=1, help="of what happens; default: 1")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    seen = experiment.run(folder, kills=options.kills, seed=options.seed)
    print(*seen.report(), sep="\n")
    if violations := seen.violations():
        print(*violations, sep="\n")
        print(f"{len(violations)} violations; what the functions printed is in {folder}")
        return 1
    shutil.rmtree(folder)
    print("nothing lost, and nothing computed twice while its run was alive")
    return 0


if __name__ == "__main__":
    sys.exit(main())
