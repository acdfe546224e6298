"""The command line: what is typed, and nothing of what is done."""

import os
import sys
import traceback
from pathlib import Path
from typing import Any, BinaryIO

import click

from backburner import __version__
from backburner.development import ask as asking
from backburner.development import compute as computing
from backburner.development import doctor as examination
from backburner.development import documents, packages, parameter_files, project
from backburner.development import forget as forgetting
from backburner.development import redrive as redriving
from backburner.development.errors import CommandError
from backburner.development.local.deployment import KEPT_IN
from backburner.development.run import run as run_deployment
from backburner.development.terminal import printable

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class Commands(click.Group):
    """Tells errors in a sentence, without a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except CommandError as error:
            raise click.ClickException(printable(str(error))) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:  # as of `backburner docs security | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            raise click.ClickException(
                f"{type(error).__name__}: {printable(str(error))} "
                f"({where.filename}, line {where.lineno}); "
                "this is a fault of backburner: report it"
            ) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="backburner")
def main() -> None:
    """Slow computations behind a fast public API.

    Exit codes: 0 done, 1 it could not be done, 2 the command was typed wrongly.
    """
    sys.path.insert(0, str(Path("src").resolve()))  # the project's computations


@main.command()
@click.argument("name")
def new(name: str) -> None:
    """Make a project in the new folder NAME, with a computation to copy."""
    project.new(name, Path.cwd())
    click.echo(f"{name}/ is made. Next:\n  cd {name}\n  make run")


@main.command()
@click.option("--port", default=3000, show_default=True, help="Of the API; 0 is any free one.")
@click.option("--moto-port", default=0, help="Of moto. [default: a free one]")
@click.option("--workers", default=2, show_default=True, help="Computations at once.")
@click.option(
    "--env",
    "environment",
    multiple=True,
    metavar="NAME=VALUE",
    callback=lambda _context, _option, texts: dict(map(_assignment, texts)),
    help="For the functions' environment, over the template's.",
)
@click.option(
    "--computations",
    multiple=True,
    type=FOLDER,
    help="More computations, besides src/computations.",
)
@click.option(
    "--kept-in",
    default=KEPT_IN,
    show_default=True,
    type=click.Path(path_type=Path),
    envvar="BACKBURNER_KEPT_IN",
    help="The folder of what is kept for the next run.",
)
@click.option("--fresh", is_flag=True, envvar="FRESH", show_envvar=True, help="Start empty.")
@click.option("--json-logs", is_flag=True, help="Print the logs and metrics as AWS has them.")
def run(**options: Any) -> None:
    """Run the whole deployment on this machine, until Ctrl-C."""
    run_deployment(**options)


@main.command()
@click.argument("name")
@click.argument("file", type=click.File("rb"), required=False)
def compute(name: str, file: BinaryIO | None) -> None:
    """Compute NAME in this process, with the parameters in FILE, or in its EXAMPLE without one.

    FILE is JSON; - is standard input. Breakpoints work, exceptions are shown whole.

    Exit codes: 0 a result, 1 it failed, 2 the name or the parameters are wrong, 3 it refused
    (Uncomputable), 4 it is broken, 130 interrupted.
    """
    sys.exit(computing.compute(name, file))


@main.command()
@click.argument("name")
@click.argument("file", type=click.File("rb"), required=False)
@click.option(
    "--url",
    envvar="BACKBURNER_URL",
    show_envvar=True,
    default="http://127.0.0.1:3000",
    show_default=True,
    help="Of the service.",
)
@click.option("--token", envvar="BACKBURNER_TOKEN", show_envvar=True, help="A bearer token.")
@click.option(
    "--deadline", type=float, help="Seconds. [default: until the service gives the job up]"
)
@click.option(
    "--set",
    "values",
    multiple=True,
    metavar="NAME=VALUE",
    callback=lambda _context, _option, texts: dict(map(_assignment, texts)),
    help="A parameter over those of the file; VALUE is JSON, or text.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the result into this file.",
)
def ask(name: str, file: BinaryIO | None, values: dict[str, str], **options: Any) -> None:
    """Ask a service to compute NAME, with the parameters in FILE, or with its example without one.

    FILE is JSON, or a .csv that is one of the parameters; - is JSON from standard input. The
    result is JSON on standard output, the progress on standard error.

    Exit codes: 0 a result, 1 the service has none, 2 the name or the parameters are wrong, 3 the
    computation refused (Uncomputable), 4 no such service, 5 no answer by the deadline, 130
    interrupted.
    """
    given = {each: parameter_files.value(text) for each, text in values.items()}
    sys.exit(asking.ask(name, file, values=given, **options))


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--url", default="", help="Test only the contract, of what is deployed there.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(url: str, pytest_arguments: tuple[str, ...]) -> None:
    """Test the project's computations and its API; further arguments are pytest's.

    Exit codes: 0 passed, 1 failed, others as pytest's.
    """
    try:
        from backburner.development import testing
    except ModuleNotFoundError as error:
        remedy = "install backburner with its extra dev, as in pip install 'backburner[dev]'"
        raise CommandError(
            f"the tests need {error.name}, which is not installed; {remedy}"
        ) from error
    sys.exit(testing.test(url, pytest_arguments))


@main.command()
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if there is a difference.")
def upgrade(*, yes: bool, check: bool) -> None:
    """Make the generated files anew, as of the installed version; show the difference first."""
    changes = project.changes(Path())
    for change in changes:
        click.echo(change.difference)
    if not changes:
        click.echo(f"all that is generated is as of backburner {__version__}")
    elif check:
        sys.exit(1)
    elif yes or click.confirm("Write this?"):
        for change in changes:
            project.write(change.path, change.after)


@main.command()
@click.argument("stack", required=False)
@click.option("--local", is_flag=True, help="Those of `backburner run` in this folder instead.")
@click.option("--dry-run", is_flag=True, help="Change nothing, only tell.")
@click.option(
    "--patience",
    default=2,
    show_default=True,
    help="Seconds without a failed job until it ends.",
)
def redrive(stack: str | None, *, local: bool, dry_run: bool, patience: int) -> None:
    """Send the failed jobs of STACK again, once what failed is mended.

    Exit code 1 if failed jobs were left.
    """
    if local == bool(stack):
        raise click.UsageError("give the name of a STACK, or --local")
    sys.exit(redriving.redrive(stack, is_dry_run=dry_run, patience=patience))


@main.command()
@click.argument("deployment")
@click.argument("computation")
@click.argument("signature")
def forget(deployment: str, computation: str, signature: str) -> None:
    """Delete the entry of a SIGNATURE; DEPLOYMENT is a stack's name or an API's URL.

    Exit codes: 0 it is gone, 1 the API refused or did not answer, 2 an argument is wrong.
    """
    sys.exit(forgetting.forget(deployment, computation, signature))


@main.command()
def doctor() -> None:
    """Tell what this machine lacks to run, deploy and sam local.

    Exit code 1 if something that `backburner run` needs is lacking.
    """
    sys.exit(examination.doctor())


@main.command()
@click.option("--upgrade", is_flag=True, help="Take the newest version of every library.")
def lock(*, upgrade: bool) -> None:
    """Choose the libraries' versions, here and in Lambda, and write them into requirements.lock.

    They stay as they are where they fit. The next make installs them.
    """
    packages.lock(upgrade=upgrade)


@main.command()
@click.argument("name", required=False)
def docs(name: str | None) -> None:
    """Show the document NAME, or without one the list of them."""
    click.echo_via_pager(documents.text(name) if name else documents.listed())


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE")
    return name, value
