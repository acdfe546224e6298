"""What happens at 100 to 100,000 questions a second: the tables and plots of docs/scale.md.

    PYTHONPATH=src .venv-simulate/bin/python -m benchmarks.simulate            # some minutes
    PYTHONPATH=src .venv-simulate/bin/python -m benchmarks.simulate --check    # a minute more

--check asks the local deployment the questions of two small loads, and prints what the simulation
predicts for them beside what was measured. It ends with 1 if a figure is out of its tolerance.
"""

import os
import sys
from pathlib import Path

from benchmarks.simulation import local, plots, report

DOCS = Path(__file__).parent.parent / "docs"


def main() -> int:
    if "--check-only" not in sys.argv:
        rows = report.rows()
        tables = [report.of_limits(), report.of_settings(rows), report.of_clients(rows)]
        print(*tables, sep="\n\n")
        plots.draw(rows, DOCS)
    if not {"--check", "--check-only"} & set(sys.argv):
        return 0
    table, all_met = local.compared()
    print(f"\n{table}\n\nThe load of this machine afterwards: {os.getloadavg()[0]:.1f}")
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
