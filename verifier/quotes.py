"""Where in a text a quotation stands, and how exactly."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import chain, islice, pairwise
from urllib.parse import quote as percent

from verifier import negations
from verifier.footnotes import NOTHING, without_marks
from verifier.nearest import Near, is_unspaced, likeness, nearest, words_of
from verifier.places import (
    BRACKET,
    MOST_PLACES,
    SKIP,
    Match,
    in_order,
    matches,
    places_of,
    without_edges,
)
from verifier.records import Finding, Quote, QuoteKind, Text
from verifier.typography import LINE_END, UNSPACED, Levelled, levelled, normalise

__all__ = ["CONTEXT", "SKIP", "changed_around", "fragment_url", "is_telling", "locate", "normalise"]

CONTEXT = 300
"""Characters kept on either side of a quotation that was found, or of the nearest passage."""

FEW_WORDS = 3
FEW_CHARACTERS = 6
"""Words, and characters of a script without spaces, that are too few to recognise a passage by."""

RECOGNISED = 50.0
"""Score of a passage that says the same in other words. Unrelated sentences of one subject, in 27
languages, score 15 to 40; sentences in which two words of five were replaced, 45 to 75."""

RECOGNISED_UNSPACED = 42.0
"""The same for scripts without spaces, where unrelated sentences score below 35."""

RESEMBLING = (36.0, 62.0)
"""Score, and likeness letter by letter, of a passage spun beyond that: the frame still stands."""

SHORT, ALMOST = 6, 78.0
"""Words, up to which one rare word in common is no frame, and the likeness that is one then."""

PHRASE = (33.0, 6)
"""Score, and words in a row with one exchanged: nobody says these by chance."""

REST = 60
"""Characters of a sentence that are shown with the nearest passage, before and after it."""

_UNREADABLE = frozenset({"empty", "scan", "encrypted", "garbled", "damaged"})
_READ_LATER = "not-read: no text could be had"
_ELLIPSIS = re.compile(r"[\[(]\s*(?:[…⋯]+|\.(?:\s?\.)+)\s*[\])]|[…⋯]+|\.(?:\s?\.){2,}")
# The nearest end of a sentence or line before a passage, and the one after it.
_SENTENCE_BEFORE = re.compile(r"(?:\A|[.!?。！？…।]\s+|[。！？]|\n\s*)(?=[^.!?。！？।\n]*\Z)")
_SENTENCE_AFTER = re.compile(
    rf"(?:[^.!?。！？।\n]|\n(?=[^\W\d_A-Z])){{0,{REST}}}(?=[.!?。！？।\n]|\Z)"
)
_WORD_BEFORE = re.compile(r"\S*\s?\Z")
_WORD_AFTER = re.compile(r"\s?\S*")
_STOP = re.compile(rf"(?<![^\W\d_]\.)(?<!\b[^\W\d_])[.!?]+(?= |$|[{UNSPACED}])")
_ANY_NUMBER = r"\d[\d.,:/]*(?<=\d)"
_BETWEEN = r"[\s.,:;|()–-]{1,4}"
_SIGNS = " ,;:.!?()[]"
_WHOLE_CLAUSES = re.compile(r"\s*;(?:.*;)?[\s(\[]*")
_STOPPED = re.compile(r"[^\W_]\W?[.!?。।؟][\"'”’»“)\]\s]*\Z")
# What was said, in marks of its own, and then who said it: it begins where the marks do.
_SPEECH = re.compile(r"\s*(?:[“„”«»「『][^“„”«»「」『』]+[”“»«」』]|\"[^\"]+\")[\s,.:–—-]*\w")
_WORD_BEFORE_IT = re.compile(r"(?<![^\s(\[])([^\s.,;:!?()]+) \Z")
_WORD_AFTER_IT = re.compile(r" ([^\s.,;:!?()]+)")
_LONG_NUMBER = re.compile(r"(?<!\d)\d{4,}(?!\d)")
_GROUPED = re.compile(r"(?<![\d.,'’])[1-9]\d{0,2}(?:([\s.,'’])\d{3})(?:\1\d{3})*(?![\d'’]|[.,]\d)")
# Not in "re-sign", which is another word than "resign".
_HYPHEN = re.compile(r"(?<=[^\W\d_])(?<!\bre)(?<!\bRe)[-\u2010\u2011](?=[^\W\d_])")
_ACCENTED = re.compile("[À-ÂÇ-ÊÌ-ÎÒ-ÔÙ-Ûà-âç-êì-îò-ôù-ûΆ-Ώά-ώΐΰ]")
_CUT_OFF = 3
"""Words at the end of a passage that a shift by some characters brings in or takes away."""

_ZERO_WIDTH = "\u200c"


def locate(
    quotation: str, text: Text, *, kind: QuoteKind = QuoteKind.VERBATIM, lang: str = ""
) -> Finding:
    """Whether *text* says *quotation*, typography aside.

    Quotation marks and punctuation at the quotation's edges are the quoter's own, and so is what
    stands in square brackets. Parts around an ellipsis must stand near each other, in order, and
    what is left out between them must not turn what is said.

    Args:
        quotation: As the row has it.
        kind: Only a verbatim quotation can be altered or absent; another is found or not
            comparable.
        lang: Language of the words, for what negates in it; "" when unknown.
    """
    wanted = without_edges(normalise(quotation))
    if not words_of(wanted):
        return Finding(result=Quote.NO_QUOTE, reason="no-quote: the row quotes nothing")
    if text.unreadable and text.unreadable not in _UNREADABLE:
        return Finding(result=Quote.UNCHECKED, reason=f"{_READ_LATER} ({text.unreadable})")
    if text.unreadable or not text.visible.strip():
        why = text.unreadable or "empty"
        return Finding(
            result=Quote.UNREADABLE, reason=f"no-text: the page has no text to look in ({why})"
        )
    search = _Search(
        quotation=quotation,
        text=text.visible,
        kind=kind,
        lang=lang or text.lang,
        pages=text.pages,
    )
    finding = search.verbatim() or search.in_parts() or search.nearest()
    if text.cut and finding.result is Quote.ABSENT:
        reason = f"cut: the words may stand in what was not read of the source ({finding.reason})"
        return replace(finding, result=Quote.UNCHECKED, reason=reason)
    return finding


def fragment_url(url: str, quotation: str) -> str:
    """*url* with a text fragment that scrolls a browser to *quotation*.

    Source: WICG "URL Fragment Text Directives", section 3.
    """
    words = re.sub(r"\s+", " ", quotation).strip(" \"'.,;:…“”„«»‘’").split(" ")
    if not url or words == [""]:
        return url
    parts = [" ".join(words)] if len(words) <= 10 else [" ".join(words[:4]), " ".join(words[-4:])]
    directive = ",".join(percent(part, safe="").replace("-", "%2D") for part in parts)
    return f"{url.partition('#')[0]}#:~:text={directive}"


def is_telling(quotation: str) -> bool:
    """Whether a quotation has so many words that a page which says them is the one quoted."""
    return bool(words_of(normalise(quotation))) and not _are_few(normalise(quotation))


def changed_around(before: str, after: str) -> int:
    """How many words differ between two passages around the same quotation.

    What differs at their ends only is not counted: there a word more or less was cut off.
    """
    old, new = (normalise(passage).split() for passage in (before, after))
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    changed = 0
    for left, right in pairwise(blocks):
        gone = right.a - left.a - left.size
        come = right.b - left.b - left.size
        is_end = right.size == 0 and max(gone, come) <= _CUT_OFF
        changed += 0 if is_end else max(gone, come)
    first = blocks[0]
    if max(first.a, first.b) > _CUT_OFF:
        changed += max(first.a, first.b)
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """One quotation, looked for in one text."""

    quotation: str
    text: str
    kind: QuoteKind
    lang: str
    pages: tuple[int, ...]

    # ---- word for word -------------------------------------------------------------------

    def verbatim(self) -> Finding | None:
        """The finding, if the words stand there as they are."""
        return self._first_of(self._plain(), self.text, 0)

    def respelt(self, near: Near, page: Levelled) -> Finding | None:
        """The finding, if the words of the nearest passage are the same, spelt otherwise."""
        start, end = page.origin(near.start, near.end)
        margin = len(self.quotation) + CONTEXT
        begin = max(0, start - margin)
        around = self.text[begin : end + margin]
        return self._first_of(self._spellings(around), around, begin)

    def _first_of(
        self, spellings: Iterable[tuple[str, str, bool]], text: str, offset: int
    ) -> Finding | None:
        for quotation, spelt, must_shout in spellings:
            blamed: tuple[str, Levelled, Match] | None = None
            for wanted, page in _readings(quotation, spelt):
                for match in islice(matches(wanted, self.quotation, page), MOST_PLACES):
                    if must_shout and not self._shouts(text, page, match):
                        continue
                    fault = self._beheaded(page, match, match)
                    if not fault:
                        reason = "verbatim: the words stand on the page, typography aside"
                        return self._found(reason, page, match.start, match.end, offset)
                    blamed = blamed or (fault, page, match)
            if blamed is not None:
                fault, page, match = blamed
                return self._turned(page, fault, [match], offset)
        return None

    def _shouts(self, text: str, page: Levelled, match: Match) -> bool:
        """Whether either side is in capitals, which many languages write without accents."""
        start, end = page.origin(match.start, match.end)
        return self.quotation.isupper() or text[start:end].isupper()

    def _beheaded(self, page: Levelled, first: Match, last: Match) -> str:
        """What is wrong with making a sentence of a part of one, or "".

        Whoever cuts words out of a sentence says so by a small letter, or by no stop. With a
        capital for a small letter right behind a negation, or a stop right before one, the
        sentence is made to say the opposite.
        """
        words = page.text[first.start : last.end]
        place = page.origin(first.start, first.start + 1)[0]
        is_cut = _is_a_beginning(self.quotation) and page.source[place : place + 1].islower()
        if is_cut or _SPEECH.match(self.quotation):
            before = _WORD_BEFORE_IT.search(page.text, max(0, first.start - 40), first.start)
            if before is not None and (word := self._negation(before[1], words, page)):
                return f"beheaded: the sentence says “{word}” before these words"
        if _STOPPED.search(self.quotation):
            after = _WORD_AFTER_IT.match(page.text, last.end)
            if after is not None and (word := self._negation(after[1], words, page)):
                return f"beheaded: the sentence goes on with “{word}” after these words"
        return ""

    def _negation(self, word: str, wanted: str, page: Levelled) -> str:
        name = negations.language_of(_sample(page.text, wanted), self.lang)
        return next(iter(negations.negations(word, name)), "")

    def _plain(self) -> Iterator[tuple[str, str, bool]]:
        """The quotation and the page as they are; a zero-width non-joiner may be a space."""
        quotation, text = self.quotation, self.text
        yield quotation, text, False
        if _ZERO_WIDTH in quotation or _ZERO_WIDTH in text:
            yield quotation.replace(_ZERO_WIDTH, " "), text.replace(_ZERO_WIDTH, " "), False

    def _spellings(self, text: str) -> Iterator[tuple[str, str, bool]]:
        """Other ways to write the same, every character of *text* in its place.

        A footnote's mark is not quoted, thousands are parted or not, "co-operate" is "cooperate",
        and capitals have accents or not: the last of each says whether it is for capitals only.
        """
        quotation, unmarked = self.quotation, without_marks(text)
        if unmarked != text:
            yield quotation, unmarked, False
        if _LONG_NUMBER.search(quotation):
            whole = _GROUPED.sub(_ungrouped, unmarked)
            if whole != unmarked:
                yield quotation, whole, False
        whole = _GROUPED.sub(_ungrouped, quotation)
        if whole != quotation:
            yield whole, unmarked, False
        joined = _HYPHEN.sub(NOTHING, quotation), _HYPHEN.sub(NOTHING, unmarked)
        if joined != (quotation, unmarked):
            yield *joined, False
        bare = _ACCENTED.sub(_unaccented, quotation), _ACCENTED.sub(_unaccented, unmarked)
        if bare != (quotation, unmarked):
            yield *bare, True

    # ---- in parts ------------------------------------------------------------------------

    def in_parts(self) -> Finding | None:
        """The finding, if the words stand there around what was left out or put in brackets."""
        raw = [part for part in _ELLIPSIS.split(self.quotation) if words_of(normalise(part))]
        if len(raw) < 2 and not BRACKET.search(self.quotation):
            return None
        parts = [normalise(part) for part in raw]
        few = _are_few(" ".join(parts))
        page = levelled(self.text).resolved(normalise(" ".join(parts)))
        name = negations.language_of(_sample(page.text, parts[0]), self.lang)
        places = [list(islice(places_of(part, page, name), MOST_PLACES)) for part in raw]
        if not all(places):
            return None
        blamed: tuple[str, list[Match]] | None = None
        for first in places[0]:
            chosen = in_order(first, places[1:])
            if chosen is None:
                continue
            fault = next(
                filter(None, (self._fault(page, *pair, name) for pair in pairwise(chosen))), ""
            )
            fault = fault or self._beheaded(page, chosen[0], chosen[-1])
            fault = fault or self._depends(page, chosen, name)
            if few:
                near = chosen[-1].end - chosen[0].start <= 3 * len(self.quotation)
                if not (near and fault.startswith("turned")):
                    continue
            if not fault:
                return self._found(_told(page, chosen), page, chosen[0].start, chosen[-1].end)
            blamed = blamed or (fault, chosen)
        if blamed is None:
            if few or any(len(words_of(part)) <= FEW_WORDS for part in parts):
                return None
            chosen = sorted((options[0] for options in places), key=lambda match: match.start)
            fault = (
                "apart: the parts stand on the page, but not in this order, or not within "
                f"{SKIP} characters of each other"
            )
            blamed = fault, chosen
        return self._turned(page, *blamed)

    def _depends(self, page: Levelled, chosen: list[Match], name: str) -> str:
        """What is wrong with an edited quotation that begins within a sentence, or "".

        "Nobody believes that they were thieves …" is no sentence about thieves, and what
        somebody moved "that the Council approve" is nothing that the Council "approve[d]".
        """
        start = chosen[0].start
        stops = list(_STOP.finditer(page.text, max(0, start - SKIP), start))
        head = page.text[stops[-1].end() if stops else max(0, start - SKIP) : start]
        if not negations.makes_a_clause(head, name):
            return ""
        denied = negations.negations(head, name)
        if denied and len(chosen) > 1:
            return f"turned: what stands before it in the sentence holds “{denied[0]}”"
        if any(match.bent for match in chosen):
            return "turned: the source does not say so, but what depends on another verb"
        return ""

    def _fault(self, page: Levelled, left: Match, right: Match, name: str) -> str:
        """What is wrong with leaving out what stands between two parts, or ""."""
        skipped = page.text[left.end : right.start]
        stops = list(_STOP.finditer(page.text, left.end, right.start))
        if not stops:
            if _WHOLE_CLAUSES.fullmatch(skipped):
                return ""
            word = negations.turning_word(skipped, name)
            return f"turned: what is left out holds “{word}”" if word else ""
        sides = (words_of(page.text, match.start, match.end) for match in (left, right))
        if any(len(words) < FEW_WORDS and not is_unspaced(words[0].text) for words in sides):
            return "spliced: a word or two of one sentence are put to another"
        if not page.text[stops[-1].end() : right.start].strip(_SIGNS) and negations.goes_on(
            page.text[left.end : stops[0].start()], name
        ):
            return ""
        head = page.text[left.end : stops[0].start()].strip(_SIGNS)
        tail = page.text[stops[-1].end() : right.start].strip(_SIGNS)
        if head and tail:
            return "spliced: what is left out ends one sentence and begins another"
        word = negations.turning_word(head or tail, name)
        return f"turned: what is left out of the sentence holds “{word}”" if word else ""

    def _turned(self, page: Levelled, fault: str, chosen: list[Match], offset: int = 0) -> Finding:
        origins = (page.origin(match.start, match.end) for match in chosen)
        spans = [(start + offset, end + offset) for start, end in origins]
        start, end = spans[0][0], max(end for _, end in spans)
        if end - start <= SKIP + 4 * CONTEXT:
            says = self.text[start:end]
        else:
            says = " […] ".join(self.text[begin:stop] for begin, stop in spans)
        skips = tuple(
            ("insert", "", _one_line(self.text[left[1] : right[0]])[:CONTEXT])
            for left, right in pairwise(spans)
            if left[1] < right[0]
        )
        near = nearest(normalise(self.quotation), normalise(says), frozenset())
        return self._not_found(
            Quote.ALTERED,
            f"{fault}; the source says “{_short(says, 160)}”",
            score=min(near.score, 99.0) if near is not None else 0.0,
            start=start,
            end=end,
            says=_one_line(says),
            difference=skips,
        )

    # ---- in other words ------------------------------------------------------------------

    def nearest(self) -> Finding:
        """The finding where the words don't stand there: the nearest passage, if one is near."""
        cited = levelled(self.quotation)
        wanted = cited.text.replace(LINE_END, "")
        page = levelled(self.text).resolved(wanted)
        name = negations.language_of(_sample(page.text, wanted), self.lang)
        common = negations.language(name).common
        near = _with_another_number(wanted, page.text, common)
        near = near or nearest(wanted, page.text, common)
        if near is not None and (same := self.respelt(near, page)) is not None:
            return same
        if near is None:
            return self._not_found(
                Quote.ABSENT, "absent: nothing on the page is near; the best score is 0 of 100"
            )
        recognised, why = _recognised(near, wanted, page.text, name)
        if not recognised and not self._is_a_sentence(near, page):
            reason = f"absent: {why}; the best score is {near.score:.0f} of 100"
            return self._not_found(Quote.ABSENT, reason, score=near.score)
        start, end = page.origin(near.start, near.end)
        difference = self._difference(near, cited, page)
        if difference:
            told = _rendered(difference)
            start, end = self._sentence(start, end)
        else:
            start, end, told = self._whole(start, end)
        return self._not_found(
            Quote.ALTERED,
            f"reworded: the nearest passage scores {near.score:.0f} of 100; {told}",
            score=min(near.score, 99.0),
            start=start,
            end=end,
            says=_one_line(self.text[start:end]),
            difference=difference,
        )

    def _is_a_sentence(self, near: Near, page: Levelled) -> bool:
        """Whether a quotation of few words is one of the page's sentences, but for one word."""
        changes = [step for step in near.steps if step.op != "equal"]
        replaced = len(changes) == 1 and changes[0].op == "replace"
        if not replaced or near.pointers < 1 or len(near.cited) < FEW_WORDS:
            return False
        start, end = page.origin(near.start, near.end)
        ends = _STOPPED.search(self.quotation) and self.text[end : end + 1] in (*".!?।", "")
        before = self.text[:start].rstrip(" \t")[-1:]
        return bool(ends) and (before in (*".!?।\n", ""))

    def _sentence(self, start: int, end: int) -> tuple[int, int]:
        """The passage with the rest of its sentence, where that is short."""
        before = _SENTENCE_BEFORE.search(self.text, max(0, start - REST), start)
        after = _SENTENCE_AFTER.match(self.text, end)
        return start if before is None else before.end(), end if after is None else after.end()

    def _whole(self, start: int, end: int) -> tuple[int, int, str]:
        """The same words, which don't stand there for all that: with what belongs to them."""
        before = _WORD_BEFORE.search(self.text[max(0, start - 40) : start])
        after = _WORD_AFTER.match(self.text[end : end + 40])
        start -= len(before[0]) if before is not None else 0
        end += len(after[0]) if after is not None else 0
        said = _short(self.text[start:end], 120)
        return start, end, f"the same words, but within other words or signs: “{said}”"

    def _difference(
        self, near: Near, cited: Levelled, page: Levelled
    ) -> tuple[tuple[str, str, str], ...]:
        """What is changed, in either side's own words; punctuation where no word is."""
        changes = []
        for step in near.steps:
            if step.op == "equal":
                continue
            theirs = near.cited[step.cited[0] : step.cited[1]]
            ours = near.source[step.source[0] : step.source[1]]
            quoted = said = ""
            if theirs:
                begin, end = cited.origin(theirs[0].start, theirs[-1].end)
                quoted = _one_line(self.quotation[begin:end])
            if ours:
                begin, end = page.origin(ours[0].start, ours[-1].end)
                said = _one_line(self.text[begin:end])
            changes.append((step.op, quoted, said))
        return tuple(changes)

    # ---- the finding ---------------------------------------------------------------------

    def _found(self, reason: str, page: Levelled, start: int, end: int, offset: int = 0) -> Finding:
        begin, stop = (place + offset for place in page.origin(start, end))
        return Finding(
            result=Quote.FOUND,
            reason=reason,
            score=100.0,
            start=begin,
            end=stop,
            page=_page_of(self.pages, begin),
            passage=self.text[max(0, begin - CONTEXT) : stop + CONTEXT],
        )

    def _not_found(
        self,
        result: Quote,
        reason: str,
        *,
        score: float = 0.0,
        start: int | None = None,
        end: int | None = None,
        says: str = "",
        difference: tuple[tuple[str, str, str], ...] = (),
    ) -> Finding:
        if self.kind is not QuoteKind.VERBATIM:
            result = Quote.NOT_COMPARABLE
            reason = f"not-comparable: a {self.kind} need not stand there word for word ({reason})"
        passage = ""
        if start is not None and end is not None:
            passage = self.text[max(0, start - CONTEXT) : end + CONTEXT]
        return Finding(
            result=result,
            reason=reason,
            score=score,
            start=start,
            end=end,
            page=None if start is None else _page_of(self.pages, start),
            passage=passage,
            source_says=says,
            difference=difference,
        )


