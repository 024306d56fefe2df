"""What the rules say of each labelled case, and which of their errors nobody would forgive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.accuracy.corpus import HALVES, Looked, Pair, looks, pairs
from verifier import baseline, quotes, sight, text
from verifier.records import Baseline, Reply

_RIGHT = {
    "alive": {"alive"},
    "moved": {"moved"},
    "dead": {"failing", "gone"},
    "parked": {"hijacked"},
    "hijacked": {"hijacked"},
    "blocked": {"blocked"},
    "undecided": {"undecided"},
}
"""One look is no answer yet: what it must say, so that the answer is the label in the end."""

_LOST = {"failing", "gone", "hijacked"}
_UNFORGIVABLE = {
    "alive": _LOST,
    "moved": _LOST,
    "blocked": _LOST,
    "altered": {"found"},
    "absent": {"found"},
    "not_comparable": {"found"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A labelled case and what was said of it."""

    half: str
    id: str
    label: str
    said: str
    why: str
    reason: str

    @property
    def right(self) -> bool:
        """Whether the answer is the label's."""
        return self.said in _RIGHT.get(self.label, {self.label})

    @property
    def unforgivable(self) -> bool:
        """Whether somebody would be wronged: a live source struck, a false quotation sound."""
        return self.said in _UNFORGIVABLE.get(self.label, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The cases of one kind, of one half of the corpus."""

    half: str
    name: str
    cases: tuple[Case, ...]

    @property
    def errors(self) -> tuple[Case, ...]:
        """All that is wrong, the worst first."""
        wrong = [case for case in self.cases if not case.right]
        return tuple(sorted(wrong, key=lambda case: not case.unforgivable))

    @property
    def unforgivable(self) -> int:
        """How many errors nobody would forgive."""
        return sum(case.unforgivable for case in self.cases)

    @property
    def accuracy(self) -> float:
        """The part that is right, 0 to 1; of no cases, 1."""
        return 1 - len(self.errors) / len(self.cases) if self.cases else 1.0

    @property
    def table(self) -> Counter[tuple[str, str]]:
        """How often each label was answered how."""
        return Counter((case.label, case.said) for case in self.cases)


def scores(halves: Iterable[str] = HALVES) -> tuple[Score, ...]:
    """Each half's pages and quotations, judged by today's rules; empty ones are left out."""
    found = []
    for half in halves:
        found.append(_score(half, "quotations", [of_pair(pair) for pair in pairs(half)]))
        found.append(_score(half, "pages", [of_look(look) for look in looks(half)]))
    return tuple(score for score in found if score.cases)


def _score(half: str, name: str, cases: Sequence[Case]) -> Score:
    return Score(half=half, name=name, cases=tuple(cases))


def of_pair(pair: Pair) -> Case:
    """What is said of a quotation, over the text as it is extracted from the bytes."""
    seen = text.extract(pair.content, pair.content_type)
    finding = quotes.locate(pair.quote, seen, kind=pair.kind, lang=pair.lang)
    # An empty quotation is nothing that could be looked for; its makers called it absent.
    said = {"no_quote": pair.label}.get(str(finding.result), str(finding.result))
    return Case(
        half=pair.half,
        id=pair.id,
        label=pair.label,
        said=said,
        why=pair.why,
        reason=finding.reason,
    )


def of_look(look: Looked) -> Case:
    """What one look says of a page, beside the page that stood there first where one is known."""
    before = _baseline(look.before) if look.before is not None else None
    reading = sight.judge(look.reply, [look], read=True, baseline=before).reading
    return Case(
        half=look.half,
        id=look.id,
        label=look.label,
        said=str(reading.seen),
        why=look.why,
        reason=f"{reading.rule}: {reading.reason}",
    )


def _baseline(reply: Reply) -> Baseline:
    seen = text.extract(reply.content, reply.last.header("Content-Type"))
    return baseline.baseline_of(reply.last.url, seen.title, seen.lang, seen.visible)
