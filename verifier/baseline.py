"""Whether a page is still the one it was: kin to what was seen of it first, or foreign to it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import cache
from heapq import nsmallest
from urllib.parse import unquote, urlsplit

from publicsuffixlist import PublicSuffixList

from verifier.outline import fold
from verifier.records import Baseline

SKETCH = 200
"""Shingles kept of a text: enough to tell 0.05 from 0.2 with an error of some 0.02."""

_TOKEN = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff]|[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff]+"
)
"""Words; where words are written without spaces, letters. Three in a row are a shingle."""

_ASCII_TOKEN = re.compile(r"\w+")
"""The same for what is all ASCII, in a third of the time."""

MOST = 8_000
"""Characters of a text that are compared."""

_FOREIGN = 0.03
"""Similarity up to which texts have nothing to do with each other: unrelated pages in one
language share menus' words; measured at 0.00 to 0.02, versions of one page at 0.2 and more."""

_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("arabic", re.compile(r"[\u0600-\u06ff]")),
    ("hebrew", re.compile(r"[\u0590-\u05ff]")),
    ("cyrillic", re.compile(r"[\u0400-\u04ff]")),
    ("greek", re.compile(r"[\u0370-\u03ff]")),
    ("thai", re.compile(r"[\u0e00-\u0e7f]")),
    ("devanagari", re.compile(r"[\u0900-\u097f]")),
    ("latin", re.compile(r"[a-z\u00e0-\u024f]")),
)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=True)


def domain_of(url: str) -> str:
    """The part of an address's host that somebody registered, such as ``example.co.uk``.

    Hosts on which everybody may have a name (``name.github.io``) count as registries. An
    address without such a part, as 192.0.2.1, is its host. Source: the public suffix list.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if not host or ":" in host or host.replace(".", "").isdigit():
        return host
    return str(_suffixes().privatesuffix(host) or host)


def sketch(text: str, *, without: Sequence[str] = ()) -> tuple[int, ...]:
    """A sample of a text's shingles by which texts are compared: the smallest of their hashes.

    Args:
        without: Folded words that are left out: a page's own address, that it may repeat.

    Source: A. Broder, "On the resemblance and containment of documents", 1997.
    """
    words = fold(text[:MOST])
    for name in without:
        words = words.replace(name, " ")
    found = (_ASCII_TOKEN if words.isascii() else _TOKEN).findall(words)
    hashes = [zlib.crc32(token.encode()) for token in found]
    shingles = {
        ((one * 0x9E3779B1 + two) * 0x85EBCA6B + three) & 0xFFFFFFFF
        for one, two, three in zip(hashes, hashes[1:], hashes[2:], strict=False)
    }
    return tuple(nsmallest(SKETCH, shingles))


def similarity(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """How much two texts have in common, from 0 to 1, by their sketches."""
    smallest = nsmallest(SKETCH, {*one, *other})
    if not smallest:
        return 1.0
    both = {*one} & {*other}
    return sum(shingle in both for shingle in smallest) / len(smallest)


def baseline_of(
    url: str, title: str, lang: str, text: str, *, without: Sequence[str] = ()
) -> Baseline:
    """What is remembered of the first good look at a page.

    Args:
        url: Where it was in the end.
        text: Its visible text.
    """
    return Baseline(
        domain=domain_of(url),
        title=title,
        lang=lang,
        script=script_of(text),
        length=len(" ".join(text.split())),
        sketch=sketch(text, without=without),
    )


def names_in(url: str) -> tuple[str, ...]:
    """What a page may repeat of its own address, folded, the longest first."""
    path = unquote(urlsplit(url).path).strip("/")
    name = path.rpartition("/")[2]
    plain = {fold(url), fold(path), fold(name), fold(name.partition(".")[0])}
    plain |= {fold(re.sub(r"[-_+]+", " ", each)) for each in (name, name.partition(".")[0])}
    return tuple(sorted((each for each in plain if len(each) >= 4), key=len, reverse=True))


def script_of(text: str) -> str:
    """The writing that most of a text is in, or "" when there is too little of it."""
    sample = text[:2_000].casefold()
    if sample.isascii():
        return "latin" if sum(map(str.isalpha, sample)) >= 20 else ""
    counts = {name: len(letters.findall(sample)) for name, letters in _SCRIPTS}
    if counts["ja"] * 10 >= counts["zh"] > 0:
        counts["ja"] += counts["zh"]
    name = max(counts, key=lambda each: counts[each])
    return name if counts[name] >= 20 else ""


def foreign_language(now: Baseline, then: Baseline) -> bool:
    """Whether two pages are in different languages, as far as writing or labels tell.

    The writing is believed before the label: site kits write ``lang="en"`` over anything.
    """
    if now.script and then.script and now.script != then.script:
        return True
    one, other = (page.lang.partition("-")[0].partition("_")[0].lower() for page in (now, then))
    return bool(one and other and one != other)


def foreign_title(now: Baseline, then: Baseline) -> bool:
    """Whether two titles share no word of three letters or more; a missing one tells nothing."""
    one, other = (set(re.findall(r"\w{3,}", fold(page.title))) for page in (now, then))
    return bool(one and other and not one & other)


def stranger(now: Baseline, then: Baseline) -> bool:
    """Whether two texts, however short, have not even a phrase in common."""
    return bool(now.sketch and then.sketch) and similarity(now.sketch, then.sketch) <= _FOREIGN


def foreign_text(now: Baseline, then: Baseline) -> bool:
    """Whether two texts have nothing to do with each other."""
    enough = min(now.length, then.length) >= 200
    return enough and similarity(now.sketch, then.sketch) <= _FOREIGN


def collapsed(now: Baseline, then: Baseline) -> bool:
    """Whether hardly anything of a page is left, and that is something else.

    Source: facts/verdict-rules.md, 4.5 (5): the length fell by more than 60 %, and the texts
    have less than 0.2 in common. That the title is another one, too, is ours.
    """
    shrunk = then.length >= 1_000 and now.length < 0.4 * then.length
    return shrunk and foreign_title(now, then) and similarity(now.sketch, then.sketch) < 0.2
