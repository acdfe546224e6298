"""The command `backburner`, also as python -m backburner.development."""

import sys


def main() -> None:
    try:
        from backburner.development.cli import main as command
    except ModuleNotFoundError as error:
        remedy = "install backburner with its extra dev, as in pip install 'backburner[dev]'"
        sys.exit(f"the command needs {error.name}, which is not installed; {remedy}")
    command()


if __name__ == "__main__":
    main()
