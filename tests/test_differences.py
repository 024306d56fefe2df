"""What is changed between two texts: found, complete, and no more than it is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier import differences

PIECES = st.lists(
    st.sampled_from(
        [
            "wells ",
            "ran ",
            "dry ",
            "in ",
            "2020",
            ", ",
            "1,204 ",
            "“",
            "”",
            "\n",
            "水",
            "がない",
            "  ",
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(before=PIECES, after=PIECES)
def test_nothing_of_either_text_is_lost(before: str, after: str) -> None:
    """
    A difference that leaves words out would hide the very change that somebody looks for.
    """
    for compare in (differences.words, differences.texts):
        stretches = compare(before, after)

        assert "".join(stretch.before for stretch in stretches) == before
        assert "".join(stretch.after for stretch in stretches) == after
        equal = [stretch.op == "equal" for stretch in stretches]
        assert all(one != other for one, other in pairwise(equal))


@settings(max_examples=100, deadline=None)
@given(text=PIECES)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    """
    A false difference costs a maintainer an evening.
    """
    assert all(stretch.op == "equal" for stretch in differences.texts(text, text))


def changed(before: str, after: str) -> list[tuple[str, str]]:
    """What differs, without the spaces around it."""
    stretches = differences.words(before, after)
    return [(s.before.strip(), s.after.strip()) for s in stretches if s.op != "equal"]


def test_only_the_words_that_differ_are_named() -> None:
    """
    A whole sentence marked as changed shows nobody what was changed.
    """
    before = "1,204 wells had run dry by the end of 2020."
    after = "About 900 wells had run dry by the end of 2021."

    assert changed(before, after) == [("1,204", "About 900"), ("2020.", "2021.")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("the “ground\u00adwater”, he said", "The 'groundwater' he said"),
        ("three -- four", "three – four"),
        ("one  two\nthree", "one two three"),
    ],
)
def test_typography_is_no_difference(before: str, after: str) -> None:
    """
    Printers choose their quotation marks; the words are the author's.
    """
    assert changed(before, after) == []


@pytest.mark.parametrize(
    ("before", "after"), [("grew by .5 percent", "grew by 5 percent"), ("-5 degrees", "5 degrees")]
)
def test_a_sign_that_changes_a_number_is_a_difference(before: str, after: str) -> None:
    """
    To level these away would make another number look like the same.
    """
    assert changed(before, after)


def test_in_a_script_without_spaces_single_characters_are_named() -> None:
    """
    A Chinese sentence has no words that spaces would show: all of it would be one.
    """
    assert changed("水井在二〇二〇年干涸", "水井在二〇二一年干涸") == [("〇", "一")]


def test_what_would_take_too_long_is_one_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Two huge pages without a line in common must not occupy the machine.
    """
    monkeypatch.setattr(differences, "MOST_PAIRS", 3)

    (head, middle, tail) = differences.words("same a b c end", "same c b x end")

    assert (head.op, middle.op, tail.op) == ("equal", "replace", "equal")
    assert (middle.before, middle.after) == ("a b c ", "c b x ")
