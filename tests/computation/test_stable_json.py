"""Parameters have one JSON form: equal values, in every process, are one signature."""

import hashlib
import importlib
import json
import random
import re
import subprocess
import sys
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from fractions import Fraction
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    HttpUrl,
    Json,
    JsonValue,
    NaiveDatetime,
    PlainSerializer,
    PlainValidator,
    RootModel,
    SecretBytes,
    SecretStr,
    StringConstraints,
    computed_field,
    create_model,
    field_serializer,
    model_serializer,
    model_validator,
)

import computations
from backburner import computation
from backburner.canonical_json import canonical
from backburner.computation import Computation, default_sizes, registry, stable_json
from backburner.errors import BrokenComputation
from backburner.http import parameters

ROOT = Path(__file__).parents[2]
EVERY_KIND = str(ROOT / "tests/http/computations")


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(Enum):
    TEXT = "1"
    WHOLE = 1
    NUMBER = 1.5
    NOTHING = None


class Access(Flag):
    READ = 1
    WRITE = 2


class Pair(Enum):
    ONE = (1, 2)


class Lenient(StrEnum):
    RED = "red"

    @classmethod
    def _missing_(cls, value: object) -> "Lenient | None":
        return cls.RED if value == "RED" else None


class Planar(computation.Parameters):
    kind: Literal["planar"]
    x: float
    y: float = 0


class Geographic(computation.Parameters):
    kind: Literal["geographic"]
    lat: float = Field(ge=-90, le=90)


class Tree(computation.Parameters):
    value: int
    children: "list[Tree]" = Field([])


class Three(computation.Parameters):
    x: int
    y: int = 0
    z: int = 0


class Two(computation.Parameters):
    x: int
    y: int = 0


class Pointed(computation.Parameters):
    x: int
    y: int
    z: int = 5


class Ints(RootModel[list[int]]):
    pass


class Open(BaseModel):
    x: int


class Kept(computation.Parameters):
    model_config = ConfigDict(extra="allow")


@dataclass
class Record:
    x: int


class Typed(TypedDict):
    x: int


class Named(NamedTuple):
    x: int


def sorted_without_duplicates(values: list[int]) -> list[int]:
    return sorted(set(values))


ALLOWED: list[tuple[Any, list[str]]] = [
    (str, ['""', '"é \\ud83d\\ude00"']),
    (Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True)], ['" A "']),
    (int, ["0", "-7", "1" + "0" * 300]),
    (float, ["0", "-0.0", "1.5", "1e21", "1e300", "5e-324", "9007199254740993"]),
    (bool, ["true", "false"]),
    (None, ["null"]),
    (bytes, ['"text"']),
    (Literal["a", 1, True, None], ['"a"', "1", "true", "null"]),
    (Colour, ['"red"']),
    (Level, ["2"]),
    (Mixed, ['"1"', "1", "1.5", "null"]),
    (Access, ["3"]),
    (Lenient, ['"RED"']),
    (date, ['"2026-11-24"', '"1704067200"']),
    (
        datetime,
        [
            '"2026-11-24T00:00:00Z"',
            '"2026-11-24 00:00+00:00"',
            '"2026-11-24T01:00:00.1234567+01:00"',
            '"2026-11-24T00:00:00"',
            '"0"',
        ],
    ),
    (AwareDatetime, ['"2026-11-24T00:00:00-00:00"']),
    (NaiveDatetime, ['"2026-11-24T00:00"']),
    (time, ['"12:00"', '"12:00:00.50Z"']),
    (timedelta, ['"PT90M"', '"-PT1S"', '"P400D"', '"1 days 00:00:01"']),
    (UUID, ['"12345678-1234-5678-1234-567812345678"', '"12345678123456781234567812345678"']),
    (list[int], ["[]", "[3, 1, 1.0]"]),
    (list, ['[1, "a", null]']),
    (tuple[int, str], ['[1, "a"]']),
    (tuple[date, ...], ['["2026-11-24"]']),
    (dict[str, float], ['{"b": 1, "a": 2}']),
    (dict[Literal["a", "b"], int], ['{"b": 1, "a": 2}']),
    (dict[Colour, int], ['{"red": 1}']),
    (dict, ['{"a": [1]}']),
    (Mapping[str, int], ['{"a": 1}']),
    (int | None, ["null", "1"]),
    (int | float, ["1", "1.5", "1e300"]),
    (int | str | bool, ["1", '"1"', "true"]),
    (list[int] | list[str], ["[1]", '["1"]']),
    (date | str, ['"2026-11-24"', '"1704067200"', '"x"']),
    (Two | int, ['{"x": 1}', "1"]),
    (Planar, ['{"kind": "planar", "x": 1}']),
    (
        Annotated[Planar | Geographic, Field(discriminator="kind")],
        ['{"kind": "planar", "x": 1}', '{"kind": "geographic", "lat": 1.0}'],
    ),
    (Tree, ['{"value": 1, "children": [{"value": 2}]}']),
    (Ints, ["[1, 2]"]),
    (JsonValue, ['{"a": [1.0, null, "x"]}']),
    (Any, ['{"a": [1.0, null, "x"]}']),
    (Annotated[list[int], AfterValidator(sorted_without_duplicates)], ["[3, 1, 3]"]),
    (Annotated[int, Field(ge=0, lt=100, multiple_of=2)], ["2"]),
]

