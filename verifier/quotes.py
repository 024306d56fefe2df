"""Where in a text a quotation stands, and how exactly."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote as percent

from verifier.records import Finding, Quote, Text

CONTEXT = 300
"""Characters kept on either side of a quotation that was found."""

_FOLD = str.maketrans(
    {
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None),
        **dict.fromkeys("‘’‚‛′`´‹›", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
    }
)
_SPACES = re.compile(r"\s+")
_EDGES = " \"'.,;:…"


def normalise(text: str) -> str:
    """*text* with typography levelled: compatibility forms, quotation marks, dashes, spaces, case.

    Idempotent. What it levels is what the contract calls typography, and nothing else.
    """
    once = unicodedata.normalize("NFKC", text.translate(_FOLD)).translate(_FOLD).casefold()
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", once)).strip()


def locate(quotation: str, text: Text) -> Finding:
    """Whether *text* says *quotation* word for word, typography aside.

    Anything but a verbatim match is ``unchecked`` in this version: it is not compared further.
    Quotation marks and punctuation at the quotation's edges are the quoter's own.
    """
    wanted = normalise(quotation).strip(_EDGES)
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


def _whole_words(wanted: str, page: str) -> int | None:
    start = page.find(wanted)
    while start != -1:
        end = start + len(wanted)
        before = page[start - 1] if start else " "
        after = page[end] if end < len(page) else " "
        if not (before.isalnum() and wanted[0].isalnum()) and not (
            after.isalnum() and wanted[-1].isalnum()
        ):
            return start
        start = page.find(wanted, start + 1)
    return None
