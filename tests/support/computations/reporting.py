"""Says what it was given: a computation that declares a secret and settings."""

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress, Secret, Setting, Uncomputable

POLICY = Policy(version=1, fresh_for=600, time_limit=30)
EXAMPLE = {"what": "currency"}
DATABASE = Secret("sales-database")
CURRENCY = Setting("currency", default="EUR")


class Parameters(computation.Parameters):
    what: str = Field(description="What it does with them.")


class Result(computation.Result):
    said: str = Field(description="What it says.")


def compute(parameters: Parameters, progress: Progress) -> Result:
    secret = DATABASE.value
    match parameters.what:
        case "refuse":
            raise Uncomputable(f"{secret!r} does not answer")
        case "fail":
            raise computation_failure(secret)
        case "crash":
            raise ValueError(secret)
        case "tell":
            return Result(said=f"it is <{secret}>")
        case "length":
            return Result(said=str(len(secret)))
    return Result(said=CURRENCY.value)


def computation_failure(secret: str) -> Exception:
    from backburner.errors import AttemptFailed

    return AttemptFailed(f"cannot connect to {secret}")
