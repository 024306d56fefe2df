"""Marks of footnotes that are glued to words, as they come out of PDFs and plain copies."""

from __future__ import annotations

import re

from verifier.markup import ENDS_A_MEASURE
from verifier.typography import UNSPACED

NOTHING = "\u2060"
"""Stands for a character that isn't there: it leaves no trace in levelled text."""

_MARK = re.compile(
    rf"(?P<word>[^\W\d_⁰¹²³⁴-⁹{UNSPACED}\uac00-\ud7a3]{{2,}}+)(?P<stop>[.,;:!?)”’»\"']{{0,2}}+)"
    r"(?P<mark>(?P<number>\d{1,3})(?:,\d{1,3})*\)?|[⁰¹²³⁴-⁹]{1,3}|[*†‡§¶]{1,3})"
    r"(?![\w*†‡§¶/-]|[.,:]\d)"
)
_SHORT = 4
"""Letters of a word that may be an abbreviation or a unit, and own the number behind it."""


def without_marks(text: str) -> str:
    """*text* without footnotes' marks, every other character in its place.

    "authorities7 have" is quoted as "authorities have"; but "Windows10", "vitamin b12" and
    "Art.5" are no notes. A word that is not in small letters has a note when the note itself
    stands somewhere at the beginning of a line.
    """
    known: dict[str, bool] = {}

    def is_listed(number: str) -> bool:
        if number not in known:
            note = rf"^[ \t]*\(?{number}[.)\]]?[ \t]+[^\W\d_]"
            known[number] = re.search(note, text, re.MULTILINE) is not None
        return known[number]

    def replaced(found: re.Match[str]) -> str:
        mark, number = found["mark"], found["number"]
        if number is None:
            is_note = mark[0] in "*†‡§¶" or ENDS_A_MEASURE.search(found["word"]) is None
            is_note = is_note and (len(found["word"]) > _SHORT or mark[0] in "*†‡§¶")
        elif found["stop"]:
            is_note = len(found["word"]) > _SHORT or len(found["stop"]) > 1 or is_listed(number)
        else:
            plain = found["word"].islower() and len(found["word"]) >= _SHORT
            no_case = found["word"].lower() == found["word"].upper()
            is_note = plain or no_case or (len(found["word"]) > 2 and is_listed(number))
        return found[0][: -len(mark)] + NOTHING * len(mark) if is_note else found[0]

    return _MARK.sub(replaced, text)
