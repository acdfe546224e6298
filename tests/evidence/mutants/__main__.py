"""`make mutants`: says of each mistake whether the tests notice it; exit code 1 if one does not."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

from .mutant import Copy, Mutant
from .table import MUTANTS


def main() -> int:
    copies: SimpleQueue[Copy] = SimpleQueue()

    def noticed(mutant: Mutant) -> bool:
        copy = copies.get()
        try:
            return copy.notices(mutant)
        finally:
            copies.put(copy)

    workers = os.cpu_count() or 1
    with TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        for number in range(workers):
            copies.put(Copy(Path(folder, str(number))))
        verdicts = []
        for mutant, is_noticed in zip(MUTANTS, pool.map(noticed, MUTANTS), strict=True):
            print(f"{'noticed ' if is_noticed else 'SURVIVED'}  {mutant.what}", flush=True)
            verdicts.append(is_noticed)
    print(f"{sum(verdicts)} of {len(verdicts)} mutants noticed")
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
