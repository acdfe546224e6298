"""Equal values have one form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.canonical_json import canonical

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 0}, {"a": -0.0}),
        ([1e16], [10000000000000000]),
        ((1, 2), [1, 2]),
    ],
)
def test_equal_values_have_one_canonical_form(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (1, "1"), (None, 0), ([], {}), (0.1, 0.1000001), ("\u00e9", "e\u0301")],
)
def test_different_values_have_different_canonical_forms(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


@given(json_values)
def test_the_canonical_form_is_json_for_the_same_value(value: object) -> None:
    assert json.loads(canonical(value)) == value


@given(json_values)
def test_the_canonical_form_is_a_fixed_point(value: object) -> None:
    assert canonical(json.loads(canonical(value))) == canonical(value)


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_a_short_number_has_a_short_canonical_form() -> None:
    assert len(canonical([1e300])) < 10


def test_nan_has_no_canonical_form() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))
