"""Where in a text a quotation stands, and how exactly."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote as percent

from verifier.records import Finding, Quote, Text

CONTEXT = 300
"""Characters kept on either side of a quotation that was found."""

_FOLD = {
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", ""),
    **dict.fromkeys("‘’‚‛′`´‹›ʼ❛❜『』", "'"),
    **dict.fromkeys("“”„‟″«»❝❞〝〞〟「」", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
}
_TYPOGRAPHY = re.compile(f"[{''.join(_FOLD)}]")
_SPACES = re.compile(r"\s+")
_EDGES = " \"'.,;:…"
# What turns the words that follow into others: more of the number, its sign, a negation.
_NUMBER_BEFORE = re.compile(r"(?:\d[.,'/]|(?:\A|[\s(])-)\Z")
_NEGATION_BEFORE = re.compile(r"(?:(?<![^\W_])(?:anti|nicht|non|pseudo|quasi)-|[不未没沒無无非])\Z")
_CHANGE_AFTER = re.compile(r"(?<=\d)[.,'/]\d|-(?:free|less)(?![^\W_])")
_NO_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def normalise(text: str) -> str:
    """*text* with typography levelled: compatibility forms, quotation marks, dashes, spaces, case.

    Idempotent. What it levels is what the contract calls typography, and nothing else.
    """
    if text.isascii():  # most pages: the same in a tenth of the time
        return " ".join(text.replace("`", "'").lower().split())
    once = _level(unicodedata.normalize("NFKC", _level(text))).casefold()
    return " ".join(_level(unicodedata.normalize("NFKC", once)).split())


def _level(text: str) -> str:
    return _TYPOGRAPHY.sub(lambda found: _FOLD[found[0]], text)


def locate(quotation: str, text: Text) -> Finding:
    """Whether *text* says *quotation* word for word, typography aside.

    Anything but a verbatim match is ``unchecked`` in this version: it is not compared further.
    Quotation marks and punctuation at the quotation's edges are the quoter's own.
    """
    wanted = _without_edges(normalise(quotation))
    if not wanted:
        return Finding(result=Quote.NO_QUOTE, reason="no-quote: the row quotes nothing")
    if text.unreadable:
        return Finding(
            result=Quote.UNCHECKED, reason=f"not-read: no text could be had ({text.unreadable})"
        )
    page = normalise(text.visible)
    start = _whole_words(wanted, page)
    if start is None:
        return Finding(
            result=Quote.UNCHECKED,
            reason="not-verbatim: these words do not stand there word for word; "
            "nothing nearer was looked for",
        )
    passage = page[max(0, start - CONTEXT) : start + len(wanted) + CONTEXT]
    return Finding(
        result=Quote.FOUND,
        reason="verbatim: the words stand on the page, typography aside",
        score=100.0,
        start=start,
        passage=passage,
    )


def fragment_url(url: str, quotation: str) -> str:
    """*url* with a text fragment that scrolls a browser to *quotation*.

    Source: WICG "URL Fragment Text Directives", section 3.
    """
    words = _SPACES.sub(" ", quotation).strip(_EDGES + "“”„«»‘’").split(" ")
    if not url or words == [""]:
        return url
    parts = [" ".join(words)] if len(words) <= 10 else [" ".join(words[:4]), " ".join(words[-4:])]
    directive = ",".join(percent(part, safe="").replace("-", "%2D") for part in parts)
    return f"{url.partition('#')[0]}#:~:text={directive}"


def _without_edges(quotation: str) -> str:
    words = quotation.strip(_EDGES)
    edge = quotation[: quotation.find(words)]
    is_decimal = words[:1].isdigit() and edge.endswith(".") and not edge.endswith("..")
    return f".{words}" if is_decimal else words  # ".5" is another number than "5"


def _whole_words(wanted: str, page: str) -> int | None:
    """Where *wanted* stands in *page*, not cut out of a longer word or number, or a negation."""
    start = page.find(wanted)
    while start != -1:
        end = start + len(wanted)
        if not (
            _joined(page[start - 1 : start], wanted[0])
            or _joined(wanted[-1], page[end : end + 1])
            or _is_changed_by(page[max(0, start - 8) : start], wanted[0])
            or _CHANGE_AFTER.match(page, end)
        ):
            return start
        start = page.find(wanted, start + 1)
    return None


def _is_changed_by(before: str, first: str) -> bool:
    in_number = first.isdigit() and _NUMBER_BEFORE.search(before) is not None
    return in_number or _NEGATION_BEFORE.search(before) is not None


def _joined(left: str, right: str) -> bool:
    """Whether no word ends between two neighbouring characters."""
    if not left or not right or not left.isalnum():
        return False
    if unicodedata.category(right).startswith("M"):
        return True
    return right.isalnum() and not _is_of_a_script_without_spaces(left + right)


def _is_of_a_script_without_spaces(characters: str) -> bool:
    return any(unicodedata.name(one, "").startswith(_NO_SPACES) for one in characters)
