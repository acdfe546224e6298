"""Reads the values of a computation's secrets and settings, for the worker.

A secret is in Secrets Manager as `stack/name`, a setting in Parameter Store as `/stack/name`. An
instance reads each at most once in MAX_AGE_S. Powertools and the clients are imported and made
only for a computation that declares something.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from backburner.aws.time_limits import TimeLimits
from backburner.computation import Computation, Secret
from backburner.computation.declared import Declared, Setting, Values
from backburner.errors import NoValue

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import BaseProvider

MAX_AGE_S = 300
"""Seconds until a value is read again, so a changed one is used after this time at most."""
NOT_THERE = ("ResourceNotFoundException", "ParameterNotFound")
SERVICES = {"secret": "secretsmanager", "setting": "ssm"}
REMEDIES = {
    "secret": "aws secretsmanager create-secret --name {name} --secret-string …",
    "setting": "aws ssm put-parameter --name {name} --type String --value …",
}


@dataclass(kw_only=True)
class DeclaredValues:
    """`prefix` is the stack's name; `make_client` makes the client of a service of AWS."""

    prefix: str
    make_client: Callable[[str], Any]
    time_limits: TimeLimits
    max_age: int = MAX_AGE_S
    _providers: "dict[str, BaseProvider]" = field(default_factory=dict, init=False)

    def of(self, computation: Computation) -> Values:
        """The values of all that it declares; NoValue if one is lacking or cannot be read."""
        self.time_limits.begin()
        return {each: self._read(each, computation) for each in computation.declared}

    def _read(self, declared: Declared, computation: Computation) -> str:
        name, provider = self._full_name(declared), self._provider(declared.kind)
        options: Any = {"decrypt": True} if declared.kind == "setting" else {}
        try:
            value = provider.get(name, max_age=self.max_age, **options)
        except Exception as error:  # GetParameterError, which can only be imported late
            if not _is_not_there(error):
                raise NoValue(f"the {declared.kind} {name} cannot be read: {error}") from error
            value = self._without(declared, name, computation)
        if not isinstance(value, str):
            raise NoValue(f"the {declared.kind} {name} is not text; store it as text")
        return value

    def _without(self, declared: Declared, name: str, computation: Computation) -> str:
        """The default, kept like a value that was read."""
        if not isinstance(declared, Setting) or declared.default is None:
            raise NoValue(
                f"{computation.name} needs the {declared.kind} {name}, which does not exist; "
                f"create it: {REMEDIES[declared.kind].format(name=name)}; "
                f"for `make run`, write {declared.key}=… into .env"
            )
        cache_key = (name, None, False)
        self._provider("setting").add_to_cache(cache_key, declared.default, self.max_age)
        return declared.default

    def _full_name(self, declared: Declared) -> str:
        name = f"{self.prefix}/{declared.name}"
        return name if isinstance(declared, Secret) else f"/{name}"

    def _provider(self, kind: str) -> "BaseProvider":
        if kind not in self._providers:
            from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider

            make = {"secret": SecretsProvider, "setting": SSMProvider}[kind]
            self._providers[kind] = make(boto3_client=self.make_client(SERVICES[kind]))
        return self._providers[kind]


def _is_not_there(error: Exception) -> bool:
    """Whether AWS said so; Powertools keeps its answer only as the context of its own error."""
    cause = error.__context__
    return isinstance(cause, ClientError) and cause.response["Error"]["Code"] in NOT_THERE
