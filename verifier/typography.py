"""Text with its typography levelled, and the way back to the characters it came from."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

LINE_END = "\ue000"
"""Stands in levelled text for a hyphen at the end of a line: it may or may not be of the word."""

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3001-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts that put no spaces between words, as a regular expression's range of characters."""

_ZEROS = "٠۰߀०০੦૦୦௦౦೦൦๐໐༠၀០᠐"
_FOLD: dict[str, str] = {
    **dict.fromkeys("\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u0640", ""),
    **{chr(code): "" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
    **{chr(code): "" for code in range(0xFE00, 0xFE10)},
    # Vowel signs and cantillation of Arabic and Hebrew, which most writers leave out.
    **{chr(code): "" for code in (*range(0x0610, 0x061B), *range(0x064B, 0x0653), 0x0670)},
    **{chr(code): "" for code in range(0x0656, 0x0660)},  # not the hamza, which is of the letter
    **{chr(code): "" for code in (*range(0x06D6, 0x06DD), *range(0x06DF, 0x06E5))},
    **{chr(code): "" for code in (0x06E7, 0x06E8, *range(0x06EA, 0x06EE))},
    **{chr(code): "" for code in (*range(0x0591, 0x05BE), 0x05BF, 0x05C1, 0x05C2)},
    **dict.fromkeys("\u05c4\u05c5\u05c7", ""),
    **dict.fromkeys("‘’‚‛′`´‹›ʼʻ❛❜׳", "'"),
    **dict.fromkeys("“”„‟″«»❝❞〝〞〟「」『』《》〈〉﹁﹂﹃﹄״", '"'),
    **dict.fromkeys("‐‑‒–—―−⁃﹘﹣－־", "-"),
    **dict(zip("،؛؟٪٫٬。、⋯", (",", ";", "?", "%", ".", ",", ".", ",", "..."), strict=True)),
    **dict.fromkeys("یےى", "ي"),
    "ک": "ك",
    **dict.fromkeys("أإٱ", "ا"),
    **{chr(ord(zero) + digit): str(digit) for zero in _ZEROS for digit in range(10)},
    # 10² is no 102, and people² are people with a note.
    **{sign: f"^{digit}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    "ı": "i",
    "ё": "е",  # Russian prints the dots where it wants to
    "\u06c0": "ه",
    "œ": "oe",  # ligatures, though Unicode takes them for letters
    "æ": "ae",
    # What NFKC would do too; done here, most texts need no more of it, and it is slow.
    **dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f\u3000", " "),
    **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    "…": "...",
    **dict.fromkeys("＇｀", "'"),
    "＂": '"',
}
_FOLDED = re.compile(f"[{''.join(_FOLD)}]|i\u0307+|[\u0647\u06d5]\u0654")
_ASCII_FOLD = str.maketrans("`", "'")

# These begin with the sign they are about, and look back from there: so they search fast.
_BROKEN_WORD = re.compile(r"[-‐\u00ad](?<=[^\W\d_].)[ \t\r]*[\n\f\u2028]\s*(?=[^\W\d_])")
# Persian writes the same ending as a sign above the letter, as a letter, or not at all.
_EZAFE = re.compile("\u200c[یيى](?<=ه\u200c.)(?![^\\W\\d_]|[\u200c\u0654])")
_SLASH = re.compile(r" /(?<![\d] /)[ /]* (?!\d)")
_SPACES = re.compile(r"\s+")
_NOTE = re.compile(r"\[(?<=\S\[)(?:\d{1,3}|citation needed)\]")
_QUOTES = re.compile(r"[\"'][\"' ]*")
_SPACED_DASHES = re.compile(" -[- ]*")
_DASHES = re.compile("-[- ]*")
_DOTS = re.compile(r"\.(?: ?\.){2,}")
_LOOSE_STOP = re.compile(r" \.(?!\d)")
_LOOSE = re.compile(r" (?=[,;:!?)%°])")
_LOOSE_WITHIN = re.compile(r"(?<=\() ")
_MONEY_SIGNS = "€£¥$₽₹§№"
_MONEY = re.compile(r" (?:(?<=[€£¥$₽₹§№] )(?=\d)|(?<=\d )(?=[€£¥$₽₹](?!\d)))")
_UNSPACED_GAP = re.compile(
    f" (?:(?=[{UNSPACED}])|(?:(?<=[{UNSPACED}] )|(?<=[{UNSPACED}][,.;:!?] ))(?!-))"
)
_UNSPACED = re.compile(f"[{UNSPACED}]")
_SAFE_CUT = re.compile(
    r"(?<=[^\W\d_])\s(?=[^\W\d_])|(?<=[a-z])(?=[a-z])|(?<=[\u3041-\u9fff])(?=[\u4e00-\u9fff])"
)
_JOINS_LEFT = re.compile("[\u1160-\u11ff\uff9e-\uffdc]")
PIECE = 2000
"""Characters levelled at a time: the way back is worked out for the pieces it is asked of."""


def normalise(text: str) -> str:
    """*text* with typography levelled: compatibility forms, quotation marks, dashes, spaces, case.

    Idempotent. Quotation marks and dashes that are no part of a word or number become spaces;
    signs that are not seen, and vowel signs of Arabic and Hebrew, go; digits become European.
    """
    return levelled(text).text.replace(LINE_END, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Levelled:
    """A text levelled, with the way back.

    Attributes:
        source: The text as it was.
        text: Levelled; may hold LINE_END.
        cuts, starts: Where its pieces begin, in ``source`` and in ``text``.
        dropped: Offsets of what :meth:`resolved` took out of the text that ``starts`` is about.
    """

    source: str
    text: str
    cuts: tuple[int, ...]
    starts: tuple[int, ...]
    dropped: tuple[int, ...] = ()

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where in ``source`` the characters from *start* to *end* of ``text`` came from."""
        if end <= start:
            first = self._place(start)[0]
            return first, first
        return self._place(start)[0], self._place(end - 1)[1]

    def resolved(self, wanted: str) -> Levelled:
        """The same with every LINE_END decided: a space where *wanted* parts the word so."""
        if LINE_END not in self.text:
            return self
        around = f" {wanted} "
        pieces, dropped, done = [], [], 0
        for found in re.finditer(rf"([^\W_]+){LINE_END}(?=([^\W_]+))", self.text):
            place = found.end() - 1
            pieces.append(self.text[done:place])
            if f" {found[1]} {found[2]}" in around:
                pieces.append(" ")
            else:
                dropped.append(place)
            done = place + 1
        pieces.append(self.text[done:].replace(LINE_END, " "))
        return Levelled(
            source=self.source,
            text="".join(pieces),
            cuts=self.cuts,
            starts=self.starts,
            dropped=tuple(dropped),
        )

    def _place(self, at: int) -> tuple[int, int]:
        """First and last offset (exclusive) of what became the character at *at*."""
        for gone in self.dropped:
            if gone > at:
                break
            at += 1
        piece = max(bisect_right(self.starts, at) - 1, 0)
        begin = self.cuts[piece]
        end = self.cuts[piece + 1] if piece + 1 < len(self.cuts) else len(self.source)
        spans = _spans(self.source[begin:end])
        if not spans:
            return begin, begin
        first, last = spans[min(at - self.starts[piece], len(spans) - 1)]
        return begin + first, begin + last


@lru_cache(maxsize=2)  # the sources of one address are looked for in one page
def levelled(text: str) -> Levelled:
    """*text* levelled, with the way back to its characters."""
    cuts = tuple(_cuts(text))
    pieces: list[str] = []
    for begin, end in zip(cuts, (*cuts[1:], len(text)), strict=True):
        piece = _level(text[begin:end])
        spaced = (
            pieces
            and begin
            and text[begin - 1].isspace()
            and not (pieces[-1] and _UNSPACED.match(pieces[-1][-1]))
            and not _UNSPACED.match(piece)
        )
        pieces.append(f" {piece}" if spaced else piece)
    starts = accumulate((len(piece) for piece in pieces), initial=0)
    spaces = (len(piece) - len(piece.lstrip(" ")) for piece in pieces)
    begins = tuple(start + space for start, space in zip(starts, spaces, strict=False))
    return Levelled(source=text, text="".join(pieces), cuts=cuts, starts=begins)


def _cuts(text: str) -> Iterator[int]:
    """Where *text* may be cut without a rule of typography reaching over the cut."""
    place = 0
    while True:
        yield place
        if len(text) - place <= 2 * PIECE:
            return
        found = _SAFE_CUT.search(text, place + PIECE)
        if found is None:
            return
        place = found.end()


# ---- one piece ---------------------------------------------------------------------------

_Replacement = str | Callable[[re.Match[str]], str]


def _level(piece: str) -> str:
    text = _EZAFE.sub("", _BROKEN_WORD.sub(_break, piece.replace(LINE_END, "")))
    text = " ".join(_characters(text).split())
    for pattern, replacement in _rules(text):
        text = pattern.sub(replacement, text)
    return text.strip(" ")


@lru_cache(maxsize=8)
def _spans(piece: str) -> list[tuple[int, int]]:
    """For each character of the levelled piece, the span of *piece* that it came from."""
    text, spans = piece, [(place, place + 1) for place in range(len(piece))]
    text, spans = _follow(re.compile(LINE_END), "", text, spans)
    text, spans = _follow(_BROKEN_WORD, _break, text, spans)
    text, spans = _follow(_EZAFE, "", text, spans)
    characters: list[str] = []
    after: list[tuple[int, int]] = []
    for begin, end in _clusters(text):
        folded = _characters(text[begin:end])
        characters.append(folded)
        after += [(spans[begin][0], spans[end - 1][1])] * len(folded)
    text, spans = _follow(_SPACES, " ", "".join(characters), after)
    text, spans = _follow(re.compile("^ | $"), "", text, spans)
    for pattern, replacement in _rules(text):
        text, spans = _follow(pattern, replacement, text, spans)
    return spans[len(text) - len(text.lstrip(" ")) : len(text.rstrip(" "))]


def _follow(
    pattern: re.Pattern[str],
    replacement: _Replacement,
    text: str,
    spans: list[tuple[int, int]],
) -> tuple[str, list[tuple[int, int]]]:
    """What ``pattern.sub`` does, and where each character came from."""
    pieces: list[str] = []
    after: list[tuple[int, int]] = []
    done = 0
    for found in pattern.finditer(text):
        begin, end = found.span()
        new = replacement if isinstance(replacement, str) else replacement(found)
        pieces += (text[done:begin], new)
        after += spans[done:begin]
        if len(new) == end - begin:
            after += spans[begin:end]
        elif end > begin:
            after += [(spans[begin][0], spans[end - 1][1])] * len(new)
        done = end
    return "".join([*pieces, text[done:]]), after + spans[done:]


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Spans of characters that are composed with nothing outside."""
    begin = 0
    for place in range(1, len(text)):
        one = text[place]
        if one.isascii() or not (
            unicodedata.category(one).startswith("M") or _JOINS_LEFT.match(one)
        ):
            yield begin, place
            begin = place
    if text:
        yield begin, len(text)


def _characters(text: str) -> str:
    if text.isascii():  # most pages: the same in a tenth of the time
        return text.lower().translate(_ASCII_FOLD)
    while True:
        folded = _fold(_composed(_fold(text)).casefold())
        once = _composed(folded)
        if once == text or once is folded:  # folding takes some letters apart: ΐ
            return once
        text = once


def _composed(text: str) -> str:
    normal = unicodedata.is_normalized("NFKC", text)
    return text if normal else _composed(_fold(unicodedata.normalize("NFKC", text)))


def _fold(text: str) -> str:
    return _FOLDED.sub(_folded, text)


def _folded(found: re.Match[str]) -> str:
    return _FOLD.get(found[0]) or ("i" if found[0][0] == "i" else "ه" if len(found[0]) > 1 else "")


def _break(found: re.Match[str]) -> str:
    before, after = found.string[found.start() - 1 : found.start()], found.string[found.end()]
    broken = not after.isupper() or before.isupper()  # "Anglo-\nSaxon" keeps its hyphen
    return LINE_END if broken else found[0]


def _rules(text: str) -> Iterator[tuple[re.Pattern[str], _Replacement]]:
    """The rules for what stands between words, in their order; those that can't apply are left out.

    The text they are for has single spaces, in *text* and after every rule.
    """
    if "[" in text:
        yield _NOTE, ""
    if " /" in text:
        yield _SLASH, " "
    if '"' in text or "'" in text:
        yield _QUOTES, _quote
    if "-" in text:
        yield _SPACED_DASHES, _dash
        yield _DASHES, _dash
    yield _DOTS, "..."
    yield _LOOSE_STOP, "."
    yield _LOOSE, ""
    if "(" in text:
        yield _LOOSE_WITHIN, ""
    if any(sign in text for sign in _MONEY_SIGNS):
        yield _MONEY, ""
    if not text.isascii():
        yield _UNSPACED_GAP, ""


def _quote(found: re.Match[str]) -> str:
    """An apostrophe stays; a quotation mark is a space."""
    text, (begin, end) = found.string, found.span()
    before, after = text[begin - 1 : begin], text[end : end + 1]
    kept = (
        found[0] == "'"
        and before.isalnum()
        and after.isalnum()
        and not _UNSPACED.match(before)
        and not _UNSPACED.match(after)
    )
    if kept:
        return "'"
    return "" if before == " " else " "


def _dash(found: re.Match[str]) -> str:
    """A minus and the dash of a range stay; any other is a space."""
    text, (begin, end) = found.string, found.span()
    before = text[begin - 1 : begin] if begin else ""
    number = re.compile(r"\.?\d").match(text, end) is not None
    if not number:
        return "" if before == " " else " "
    if before.isdigit():
        return "-"
    if found[0] == " -" or (found[0] == "-" and not before.isalnum()):
        return found[0]
    return " "