REFUSED: list[tuple[Any, str]] = [
    (set[int], r"\(set\[int\]\): its members come in another order .* use a list"),
    (frozenset[str], "another order"),
    (list[set[int]], r"value\[\] .*another order"),
    (dict[str, set[int]], r"value\{\} .*another order"),
    (tuple[int, set[int]], r"value\[1\] .*another order"),
    (set[int] | None, "another order"),
    (Annotated[set[int], AfterValidator(sorted)], "another order"),
    (Decimal, r"\(Decimal\): a JSON number is read as a float.*use a str with a pattern"),
    (Fraction, "read as a float"),
    (SecretStr, r"\(SecretStr\): a Python function writes its JSON.*keep secrets out"),
    (SecretBytes, "a Python function writes"),
    (Path, "a Python function writes"),
    (HttpUrl, "a Python function writes"),
    (IPv4Address, "a Python function writes"),
    (Base64Bytes, "a Python function writes"),
    (Sequence[int], "a Python function writes"),
    (Annotated[int, PlainSerializer(lambda _: 1)], "a Python function writes"),
    (Annotated[int, PlainValidator(int)], "a Python function writes"),
    (complex, "not known to have one JSON form"),
    (Json[int], "not known"),
    (Iterable[int], "not known"),
    (deque[int], "not known"),
    (OrderedDict[str, int], "not known"),
    (Counter[str], "not known"),
    (Callable[[], int], "not known"),
    (Hashable, "not known"),
    (type[int], "not known"),
    (Pair, "a member is not text"),
    (Literal[Colour.RED], "a member is not text"),
    (Literal[1] | bool, "true may be read as 1"),
    (Literal[False] | float, "true may be read as 1"),
    (Literal[b"a"], "a member is not text"),
    (dict[int, int], r"two names in a JSON object may be equal as keys.*dict\[str"),
    (dict[float, int], "two names"),
    (dict[UUID, int], "two names"),
    (dict[Lenient, int], "two names"),
    (dict[Annotated[str, StringConstraints(strip_whitespace=True)], int], "two names"),
    (dict[str | int, int], "two names"),
    (datetime | date, "may be read as another; use a discriminator"),
    (list[date] | list[UUID], "may be read as another"),
    (Three | Two, "may be read as another"),
    (Pointed | Two, "may be read as another"),
    (Open, r"\(Open\): it takes unknown fields; use a model that inherits computation.Parameters"),
    (Kept, "unknown fields"),
    (Record, "unknown fields"),
    (Typed, "unknown fields"),
    (Named, "unknown fields"),
]


def made_of(annotation: Any, default: Any = ...) -> type[computation.Parameters]:
    """Parameters with one field."""
    return create_model("Parameters", __base__=computation.Parameters, value=(annotation, default))


def names(rows: Sequence[tuple[Any, Any]]) -> list[str]:
    """The same in each process: pytest-xdist compares them."""
    return [re.sub(r" at 0x\w+", "", str(annotation)) for annotation, _ in rows]


@pytest.mark.parametrize(("annotation", "texts"), ALLOWED, ids=names(ALLOWED))
def test_a_type_with_one_json_form_is_allowed_and_stays_the_same(
    annotation: Any, texts: list[str]
) -> None:
    model = made_of(annotation)
    assert stable_json.of_parameters(model) == ()
    for text in texts:
        asked = canonical({"value": json.loads(text)})
        read = model.model_validate_json(asked, strict=True)
        once = parameters.dump(read)
        again = model.model_validate_json(once, strict=True)
        assert (again, parameters.dump(again)) == (read, once)


