"""`make test` also tests what holds for every computation; here is what holds for this one."""

from computations.word_count import Parameters, compute


def count(text: str) -> dict[int, int]:
    return compute(Parameters(text=text), lambda _: None).words


def test_words_are_counted_by_their_length() -> None:
    assert count("one two three") == {3: 2, 5: 1}


def test_a_text_without_words_has_none() -> None:
    assert count(" \n ") == {}
