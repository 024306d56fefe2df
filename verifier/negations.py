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
_ALIASES = {"no": "nb", "nn": "nb", "iw": "he", "in": "id", "ms": "id"}
_STOP = r"\s.,;:!?()\[\]{}|/\"'-"
_HAN, _KANA, _THAI = (re.compile(f"[{span}]") for span in ("一-鿿", "ぁ-ヿ", "ก-๛"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """What turns a statement in one language.

    Attributes:
        turning: Finds a negation, a hedge or a contrast in levelled text.
        negating: Finds a negation.
        spared: Finds words that hold one of these by their letters only.
        common: The most frequent small words.
    """

    turning: re.Pattern[str]
    negating: re.Pattern[str]
    spared: re.Pattern[str]
    common: frozenset[str]


@cache
def language(name: str) -> Language:
    """The words of a language; of all of them, without hedges and contrasts, where it is "" ."""
    if not name:
        every = " ".join(_TABLE[one]["negation"] for one in ("en", "de", "fr", "es", "ru", "ar"))
        return Language(
            turning=_pattern(every, spaced=True),
            negating=_pattern(every, spaced=True),
            spared=re.compile(r"(?!)"),
            common=frozenset[str]().union(*(_words(one) for one in LANGUAGES)),
        )
    entry = _TABLE[name]
    spaced = name not in ("zh", "ja", "th")
    return Language(
        turning=_pattern(
            " ".join((entry["negation"], entry["hedge"], entry["contrast"])), spaced=spaced
        ),
        negating=_pattern(entry["negation"], spaced=spaced),
        spared=_pattern(entry.get("spared", ""), spaced=False),
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
    if primary in LANGUAGES:
        return primary
    kana, han, thai = (len(script.findall(text)) for script in (_KANA, _HAN, _THAI))
    if max(kana + han, thai) * 3 > len(text):
        return "th" if thai > kana + han else "ja" if kana * 10 > han else "zh"
    words = text.split()
    hits = {name: sum(word in _words(name) for word in words) for name in LANGUAGES}
    best = max(hits, key=lambda name: hits[name])
    return best if hits[best] >= 2 else ""


def turning_word(skipped: str, name: str) -> str:
    """The first word of levelled *skipped* that may turn what stands around it, or ""."""
    words = language(name)
    found = words.turning.search(words.spared.sub(" ", skipped))
    return found[0] if found is not None else ""


def negations(text: str, name: str) -> tuple[str, ...]:
    """The negations in levelled *text*, in order."""
    words = language(name)
    return tuple(found[0] for found in words.negating.finditer(words.spared.sub(" ", text)))


@cache
def _words(name: str) -> frozenset[str]:
    return frozenset(normalise(_TABLE[name]["common"]).split())


def _pattern(words: str, *, spaced: bool) -> re.Pattern[str]:
    if not words:
        return re.compile(r"(?!)")  # matches nothing
    each = []
    for word in words.split():
        bare = re.escape(normalise(word.strip("*")))
        before = rf"[^{_STOP}]*" if word.startswith("*") else ""
        after = rf"[^{_STOP}]*" if word.endswith("*") else ""
        each.append(f"{before}{bare}{after}")
    inner = "|".join(sorted(each, key=len, reverse=True))
    if not spaced:
        return re.compile(inner)
    # Apostrophes stand within the words of some lists, and part the words of others.
    return re.compile(rf"(?<![^{_STOP}])(?:{inner})(?![^{_STOP}])")