def _readings(quotation: str, text: str) -> Iterator[tuple[str, Levelled]]:
    """Both levelled: a hyphen at the end of a line is of the word or of the line."""
    wanted, page = without_edges(levelled(quotation).text), levelled(text)
    for meant in dict.fromkeys((wanted.replace(LINE_END, ""), wanted.replace(LINE_END, " "))):
        yield meant, page.resolved(meant)


# ---- in parts ----------------------------------------------------------------------------


def _told(page: Levelled, chosen: list[Match]) -> str:
    """The reason of a quotation that stands there in parts: what is left out, and put in."""
    said = []
    for left, right in pairwise(chosen):
        begin, end = page.origin(left.end, right.start)
        said.append(f"left out: “{_short(page.source[begin:end].strip(), 160)}”")
    for content, instead in chain.from_iterable(match.instead for match in chosen):
        said.append(f"“[{content}]” stands for “{instead}”" if instead else f"put in: “{content}”")
    rule = "in-parts" if len(chosen) > 1 else "with-brackets"
    return "; ".join([f"{rule}: the words stand on the page in this order", *said])


def _ungrouped(found: re.Match[str]) -> str:
    """A number without what parts its thousands, every digit in its place."""
    return re.sub(r"\D", NOTHING, found[0])


def _unaccented(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFD", found[0])[0]


def _is_a_beginning(quotation: str) -> bool:
    """Whether *quotation* begins as sentences do: with a capital, and small letters behind it."""
    letters = [sign for sign in quotation[:40] if sign.isalpha()][:2]
    return [sign.isupper() for sign in letters] == [True, False]


# ---- in other words ----------------------------------------------------------------------


def _are_few(wanted: str) -> bool:
    words = words_of(wanted)
    if any(is_unspaced(word.text) for word in words):
        return len(words) <= FEW_CHARACTERS
    return len(words) <= FEW_WORDS


def _recognised(near: Near, wanted: str, page: str, name: str) -> tuple[bool, str]:
    """Whether the nearest passage is the one that was quoted, or why it isn't."""
    if _are_few(wanted):
        small = all(
            _is_slight(near, step.cited, step.source, name)
            for step in near.steps
            if step.op != "equal"
        )
        replaced = [step for step in near.steps if step.op != "equal"]
        one = len(replaced) == 1 and replaced[0].cited[1] - replaced[0].cited[0] == 1
        framed = one and near.pointers >= 2
        strong = (small or framed) and near.pointers >= 1 and not _ELLIPSIS.search(wanted)
        return strong, "the quotation is too short to recognise a passage in other words by"
    if any(is_unspaced(word.text) for word in near.cited):
        strong = near.score >= RECOGNISED_UNSPACED and near.pointers >= 4
        return strong, "only common words and characters are shared"
    like = likeness(wanted, page[near.start : near.end])
    alike = RESEMBLING[1] if near.pointers > 1 or len(near.cited) > SHORT else ALMOST
    recognised = (
        (near.score >= RECOGNISED and near.pointers >= 2)
        or (near.score >= RESEMBLING[0] and like >= alike and near.pointers >= 1)
        or (near.score >= PHRASE[0] and near.phrase >= PHRASE[1] and near.pointers >= 2)
    )
    return recognised, "only common words, or single ones, are shared"


def _with_another_number(wanted: str, page: str, common: frozenset[str]) -> Near | None:
    """Where a short quotation stands with other numbers in the same places."""
    words = [word.text for word in words_of(wanted)]
    has_number = [any(sign.isdigit() for sign in word) for word in words]
    if not _are_few(wanted) or not any(has_number) or all(has_number) or is_unspaced(words[0]):
        return None
    parts = (
        _ANY_NUMBER if number else re.escape(word)
        for word, number in zip(words, has_number, strict=True)
    )
    found = re.search(rf"(?<!\w){_BETWEEN.join(parts)}(?![\w]|[.,]\d)", page)
    return nearest(wanted, " " * found.start() + found[0], common) if found is not None else None


def _is_slight(near: Near, cited: tuple[int, int], source: tuple[int, int], name: str) -> bool:
    """Whether a change of a short quotation is a number's, a negation's or a spelling's."""
    sides = [
        " ".join(word.text for word in words[begin:end])
        for words, (begin, end) in ((near.cited, cited), (near.source, source))
    ]
    if all(any(sign.isdigit() for sign in side) for side in sides):
        return True
    rests = [
        " ".join(word for word in side.split() if not negations.negations(word, name))
        for side in sides
    ]
    return rests[0] == rests[1] or likeness(*rests) >= 75


def _rendered(difference: tuple[tuple[str, str, str], ...]) -> str:
    """The first changes in words; the others are counted."""
    told = []
    for op, quoted, said in difference[:3]:
        quoted, said = _short(quoted, 60), _short(said, 60)
        match op:
            case "replace":
                told.append(f"cited “{quoted}”, the source says “{said}”")
            case "delete":
                told.append(f"cited “{quoted}”, which the source does not say here")
            case _:
                told.append(f"the source says “{said}”, which is not cited")
    more = len(difference) - len(told)
    return "; ".join([*told, f"and {more} more" if more else ""]).removesuffix("; ")


def _sample(page: str, wanted: str) -> str:
    """Enough of the page, and the words themselves, to tell the language by."""
    return f"{wanted} {page[:1500]}"


def _page_of(pages: tuple[int, ...], place: int) -> int | None:
    """The page on which *place* is, counted from 1, or None where there are no pages."""
    return bisect_right(pages, place) or None


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _short(text: str, most: int) -> str:
    line = _one_line(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"
