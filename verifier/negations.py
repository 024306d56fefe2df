"""Words that turn a statement round, in the languages of ``negations.toml``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from verifier.typography import normalise

_TABLE = tomllib.loads(resources.files(__package__).joinpath("negations.toml").read_text("utf-8"))
LANGUAGES = tuple(name for name, entry in _TABLE.items() if isinstance(entry, dict))
_ALIASES = {
    **{"no": "nb", "nn": "nb", "iw": "he", "in": "id", "ms": "id", "fil": "tl"},
    **{"bs": "hr", "sh": "hr", "cnr": "hr"},
}
_CYRILLIC = re.compile("[а-яђјљњћџ]")
_STOP = r"\s.,;:!?()\[\]{}|/\"'-"
_NEVER = re.compile(r"(?!)")
# "3 May 1921" takes nothing back.
_MONTH = re.compile(r"(?<=\d )may\b|\bmay(?=,? \d)")
_UNSPACED = ("zh", "ja", "th")
_PLAIN = 4
"""Everyday words of two languages alike from which a text is of either: such are near relatives."""

_LEAST_STEM = 5
"""Letters and star of a stem that may be looked for in a text of any language: "ne*" is not."""
_HAN, _KANA, _THAI = (re.compile(f"[{span}]") for span in ("一-鿿", "ぁ-ヿ", "ก-๛"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """What turns a statement in one language.

    Attributes:
        turning: Finds a negation, a hedge or a contrast in levelled text.
        unsaying: Finds a negation or a hedge.
        negating: Finds a negation.
        dependent: Finds, at the end, a word that makes a clause of what follows it.
        joined: Finds, at the beginning, a word that joins a clause to the one before.
        spared: Finds words that hold one of these by their letters only.
        common: The most frequent small words.
    """

    turning: re.Pattern[str]
    unsaying: re.Pattern[str]
    negating: re.Pattern[str]
    dependent: re.Pattern[str]
    joined: re.Pattern[str]
    spared: re.Pattern[str]
    common: frozenset[str]


@cache
def language(name: str) -> Language:
    """The words of a language; of all of them, without hedges and contrasts, where it is "" ."""
    if not name:
        every = _of_any()
        return Language(
            turning=_pattern(every, spaced=True),
            unsaying=_pattern(every, spaced=True),
            negating=_pattern(every, spaced=True),
            dependent=_NEVER,
            joined=_NEVER,
            spared=_NEVER,
            common=frozenset[str]().union(*(_words(one) for one in LANGUAGES)),
        )
    entry = _TABLE[name]
    spaced = name not in _UNSPACED
    return Language(
        turning=_pattern(
            " ".join((entry["negation"], entry["hedge"], entry["contrast"])), spaced=spaced
        ),
        unsaying=_pattern(" ".join((entry["negation"], entry["hedge"])), spaced=spaced),
        negating=_pattern(entry["negation"], spaced=spaced),
        dependent=_pattern(entry["that"], spaced=spaced, after=r" ?\Z"),
        joined=_pattern(entry["and"], spaced=spaced, before=r"\A[ ,;]*"),
        spared=_pattern(entry.get("spared", ""), spaced=spaced),
        common=_words(name),
    )


def language_of(text: str, lang: str = "") -> str:
    """The language whose words are known here: *lang*'s, else the one that *text* looks like.

    Args:
        text: Levelled.
        lang: A language tag such as ``fa`` or ``pt-BR``, or "".

    Returns:
        A name of LANGUAGES, or "" when nothing tells.
    """
    primary = lang.partition("-")[0].partition("_")[0].strip().lower()
    primary = _ALIASES.get(primary, primary)
    if primary in ("hr", "sr"):  # written in either script
        return "sr" if _CYRILLIC.search(text) else "hr"
    if primary in LANGUAGES:
        return primary
    kana, han, thai = (len(script.findall(text)) for script in (_KANA, _HAN, _THAI))
    if max(kana + han, thai) * 3 > len(text):
        return "th" if thai > kana + han else "ja" if kana * 10 > han else "zh"
    words = text.split()
    hits = {name: sum(word in _words(name) for word in words) for name in LANGUAGES}
    best = max(hits, key=lambda name: hits[name])
    tied = list(hits.values()).count(hits[best]) > 1
    return best if hits[best] >= (_PLAIN if tied else 2) else ""


def turning_word(skipped: str, name: str) -> str:
    """The first word of levelled *skipped* that may turn what stands around it, or "".

    A contrast turns nothing where whole clauses stand on both sides of it: "; it holds, however,
    that" makes two statements of one, and both are the source's.
    """
    words = language(name)
    between = _MONTH.sub(" ", words.spared.sub(" ", skipped))
    is_link = skipped.lstrip()[:1] in (";", ",", ":") and makes_a_clause(skipped, name)
    found = (words.unsaying if is_link else words.turning).search(between)
    return found[0] if found is not None else ""


def makes_a_clause(text: str, name: str) -> bool:
    """Whether levelled *text* ends with a word like "that": what follows depends on it."""
    return language(name).dependent.search(text) is not None


def goes_on(text: str, name: str) -> bool:
    """Whether levelled *text* only adds to what stands before it: ", and it was lit again"."""
    words = language(name)
    found = words.joined.match(text)
    if found is None:
        return False
    rest = words.spared.sub(" ", text[found.end() :]).lstrip()
    turned = words.turning.search(rest)
    return turned is None or turned.start() > 0


def negations(text: str, name: str) -> tuple[str, ...]:
    """The negations in levelled *text*, in order."""
    words = language(name)
    return tuple(found[0] for found in words.negating.finditer(words.spared.sub(" ", text)))


def _of_any() -> str:
    """The negations of every language, but for those that are everyday words of another."""
    found = dict[str, None]()
    for name in LANGUAGES:
        if name in _UNSPACED:
            continue
        others = (other for other in LANGUAGES if other != name)
        said = {word for other in others for word in _words(other) - _denied(other)}
        found |= dict.fromkeys(
            word for word in _TABLE[name]["negation"].split() if word not in said
        )
    return " ".join(word for word in found if "*" not in word or len(word) > _LEAST_STEM)


def _denied(name: str) -> frozenset[str]:
    return frozenset(normalise(_TABLE[name]["negation"]).split())


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(normalise(_TABLE[name]["common"]).split())


def _pattern(words: str, *, spaced: bool, before: str = "", after: str = "") -> re.Pattern[str]:
    if not words:
        return _NEVER
    each = []
    for word in words.split():
        bare = re.escape(normalise(word.strip("*")))
        begin = rf"[^{_STOP}]*" if word.startswith("*") else ""
        end = rf"[^{_STOP}]*" if word.endswith("*") else ""
        each.append(f"{begin}{bare}{end}")
    inner = "|".join(sorted(each, key=len, reverse=True))
    if not spaced:
        return re.compile(rf"{before}(?:{inner}){after}")
    # Apostrophes stand within the words of some lists, and part the words of others.
    return re.compile(rf"{before}(?<![^{_STOP}])(?:{inner})(?![^{_STOP}]){after}")