@pytest.mark.parametrize(("annotation", "why"), REFUSED, ids=names(REFUSED))
def test_a_type_without_one_json_form_is_refused_by_path_type_rule_and_remedy(
    annotation: Any, why: str
) -> None:
    [fault] = stable_json.of_parameters(made_of(annotation))
    assert fault.startswith("Parameters.value")
    assert re.search(why, fault)
    assert "; " in fault


def test_what_is_written_for_one_choice_may_be_read_as_another() -> None:
    """Why a union of models with defaults is refused."""
    model = made_of(Pointed | Two)
    once = parameters.dump(model.model_validate_json('{"value": {"x": 1}}', strict=True))
    again = parameters.dump(model.model_validate_json(once, strict=True))
    assert (once, again) == (b'{"value":{"x":1,"y":0}}', b'{"value":{"x":1,"y":0,"z":5}}')


# models


def test_models_that_contain_each_other_in_many_ways_are_looked_at_once() -> None:
    """24 models with a field of each other: there are more ways through them than can be gone."""
    names = [f"Model{n}" for n in range(24)]
    fields: dict[str, Any] = {name.lower(): (f"{name} | int", 0) for name in names}
    models = {name: create_model(name, __base__=computation.Parameters, **fields) for name in names}
    for model in models.values():
        model.model_rebuild(_types_namespace=models)
    [fault] = stable_json.of_parameters(models["Model0"])
    assert "and inf bytes in all" in fault


def test_the_path_leads_to_the_type_and_every_fault_is_told() -> None:
    class Inner(computation.Parameters):
        tags: set[str]
        price: Decimal | None = None

    class Outer(computation.Parameters):
        inner: dict[str, list[Inner]]

    first, second = stable_json.of_parameters(Outer)
    assert first.startswith("Outer.inner{}[].tags (set[str]): its members")
    assert second.startswith("Outer.inner{}[].price (Decimal | None): a JSON number")


def aliased() -> type[BaseModel]:
    class Aliased(computation.Parameters):
        value: int = Field(alias="Value")

    return Aliased


def aliased_by_a_function() -> type[BaseModel]:
    class Aliased(computation.Parameters):
        model_config = ConfigDict(alias_generator=str.upper)
        value: int

    return Aliased


def excluding() -> type[BaseModel]:
    class Excluding(computation.Parameters):
        value: int = Field(exclude=True)

    return Excluding


def excluding_at_times() -> type[BaseModel]:
    class Excluding(computation.Parameters):
        value: int = Field(exclude_if=lambda value: value > 1)

    return Excluding


def computing() -> type[BaseModel]:
    class Computing(computation.Parameters):
        value: int

        @computed_field
        def twice(self) -> int:
            return 2 * self.value

    return Computing


def with_a_field_serializer() -> type[BaseModel]:
    class Serialized(computation.Parameters):
        value: int

        @field_serializer("value")
        def _write(self, value: int) -> int:
            return value // 2

    return Serialized


def with_a_model_serializer() -> type[BaseModel]:
    class Serialized(computation.Parameters):
        value: int

        @model_serializer
        def _write(self) -> dict[str, int]:
            return {}

    return Serialized


def in_base64() -> type[BaseModel]:
    class Encoded(computation.Parameters):
        model_config = ConfigDict(ser_json_bytes="base64")
        value: bytes

    return Encoded


def in_lower_case() -> type[BaseModel]:
    class Lower(computation.Parameters):
        model_config = ConfigDict(str_to_lower=True)
        value: dict[str, int]

    return Lower


class OfItsOwn:
    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> Any:
        return {"type": "is-instance", "cls": cls}


@pytest.mark.parametrize(
    ("model", "path", "why"),
    [
        (aliased(), ".value", "it is read by another name"),
        (aliased_by_a_function(), ".value", "it is read by another name"),
        (excluding(), ".value", "it is left out of the JSON"),
        (excluding_at_times(), ".value", "it is left out of the JSON"),
        (computing(), "", "a computed_field is written but never read"),
        (with_a_field_serializer(), ".value", "a Python function writes"),
        (with_a_model_serializer(), "", "a Python function writes"),
        (in_base64(), "", "ser_json_bytes in model_config"),
        (in_lower_case(), "", "str_to_lower in model_config"),
        (Kept, "", "it takes unknown fields"),
        (made_of(OfItsOwn), ".value", "not known to have one JSON form"),
    ],
)
def test_a_model_that_is_not_written_as_it_is_read_is_refused(
    model: type[BaseModel], path: str, why: str
) -> None:
    [fault] = stable_json.of_parameters(model)
    assert fault.startswith(f"{model.__name__}{path} (")
    assert why in fault


