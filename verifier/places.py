"""Where the words of a quotation stand in a page, whole and not part of anything else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from verifier import negations
from verifier.nearest import is_unspaced, words_of
from verifier.typography import Levelled, normalise

SKIP = 600
"""Characters that "…" may leave out: a paragraph. What is farther apart was not said together."""

MOST_TRIES = 20_000
MOST_PLACES = 50
"""Places of one part that are looked at: the work that a page can cause has an end."""

BRACKET = re.compile(r"\[([^\[\]]{1,80})\]")
_NAME = re.compile(r"(?<![^\W_])(?=[^\W\d_a-zß-öø-ÿа-яα-ω])[^\W\d_]{3,}")
_AFTER_STOP = re.compile(r"(?:\A|[.!?:;“\"»]\s*|\n\s*)\Z")
_EDGES = " '.,;:!?()[]{}|/\\*_~#"
_REMARK = re.compile(r"sic!?|recte.*|emphasis .*|hervorhebung .*|souligné .*|!|\?", re.IGNORECASE)
_OTHER_WORDS = r" ?(?:(?P<instead{}>[^\s.!?]{{1,40}}(?: [^\s.!?]{{1,40}}){{0,3}}) ?)??"
_OTHER_CHARACTERS = r" ?(?P<instead{}>[^.!?]{{0,8}}?) ?"
# What turns the words that follow into others: more of the number, its sign, a negation.
_NUMBER_BEFORE = re.compile(r"(?:\d[.,'/^]|(?:\A|[\s(])-)\Z")
_GROUP_BEFORE = re.compile(r"(?<!\d)\d{1,3} \Z")
_GROUP_AFTER = re.compile(r" \d{3}(?!\d)")
_UNSPACED_NEGATION = re.compile(r"(?:[不未没沒無无非]|ไม่|มิ)\Z")
_UNSPACED_NEGATION_AFTER = re.compile("ない|なか|ませ|ず|ぬ")
_PREFIXES = "anti|contra|counter|ex|nicht|non|not|no|pseudo|quasi|un|не|анти|псевдо"
_PREFIX = re.compile(rf"(?<![^\W_])(?:{_PREFIXES}) \Z")
_PREFIX_BEFORE = re.compile(rf"(?<![^\W_])(?:{_PREFIXES})[-\u2010\u2011]\Z", re.IGNORECASE)
_NUMBER_AFTER = re.compile(r"(?<=\d)[.,'/]\d")
_SUFFIX = re.compile(r" (?:free|less|frei)(?![^\W_])")
_SUFFIX_AFTER = re.compile(r"[-\u2010\u2011](?:free|less|frei)(?![^\W_])", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Where a part stands in the levelled page.

    Attributes:
        instead: What stands there for its brackets.
        bent: A bracket puts an ending to a word that has none there.
    """

    start: int
    end: int
    instead: tuple[tuple[str, str], ...] = ()
    bent: bool = False


# ---- word for word -----------------------------------------------------------------------


def without_edges(quotation: str) -> str:
    words = quotation.strip(_EDGES)
    edge = quotation[: quotation.find(words)]
    is_decimal = words[:1].isdigit() and edge.endswith(".") and not edge.endswith("..")
    return f".{words}" if is_decimal else words  # ".5" is another number than "5"


def matches(wanted: str, quotation: str, page: Levelled) -> Iterator[Match]:
    """Where *wanted* stands in *page*, not cut out of a longer word or number, or a negation."""
    start = page.text.find(wanted) if wanted else -1
    tries = 0
    while start != -1 and tries < MOST_TRIES:
        tries += 1
        end = start + len(wanted)
        if _stands(page, start, end) and _same_i(quotation, page, start, end):
            yield Match(start=start, end=end)
        start = page.text.find(wanted, start + 1)


def _stands(page: Levelled, start: int, end: int) -> bool:
    """Whether what stands from *start* to *end* is no part of something else."""
    text = page.text
    before, first, last = text[max(0, start - 8) : start], text[start], text[end - 1]
    if _joined(before[-1:], first) or _joined(last, text[end : end + 1]):
        return False
    if first.isdigit() and (_NUMBER_BEFORE.search(before) or _is_group(before, text, start)):
        return False
    if last.isdigit() and (_NUMBER_AFTER.match(text, end) or _goes_on(text, start, end)):
        return False
    if _UNSPACED_NEGATION.search(before) or _UNSPACED_NEGATION_AFTER.match(text, end):
        return False
    if not (_PREFIX.search(before) or _SUFFIX.match(text, end)):
        return True  # the way back to the hyphens is long
    begin, stop = page.origin(start, end)
    return not (
        _PREFIX_BEFORE.search(page.source[max(0, begin - 12) : begin])
        or _SUFFIX_AFTER.match(page.source, stop)
    )


def _is_group(before: str, text: str, start: int) -> bool:
    """Whether "500" is the end of "1 500"."""
    return bool(_GROUP_BEFORE.search(before)) and bool(re.match(r"\d{3}(?!\d)", text[start:]))


def _goes_on(text: str, start: int, end: int) -> bool:
    """Whether "1" is the beginning of "1 500"."""
    return bool(
        re.search(r"(?<![\d.,])\d{1,3}\Z", text[start:end]) and _GROUP_AFTER.match(text, end)
    )


