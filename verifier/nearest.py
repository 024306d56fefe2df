"""The passage of a text that is nearest to some words, aligned with them word by word."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz import process
from rapidfuzz.distance import Indel

from verifier.typography import UNSPACED

MOST_WORDS = 400
"""Of a quotation that are compared; a longer one is recognised by its beginning."""

MOST_CELLS = 400_000
"""Pairs of words compared for one quotation: the work that a page can cause has an end."""

MOST_PLACES = 20_000
"""Places looked at for one quotation, shared out among its words."""

WINDOWS = 6
LIKE = 0.74
"""How like two words must be to count as one, inflected or misspelt (normalised Indel)."""

_COMMON, _PLAIN, _NUMBER = 0.35, 1.0, 1.2
_PUNCTUATION = r"\s!-/:-@\[-`{-~¡¿§·\u2000-\u206f\u0964\u0965\u3001-\u3003\u3008-\u3011\u30fb"
_WORD = re.compile(
    rf"[{UNSPACED}][\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*"
    rf"|[^{_PUNCTUATION}{UNSPACED}]+(?:[.,'/:^-][^{_PUNCTUATION}{UNSPACED}]+)*"
)
_SENTENCE_END = re.compile(r"[.!?।]")
_LETTERLESS = re.compile(r"[^\W\d]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word, or a character of a script without spaces, with its place in the text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stretch of the alignment: ``equal``, ``replace``, ``delete`` or ``insert``.

    Attributes:
        cited, source: The words of either side, as ranges of their lists.
    """

    op: str
    cited: tuple[int, int]
    source: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The nearest passage.

    Attributes:
        start, end: In the page.
        score: 0 to 100: how much of the words' weight stands there, in their order.
        cited, source: Words of the quotation, and of the passage.
        steps: How the one becomes the other.
        shared: Of what the quotation says beyond the most common words, the part (0 to 1) that
            stands in the passage.
        pointers: How many such words do.
        phrase: Most words in a row that stand there, one of them exchanged.
    """

    start: int
    end: int
    score: float
    cited: tuple[Word, ...]
    source: tuple[Word, ...]
    steps: tuple[Step, ...]
    shared: float
    pointers: int
    phrase: int


def words_of(text: str, start: int = 0, end: int | None = None) -> tuple[Word, ...]:
    """The words of levelled *text*, in order."""
    stop = len(text) if end is None else end
    return tuple(
        Word(text=found[0], start=found.start(), end=found.end())
        for found in _WORD.finditer(text, start, stop)
    )


def is_unspaced(word: str) -> bool:
    """Whether *word* is a character of a script that parts no words."""
    return re.match(f"[{UNSPACED}]", word) is not None


def nearest(quotation: str, page: str, common: frozenset[str]) -> Near | None:
    """The passage of *page* that says most of *quotation*, or None where nothing points to one.

    Args:
        quotation, page: Levelled.
        common: Words that say little by standing there.
    """
    cited = words_of(quotation)[:MOST_WORDS]
    if not cited:
        return None
    length = cited[-1].end - cited[0].start
    weights = [_weight(word.text, common) for word in cited]
    best: Near | None = None
    budget = MOST_CELLS
    for middle in _places(cited, page, common, length):
        begin = max(0, middle - length * 4 // 5 - 60)
        begin = max(begin, page.find(" ", begin, begin + 20) + 1) if begin else 0
        source = words_of(page, begin, middle + length * 4 // 5 + 100)
        budget -= len(cited) * len(source)
        if budget < 0 and best is not None:
            break
        near = _aligned(cited, weights, source, page, common)
        if near is not None and (best is None or near.score > best.score):
            best = near
    return best


def likeness(one: str, other: str) -> float:
    """How like two texts are letter by letter, 0 to 100."""
    return 100 * Indel.normalized_similarity(one, other)


def _weight(word: str, common: frozenset[str]) -> float:
    if word in common:
        return _COMMON
    if _LETTERLESS.search(word) is None:
        return _NUMBER
    return _COMMON if len(word) == 1 and not is_unspaced(word) else _PLAIN


# ---- where to look -----------------------------------------------------------------------


def _places(cited: Sequence[Word], page: str, common: frozenset[str], length: int) -> Iterable[int]:
    """Where the page has the most of the quotation's rarer words close together, best first.

    Of longer words only the beginning is looked for: the end is what inflection changes.
    """
    hits: list[tuple[int, int, float]] = []
    keys = _keys(cited, common)
    most = min(max(MOST_PLACES // max(1, len(keys)), 60), 2000)
    for number, key in enumerate(keys):
        places = _find(key, page, most)
        weight = math.log(1 + most / max(1, len(places)))
        if key in common:
            weight /= 4
        hits += [(place, number, weight) for place in places]
    hits.sort()
    width = length * 1.6 + 40
    windows: list[tuple[float, int]] = []
    held: dict[int, int] = {}
    total, first = 0.0, 0
    for place, number, weight in hits:
        if not held.get(number):
            total += weight
        held[number] = held.get(number, 0) + 1
        while place - hits[first][0] > width:
            _, gone, lost = hits[first]
            held[gone] -= 1
            if not held[gone]:
                total -= lost
            first += 1
        windows.append((total, (hits[first][0] + place) // 2))
    windows.sort(reverse=True)
    taken: list[int] = []
    for _, middle in windows:
        if all(abs(middle - other) > length / 2 for other in taken):
            taken.append(middle)
            yield middle
            if len(taken) == WINDOWS:
                return


def _keys(cited: Sequence[Word], common: frozenset[str]) -> list[str]:
    texts = [word.text for word in cited]
    pairs = [
        left + right for left, right in pairwise(texts) if is_unspaced(left) and is_unspaced(right)
    ]
    plain = [text for text in texts if not is_unspaced(text)]
    stems = [text[: max(4, len(text) * 2 // 3)] for text in plain if text not in common]
    return list(dict.fromkeys([*pairs, *stems, *(text for text in plain if text in common)]))


def _find(key: str, page: str, most: int) -> list[int]:
    """Places of words that begin with *key*, as far as they are few."""
    places: list[int] = []
    place = page.find(key)
    tries = 0
    while place != -1 and len(places) < most and tries < 8 * most:
        if place == 0 or not page[place - 1].isalnum() or is_unspaced(key):
            places.append(place)
        tries += 1
        place = page.find(key, place + 1)
    return places


# ---- word by word ------------------------------------------------------------------------


def _aligned(
    cited: Sequence[Word],
    weights: Sequence[float],
    source: Sequence[Word],
    page: str,
    common: frozenset[str],
) -> Near | None:
    """The stretch of *source* that costs the least to turn into *cited*.

    What stands before and after it in *source* costs nothing (Sellers' algorithm). A word left
    out or put in costs its weight, one in another's place the heavier one's.
    """
    if not source:
        return None
    said = [_weight(word.text, common) for word in source]
    alike = _likeness(cited, source)
    table = [[0.0] * (len(source) + 1)]
    for row, weight in enumerate(weights):
        above, line = table[-1], [table[-1][0] + weight]
        like = alike[row]
        for column, other in enumerate(said):
            part = like.get(column)
            swap = above[column] + (
                max(weight, other) if part is None else (1.0 - part) * max(weight, other)
            )
            line.append(min(swap, above[column + 1] + weight, line[column] + 0.7 * other))
        table.append(line)
    final = table[-1]
    least = min(final)
    column = max(place for place, cost in enumerate(final) if math.isclose(cost, least))
    pairs = _traced(table, column, weights, said, alike)
    return _near(cited, weights, source, said, pairs, page, alike, common)


def _likeness(cited: Sequence[Word], source: Sequence[Word]) -> list[dict[int, float]]:
    """For each cited word the places of *source* with the same or a like one, and how like."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(source):
        places.setdefault(word.text, []).append(place)
    choices = [text for text in places if len(text) > 3 and _LETTERLESS.search(text)]
    known: dict[str, dict[int, float]] = {}
    for word in cited:
        text = word.text
        if text in known:
            continue
        known[text] = dict.fromkeys(places.get(text, ()), 1.0)
        if len(text) > 3 and not any(sign.isdigit() for sign in text):
            for other, part, _ in process.extract(
                text,
                choices,
                scorer=Indel.normalized_similarity,
                score_cutoff=LIKE,
                limit=3,
            ):
                if other != text and not any(sign.isdigit() for sign in other):
                    known[text].update(dict.fromkeys(places[other], part * 0.85))
    return [known[word.text] for word in cited]


_Pair = tuple[int | None, int | None]


def _traced(
    table: Sequence[Sequence[float]],
    column: int,
    weights: Sequence[float],
    said: Sequence[float],
    alike: Sequence[dict[int, float]],
) -> list[_Pair]:
    """The pairs of places along the cheapest way, from the first to the last."""
    row, pairs = len(weights), list[_Pair]()
    while row:
        here = table[row][column]
        if column:
            part = alike[row - 1].get(column - 1)
            swap = max(weights[row - 1], said[column - 1]) * (1.0 if part is None else 1.0 - part)
            if math.isclose(here, table[row - 1][column - 1] + swap):
                row, column = row - 1, column - 1
                pairs.append((row, column))
                continue
            if math.isclose(here, table[row][column - 1] + 0.7 * said[column - 1]):
                column -= 1
                pairs.append((None, column))
                continue
        row -= 1
        pairs.append((row, None))
    pairs.reverse()
    return pairs


def _near(
    cited: Sequence[Word],
    weights: Sequence[float],
    source: Sequence[Word],
    said: Sequence[float],
    pairs: list[_Pair],
    page: str,
    alike: Sequence[dict[int, float]],
    common: frozenset[str],
) -> Near | None:
    same = {
        place
        for place, (row, column) in enumerate(pairs)
        if row is not None and column is not None and column in alike[row]
    }
    if not same:
        return None
    pairs = _within_a_sentence(pairs, min(same), max(same), source, page)
    columns = [column for _, column in pairs if column is not None]
    matched = [
        (row, column)
        for row, column in pairs
        if row is not None and column is not None and column in alike[row]
    ]
    got = sum(alike[row][column] * min(weights[row], said[column]) for row, column in matched)
    heavy = [row for row, word in enumerate(cited) if word.text not in common]
    hit = {row for row, _ in matched}
    passage = sum(said[column] for column in columns)
    return Near(
        start=source[columns[0]].start,
        end=source[columns[-1]].end,
        score=round(100 * 2 * got / (sum(weights) + passage), 1),
        cited=tuple(cited),
        source=tuple(source),
        steps=_steps(pairs, cited, source),
        shared=sum(weights[row] for row in heavy if row in hit)
        / max(0.01, sum(weights[row] for row in heavy)),
        pointers=sum(row in hit for row in heavy),
        phrase=_phrase(pairs, set(matched)),
    )


def _phrase(pairs: Sequence[_Pair], matched: set[tuple[int, int]]) -> int:
    longest = run = since = 0
    exchanged = False
    for pair in pairs:
        if pair in matched:
            run, since = run + 1, since + 1
        elif None in pair or exchanged:
            run, exchanged = (since + 1, True) if None not in pair else (0, False)
            since = 0
        else:
            run, since, exchanged = run + 1, 0, True
        longest = max(longest, run)
    return longest


def _within_a_sentence(
    pairs: list[_Pair], first: int, last: int, source: Sequence[Word], page: str
) -> list[_Pair]:
    """*pairs* without words of other sentences before the first and after the last match."""

    def cut(place: int, after: int) -> bool:
        left, right = source[place], source[after]
        return _SENTENCE_END.search(page, left.end, right.start) is not None

    known = [place for place in range(len(pairs)) if pairs[place][1] is not None]
    gaps = {
        after: cut(pairs[before][1] or 0, pairs[after][1] or 0) for before, after in pairwise(known)
    }
    begin = max((place for place in known if place <= first and gaps.get(place)), default=0)
    end = min((place for place in known if place > last and gaps.get(place)), default=len(pairs))
    inside = range(begin, end)
    kept = [(row, column if place in inside else None) for place, (row, column) in enumerate(pairs)]
    return [pair for pair in kept if pair != (None, None)]


def _steps(
    pairs: Sequence[_Pair], cited: Sequence[Word], source: Sequence[Word]
) -> tuple[Step, ...]:
    """The alignment in stretches; a word left out beside one put in is a replacement."""
    steps: list[Step] = []
    at_cited = 0
    at_source = next((column for _, column in pairs if column is not None), 0)
    for row, column in pairs:
        equal = row is not None and column is not None and cited[row].text == source[column].text
        ends = at_cited + (row is not None), at_source + (column is not None)
        if steps and (steps[-1].op == "equal") == equal:
            before = steps.pop()
            begins = before.cited[0], before.source[0]
        else:
            begins = at_cited, at_source
        op = "equal" if equal else "replace"
        if not equal and begins[0] == ends[0]:
            op = "insert"
        elif not equal and begins[1] == ends[1]:
            op = "delete"
        steps.append(Step(op=op, cited=(begins[0], ends[0]), source=(begins[1], ends[1])))
        at_cited, at_source = ends
    return tuple(steps)