def test_validators_are_the_authors() -> None:
    class Checked(computation.Parameters):
        value: Annotated[int, BeforeValidator(lambda value: value), AfterValidator(abs)] = 1

        @model_validator(mode="before")
        @classmethod
        def _before(cls, given: Any) -> Any:
            return given

        @model_validator(mode="after")
        def _after(self) -> "Checked":
            return self

    assert stable_json.of_parameters(Checked) == ()
    [fault] = stable_json.of_parameters(made_of(Annotated[ByteSize, AfterValidator(int)]))
    assert "a Python function writes" in fault


# defaults


def counted(numbers: list[int] = [0]) -> int:  # noqa: B006 (the fault that is to be found)
    numbers[0] += 1
    return numbers[0]


def failing() -> int:
    raise OSError("no disk")


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (UUID, Field(default_factory=uuid4)),
        (datetime, Field(default_factory=lambda: datetime.now(UTC))),
        (float, Field(default_factory=random.random)),
        (int | None, Field(default_factory=counted)),
    ],
)
def test_a_default_that_is_another_each_time_is_refused(annotation: Any, default: Any) -> None:
    [fault] = stable_json.of_parameters(made_of(annotation, default))
    assert "another value each time; let the client send it" in fault


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (list[str], {"a", "b"}),
        (list[str], None),
        (int, None),
        (date, "2026-11-24"),
        (float, float("inf")),
        (Any, object()),
        (Any, {1, 2}),
        (JsonValue, {"a": [{1, 2}]}),
        (int, Field(default_factory=failing)),
    ],
)
def test_a_default_that_is_not_of_its_type_is_refused(annotation: Any, default: Any) -> None:
    [fault] = stable_json.of_parameters(made_of(annotation, default))
    assert re.search("its default is (not|null, which is not) of its type", fault)


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (list[str], []),
        (Any, None),
        (Mixed, Mixed.NOTHING),
        (int | str | None, None),
        (Annotated[int | None, AfterValidator(lambda value: value)], None),
        (list[str], Field(default_factory=list)),
        (Two, Two(x=1)),
        (Colour, Colour.RED),
        (date, date(2026, 11, 24)),
        (date, Field("2026-11-24", validate_default=True)),
        (int, Field(default_factory=lambda others: len(others))),
    ],
)
def test_a_default_that_is_always_the_same_is_allowed(annotation: Any, default: Any) -> None:
    assert stable_json.of_parameters(made_of(annotation, default)) == ()


# how much defaults add


class Empty(computation.Parameters):
    """8 bytes for 2: at the limit."""

    abc: int = 0


class Four(computation.Parameters):
    x: int
    y: str = "y" * 25


class Filled(computation.Parameters):
    """10,007 bytes for 2."""

    y: str = "y" * 10_000


class FilledChain(computation.Parameters):
    y: str = "y" * 100
    next: "FilledChain | None" = None


@pytest.mark.parametrize(
    ("annotation", "most"),
    [
        (list[Empty], 0),
        (list[Four], 0),
        (Tree, 0),
        (Filled, 10_007),
        (tuple[Filled, Filled], 20_014),
        (Filled | None, 10_007),
        (Annotated[list[Filled], Field(max_length=9)], 90_063),
        (Annotated[dict[str, Filled], Field(max_length=9)], 90_063),
        (Annotated[list[Filled], Field(max_length=10)], 100_070),
        (list[Filled], float("inf")),
        (dict[str, Filled], float("inf")),
        (tuple[Filled, ...], float("inf")),
        (list[list[Filled]], float("inf")),
        (FilledChain, float("inf")),
    ],
)
def test_defaults_add_in_proportion_or_a_bounded_number_of_bytes(
    annotation: Any, most: float
) -> None:
    model = made_of(annotation)
    faults = stable_json.of_parameters(model)
    assert bool(faults) is (most > default_sizes.MAX_BESIDE_BYTES)
    for fault in faults:
        assert f"bytes for a byte of a body and {most:,.0f} bytes in all" in fault
        assert "max_length" in fault


def test_defaults_that_are_large_by_themselves_are_refused() -> None:
    [fault] = stable_json.of_parameters(made_of(list[int], list(range(20_000))))
    assert fault.startswith("Parameters (Parameters): its defaults may add")
    assert stable_json.of_parameters(made_of(list[int], list(range(2_000)))) == ()