def _joined(left: str, right: str) -> bool:
    """Whether no word or number ends between two neighbouring characters."""
    if not left or not right or not left.isalnum():
        return False
    if unicodedata.category(right).startswith("M"):
        return True
    if not right.isalnum():
        return False
    if unicodedata.numeric(left, None) is not None and unicodedata.numeric(right, None) is not None:
        return True  # also 十三, which is no 三
    return not (is_unspaced(left) or is_unspaced(right))


def _same_i(quotation: str, page: Levelled, start: int, end: int) -> bool:
    """Whether no dotless i stands for a dotted one: capitals alone don't tell them apart."""
    if "ı" not in quotation and "ı" not in page.source:
        return True
    begin, stop = page.origin(start, end)
    pair = [re.sub(r"[^iıIİ]", "", side) for side in (quotation, page.source[begin:stop])]
    return len(pair[0]) != len(pair[1]) or not any(
        {one, other} in ({"i", "ı"}, {"İ", "ı"}) for one, other in zip(*pair, strict=True)
    )


# ---- in parts ----------------------------------------------------------------------------


def places_of(raw: str, page: Levelled, name: str) -> Iterator[Match]:
    """Where a part stands, its brackets standing for a few words or none."""
    wanted = without_edges(normalise(raw))
    if not BRACKET.search(raw):
        yield from matches(wanted, raw, page)
        return
    pattern, contents = _bracketed(raw, name)
    for found in pattern.finditer(page.text) if pattern is not None else ():
        instead = tuple(
            (content, (found[f"instead{number}"] or "").strip())
            for number, content in contents.items()
        )
        if not all(_may_stand_for(content, said, name) for content, said in instead):
            continue
        if _stands(page, *found.span()) and not _renames(raw, found, page):
            endings = (text for name, text in found.groupdict().items() if name[0] == "b")
            yield Match(
                start=found.start(),
                end=found.end(),
                instead=instead,
                bent=any(text == "" for text in endings),
            )


def _may_stand_for(content: str, said: str, name: str) -> bool:
    """Whether a bracket may replace what the source says: no negation, no other number."""
    if negations.negations(said, name):
        return False
    numbers, others = (set(re.findall(r"\d+", side)) for side in (content, said))
    return not numbers or not said or numbers == others


def _renames(raw: str, found: re.Match[str], page: Levelled) -> bool:
    """Whether a bracket puts a name in the place of another: who is meant is the source's."""
    common = negations.language("").common
    named = {word.casefold() for bracket in BRACKET.findall(raw) for word in _NAME.findall(bracket)}
    if not named - common:
        return False
    for group, said in found.groupdict().items():
        if group.startswith("instead") and said and said.strip():
            start, end = page.origin(*found.span(group))
            begins = _AFTER_STOP.search(page.source, max(0, start - 4), start) is not None
            theirs = {word.casefold() for word in _NAME.findall(page.source[start:end])[begins:]}
            if theirs - common and not theirs & named:
                return True
    return False


def _bracketed(raw: str, name: str) -> tuple[re.Pattern[str] | None, dict[int, str]]:
    """A pattern for a part with brackets, and what stands in those that may replace words."""
    raw = re.sub(r"^(?:\W*\[[^\[\]]*\](?!\w))+|(?:(?<!\w)\[[^\[\]]*\]\W*)+$", "", raw)
    pieces, contents, done = [], dict[int, str](), 0
    for number, bracket in enumerate(BRACKET.finditer(raw)):
        begin, end = bracket.span()
        content = normalise(bracket[1])
        if negations.negations(content, name):
            return None, {}
        literal = normalise(raw[done:begin])
        pieces.append(re.escape(literal if done else literal.lstrip(_EDGES)))
        after_word, before_word = (
            raw[begin - 1 : begin].isalnum() and begin > 0,
            raw[end : end + 1].isalnum(),
        )
        unspaced = is_unspaced(raw[begin - 1 : begin]) or is_unspaced(raw[end : end + 1])
        if _REMARK.fullmatch(bracket[1].strip()):
            pieces.append(" ?")
        elif unspaced or not (after_word or before_word):
            contents[number] = content
            gap = _OTHER_CHARACTERS if unspaced else _OTHER_WORDS
            edge = "" if unspaced else r"(?![^\W_])"
            pieces.append(edge + gap.format(number) + ("" if unspaced else r"(?<![^\W_])"))
        elif after_word and not before_word:
            pieces.append(rf"(?P<bent{number}>{re.escape(content)}|\w{{0,5}})(?!\w) ?")
        else:
            pieces.append((" " if not after_word and literal else "") + re.escape(content))
        done = end
    pieces.append(re.escape(normalise(raw[done:]).rstrip(_EDGES)))
    whole = "".join(pieces)
    return (re.compile(whole), contents) if words_of(whole) else (None, {})


def in_order(first: Match, others: list[list[Match]]) -> list[Match] | None:
    """*first* and the nearest place of every other part after it, if near enough."""
    chosen = [first]
    for options in others:
        after = (match for match in options if match.start >= chosen[-1].end)
        match = min(after, key=lambda match: match.start, default=None)
        if match is None or match.start - chosen[-1].end > SKIP:
            return None
        chosen.append(match)
    return chosen
