"""One signature for all ways to write the same question."""

from backburner.canonical_json import canonical
from backburner.protocol.signature import FORM, sign


def test_a_signature_is_64_hex_digits() -> None:
    assert FORM.fullmatch(sign("doubling", 1, b"{}"))


def test_another_name_version_or_parameter_makes_another_signature() -> None:
    signatures = {
        sign("doubling", 1, b"{}"),
        sign("tripling", 1, b"{}"),
        sign("doubling", 2, b"{}"),
        sign("doubling", 1, b"[]"),
    }
    assert len(signatures) == 4


def test_the_signature_of_a_question_never_changes() -> None:
    assert sign("doubling", 1, canonical({"number": 21})) == (
        "ec9581156f83d3bc2173e2d891b7418235b54887d4dc4b766fa4b5bd24764c82"
    )


def test_the_same_question_of_another_caller_has_another_signature_where_it_is_private() -> None:
    question = ("whispering", 1, b"{}")
    signatures = {sign(*question), sign(*question, "a" * 64), sign(*question, "b" * 64)}
    assert len(signatures) == 3