def test_what_is_left_out_is_counted_as_it_is_signed() -> None:
    model = made_of(list[Four])
    asked = [{"x": 1}] * 1000
    signed = parameters.dump(model.model_validate({"value": asked}))
    added = len(signed) - len(canonical({"value": asked}))
    assert added == 32_000 == 1000 * default_sizes.MAX_PER_BYTE * len('{"x":1},')


@pytest.mark.evidence
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize("item", ["Four", "Lists"])
def test_the_largest_body_of_models_at_the_limit_takes_a_bounded_amount_of_memory(
    item: str,
) -> None:
    """The largest body that is read, of which defaults make four times as much."""
    script = f"""
import gzip, json
from pathlib import Path
from backburner.http import event, parameters
from backburner.problems import TooLarge
from tests.computation import test_stable_json as tests

model = tests.made_of(list[tests.{item}])
assert tests.stable_json.of_parameters(model) == ()
one = '{{"x":1}}' if {item!r} == "Four" else "{{}}"
many = 999_900 // (len(one) + 1)
while True:
    body = '{{"value":[' + ",".join([one] * many) + "]}}"
    try:
        given = json.dumps(event.read_json(body))
    except TooLarge:
        many = many * 9 // 10
    else:
        break
assert len(body) > 100_000
dumped = parameters.dump(model.model_validate_json(given, strict=True))
assert len(gzip.compress(dumped)) < len(dumped) <= 5 * len(body)
[peak] = [l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM")]
print(peak.split()[1])
"""
    assert int(in_a_process(script)) < 512_000


class Lists(computation.Parameters):
    """The dearest that there is: an object for every 7 bytes."""

    y: list[int] = Field([])


def in_a_process(script: str, hash_seed: int = 0, given: str = "") -> str:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": "src:.", "PYTHONHASHSEED": str(hash_seed)},
        input=given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


# in every process


class Everything(computation.Parameters):
    """A field of each type that is allowed."""

    text: str = "a"
    whole: int = 1
    number: float = 0.1
    flag: bool = False
    data: bytes = b"a"
    choice: Literal["a", 1, None] = None
    colour: Colour = Colour.RED
    level: Level = Level.LOW
    day: date = date(2026, 11, 24)
    at: datetime = datetime(2026, 11, 24, tzinfo=UTC)
    clock: time = time(12)
    span: timedelta = timedelta(hours=1)
    key: UUID = UUID(int=1)
    numbers: list[int | float] = Field([1, 2.5])
    names: dict[str, int] = Field({"b": 1, "a": 2})
    pair: tuple[int, str] = (1, "a")
    tree: Tree = Tree(value=1)
    point: Annotated[Planar | Geographic, Field(discriminator="kind")] = Planar(kind="planar", x=1)
    anything: JsonValue = Field(default_factory=lambda: json.loads('{"b": [1.0, null], "a": 2}'))


WHEN = st.datetimes(
    timezones=st.none()
    | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
)
PLAIN_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=5,
)
EVERYTHING = st.builds(
    Everything,
    text=st.text(st.characters(codec="utf-8")),
    number=st.floats(allow_nan=False, allow_infinity=False),
    data=st.text(st.characters(codec="utf-8")).map(str.encode),
    at=WHEN,
    clock=st.times(),
    span=st.timedeltas(),
    point=st.builds(Planar, x=st.floats(allow_nan=False, allow_infinity=False))
    | st.builds(Geographic, lat=st.floats(-90, 90)),
    names=st.dictionaries(st.text("ab"), st.integers(), max_size=5),
    anything=PLAIN_JSON,
)


def test_everything_is_allowed() -> None:
    assert stable_json.of_parameters(Everything) == ()


@given(EVERYTHING)
def test_what_is_written_is_read_as_the_same_and_written_the_same(value: Everything) -> None:
    once = parameters.dump(value)
    again = Everything.model_validate_json(once, strict=True)
    assert again == value
    assert parameters.dump(again) == once


SIGN = """
import hashlib, json, sys
import computations
from backburner.computation import registry
from backburner.http import parameters
from tests.computation.test_stable_json import EVERY_KIND, Everything

computations.__path__.append(EVERY_KIND)
every_kind = registry.load("every-kind")
for model, bodies in zip((Everything, every_kind.parameters), json.load(sys.stdin)):
    for body in bodies:
        dumped = parameters.dump(model.model_validate_json(json.dumps(body), strict=True))
        print(hashlib.sha256(dumped).hexdigest())
"""


