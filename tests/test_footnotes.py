"""Footnotes' marks that are glued to words: nobody quotes them, and no number may go with them."""

from __future__ import annotations

import pytest

from verifier.footnotes import NOTHING, without_marks


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The authorities7 have known", "The authorities have known"),
        ("in Rotterdam.7 The next", "in Rotterdam. The next"),
        ("“it was shot.”12 He", "“it was shot.” He"),
        ("of the people² are", "of the people are"),
        ("the authorities* have", "the authorities have"),
        ("the authorities†‡ have", "the authorities have"),
        ("نگهداری می‌شود۲ که", "نگهداری می‌شود که"),
        ("gestorben.1) Ich", "gestorben. Ich"),
        ("Tehran4 has\n4 See above.", "Tehran has\n4 See above."),
    ],
)
def test_the_mark_goes_and_every_other_character_keeps_its_place(text: str, left: str) -> None:
    """
    Superscripts of a PDF come as plain digits, and every third sentence of a report has one.
    """
    bare = without_marks(text)

    assert bare.replace(NOTHING, "") == left
    assert len(bare) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "Windows10 is",
        "Tehran4 has",
        "vitamin b12 and mp3 files",
        "under Art.5 of",
        "in chapter3.2 of",
        "20 metres² of wall, 3 km² of land",
        "共计44。",
        "약3, 그리고",
        "5 * 3",
        "the A-7 road and COVID-19,",
        "sold 1,234 of 7",
        "in sections12/13",
    ],
)
def test_numbers_with_a_meaning_stay(text: str) -> None:
    """
    A number that is taken for a note's could be any number the quoter likes.
    """
    assert without_marks(text) == text