def test_equal_parameters_have_one_signature_in_every_process(
    every_kind: Computation,
) -> None:
    named = {text: n for n, text in enumerate("zyxwvutsrq")}
    everything: list[Any] = [{}, {"names": named, "anything": named}, {"tree": {"value": 1}}]
    points = [{"x": 1, "next": {"x": 2}}]
    kinds = [every_kind.example, {**every_kind.example, "named": {"b": True}, "points": points}]
    given = json.dumps([everything, kinds])
    signed = {in_a_process(SIGN, hash_seed, given) for hash_seed in range(4)}
    here: list[computation.Parameters] = [
        Everything.model_validate_json(json.dumps(body), strict=True) for body in everything
    ]
    here += [every_kind.parameters.model_validate_json(json.dumps(b), strict=True) for b in kinds]
    lines = [hashlib.sha256(parameters.dump(each)).hexdigest() for each in here]
    assert signed == {"\n".join(lines) + "\n"}


def test_a_set_has_another_signature_in_another_process() -> None:
    """What all this is for."""
    script = """
from pydantic import TypeAdapter
print(TypeAdapter(set[str]).dump_json(set("abcdef")))
"""
    assert len({in_a_process(script, hash_seed) for hash_seed in range(4)}) > 1


# results


def test_a_set_in_a_result_is_refused_unless_it_is_sorted() -> None:
    class Sorted(computation.Result):
        tags: set[str]

        @field_serializer("tags")
        def _in_order(self, tags: set[str]) -> list[str]:
            return sorted(tags)

    class Unsorted(computation.Result):
        tags: list[frozenset[str]]

    assert stable_json.of_result(Sorted) == ()
    [fault] = stable_json.of_result(Unsorted)
    assert re.match(r"Unsorted\.tags\[\] \(list\[frozenset\[str\]\]\): .*field_serializer", fault)


def test_whatever_is_only_written_may_be_in_a_result() -> None:
    class Result(computation.Result):
        counts: dict[int, int]
        price: Decimal
        where: Path

        @computed_field
        def total(self) -> int:
            return sum(self.counts.values())

    assert stable_json.of_result(Result) == ()


# when a computation is loaded


@pytest.fixture
def every_kind(monkeypatch: pytest.MonkeyPatch) -> Computation:
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, EVERY_KIND])
    return registry.load("every-kind")


def test_a_computation_is_checked_when_it_is_loaded_and_only_once(
    every_kind: Computation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It has not been loaded from this path yet.
    monkeypatch.setattr(computations, "__path__", [EVERY_KIND, *computations.__path__])
    stable_json.of_parameters.cache_clear()
    for _ in range(3):
        registry.load(every_kind.name)
    assert stable_json.of_parameters.cache_info().misses == 1


def test_a_computation_whose_parameters_have_no_one_form_cannot_be_loaded() -> None:
    class Result(computation.Result):
        tags: set[str]

    with pytest.raises(
        BrokenComputation,
        match=r"computation 'tagging': Parameters\.value .*\. Result\.tags \(set\[str\]\)",
    ):
        stable_json.check("tagging", made_of(set[str]), Result)


def test_a_type_that_is_not_defined_is_told() -> None:
    class Undefined(computation.Parameters):
        value: "Nowhere"  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(BrokenComputation, match=r"'lost': .*Nowhere.*; define or import"):
        stable_json.check("lost", Undefined, computation.Result)


def test_a_file_whose_parameters_have_no_one_form_is_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    [source] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "tagging.py").write_text(source.replace("text: str", "text: set[str]"))
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    importlib.invalidate_caches()
    with pytest.raises(BrokenComputation, match=r"'tagging': Parameters\.text \(set\[str\]\)"):
        registry.load("tagging")


def test_the_check_imports_nothing_that_a_model_does_not() -> None:
    script = """
import sys, backburner.computation, backburner.protocol.signature
class Parameters(backburner.computation.Parameters):
    x: int = 0
class Result(backburner.computation.Result):
    y: int
before = set(sys.modules)
from backburner.computation import stable_json
stable_json.check("x", Parameters, Result)
print(*sorted(set(sys.modules) - before))
"""
    imported = in_a_process(script).split()
    assert imported == [
        "backburner.computation.default_sizes",
        "backburner.computation.model_tree",
        "backburner.computation.source_line",
        "backburner.computation.stable_json",
    ]
