"""The words of a PDF, page by page, as they read once the typesetter's line ends are undone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfTextPage

MOST_PAGES = 3_000
"""Pages that are read of one file: the longest reports of the United Nations have 2,400."""

MOST_CHARACTERS = 8_000_000
"""Characters that are read of one file; a page of prose has about 3,000."""

ONE_AT_A_TIME = Lock()
"""pdfium keeps state of its own for the whole process and must never be entered twice."""

# pdfium writes U+FFFE (older versions U+0002) for a hyphen that it believes to divide a word.
_SIGNS: dict[int, str | int | None] = {
    **dict.fromkeys([*range(9), *range(14, 32), 0x7F], "\ufffd"),
    0x02: "\ufffe",
    0x0B: "\n",
    0x0C: "\n",
    0x0D: None,
    0xFEFF: None,
}
_PAGE = "\f"
_LINE_END_HYPHEN = re.compile(
    r"\b([^\W_]{1,60})(?:\ufffe\s*|[-\u00ad\u2010][ \t]*[\n\f]\s*)(?=([^\W_]{1,60}))"
)
_PAGE_END_WITHIN = re.compile(r"\ufffe([^\W_]+(?:[-\u00ad][^\W_]+)*)")
_WORD = re.compile(r"\w+(?:[-\u2010\u2011]\w+)*")
# Thai, Lao, Burmese, Khmer; Chinese and Japanese with their signs: no space where a line ends.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3001-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60"
)
_LINE_END_WITHIN = re.compile(f"(?<=[{_UNSPACED}])[ \t]*\n[ \t]*(?=[{_UNSPACED}])")
_RTL = re.compile("[\u0590-\u08ff]")
_SIGN_BEFORE_NUMBER = re.compile(
    r"(?<=[\u0590-\u08ff\s])([,.;:!?%،؛؟٪]{1,2})(\d[\d.,:/٫٬]*(?<=\d))(?![\w%٪])"
    r"(?=[^\n]*[\u0590-\u08ff]|[^\S\n]*\n|\Z)"
)
_SPACES = re.compile(r"[ \t]+")
_MEANINGLESS = re.compile("[\ufffd\ue000-\uf8ff]")
_NUMBER = re.compile(r"\d{1,5}")
_COLUMNS = re.compile(r"[ \t]{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a PDF says.

    Attributes:
        words: Pages one after the other, a line feed between them.
        pages: Where in ``words`` each page starts. A page without text starts where the next
            one does.
        title: As the file's metadata has it, or "".
        unreadable: "encrypted", "damaged", "scan" or "garbled" (signs without a meaning), or "".
        cut: The file goes on beyond the bounds above.
    """

    words: str = ""
    pages: tuple[int, ...] = ()
    title: str = ""
    unreadable: str = ""
    cut: bool = False


def read(
    content: bytes, *, most_pages: int = MOST_PAGES, most_characters: int = MOST_CHARACTERS
) -> Reading:
    """The words of a PDF, in the order in which the file shows them. Raises for no bytes.

    Ligatures are their letters: pdfium sees to it. A word that was divided at the end of a line
    is whole again, also across pages; see `healed` for its hyphen. Page numbers, and lines that
    head or foot many pages, are left out where they come again: they would stand amid a sentence
    that goes on on the next page.
    """
    import pypdfium2  # here: it takes a tenth of a second, and most rounds meet no PDF

    with ONE_AT_A_TIME:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            # Where the file has no pages, pdfium tells of the file before it.
            locked = error.err_code in (
                pypdfium2.raw.FPDF_ERR_PASSWORD,
                pypdfium2.raw.FPDF_ERR_SECURITY,
            )
            return Reading(
                unreadable="encrypted" if locked and b"/Encrypt" in content else "damaged"
            )
        try:
            title = _title(document)
            shown, cut = _bounded(document, most_pages, most_characters)
        finally:
            document.close()
    if not any(page is not None for page in shown):
        return Reading(title=title, unreadable="damaged")
    pages = without_running_lines([page or "" for page in shown])
    words, starts = _joined(pages)
    letters = len(words) - sum(map(words.count, " \n"))
    if not letters:
        return Reading(title=title, unreadable="scan", cut=cut)
    if 3 * len(_MEANINGLESS.findall(words)) > letters:
        return Reading(title=title, unreadable="garbled", cut=cut)
    return Reading(words=words, pages=starts, title=title, cut=cut)


def healed(text: str) -> str:
    """*text* with words whole again that were divided at the end of a line.

    Before a capital or a number the hyphen is part of the word. Before a small letter the rest of
    the text decides: "indus-/try" is "industry" when that stands elsewhere, "well-/known" is
    "well-known" when that does. Where neither does, U+00AD (soft hyphen) stands in the word: its
    hyphen may have been the typesetter's or the author's. Form feeds move behind the word.
    """
    known: set[str] = set()

    def whole(found: re.Match[str]) -> str:
        first, second = found[1], found[2]
        if not known:
            known.update(_WORD.findall(text.lower().replace("\u2010", "-").replace("\u2011", "-")))
        left, right, hyphen = first.lower(), second.lower(), "-"
        if second[0].islower() and not first.isdigit() and f"{left}-{right}" not in known:
            hyphen = "" if left + right in known else "\u00ad"
        return f"{first}{hyphen}" + ("\ufffe" if _PAGE in found[0] else "")

    return _PAGE_END_WITHIN.sub(rf"\1{_PAGE}", _LINE_END_HYPHEN.sub(whole, text)).replace(
        "\ufffe", "-"
    )


# ---- with the lock held ------------------------------------------------------------------


def _title(document: Any) -> str:
    try:
        return str(document.get_metadata_value("Title")).replace("\0", "")
    except UnicodeDecodeError:  # half a surrogate pair in a damaged file
        return ""


def words_of(document: PdfDocument, numbers: range) -> tuple[str, tuple[int, ...]]:
    """The words of some pages that follow each other, and where in them each page starts."""
    shown = [page or "" for page in _pages(document, numbers)]
    return _joined(without_running_lines(shown))


def _pages(document: PdfDocument, numbers: range | None = None) -> Iterator[str | None]:
    """The text of each page as pdfium has it; None for a page that it can't read."""
    from pypdfium2 import PdfiumError

    for number in numbers or range(len(document)):
        try:
            page = document[number]
        except PdfiumError:
            yield None
            continue
        try:
            text = page.get_textpage()
            try:
                yield _right_to_left(_SPACES.sub(" ", _words(text).translate(_SIGNS)))
            finally:
                text.close()
        except PdfiumError:
            yield None
        finally:
            page.close()


def _right_to_left(words: str) -> str:
    """*words* with signs behind their numbers again, where the writing runs to the left.

    pdfium takes a number for a piece that runs to the right, and what follows it for its head.
    """
    if _RTL.search(words) is None:
        return words
    return _SIGN_BEFORE_NUMBER.sub(r"\2\1", words)


def _words(text: PdfTextPage) -> str:
    try:
        return str(text.get_text_range())
    except (AssertionError, RecursionError):  # the library is not sure of pdfium's counts
        return str(text.get_text_bounded())


def _bounded(
    document: PdfDocument, most_pages: int, most_characters: int
) -> tuple[list[str | None], bool]:
    """The first pages, and whether there is more."""
    shown: list[str | None] = []
    left = most_characters
    for page in _pages(document):
        if len(shown) == most_pages or (page and left < len(page)):
            return [*shown, page[:left]] if page and len(shown) < most_pages else shown, True
        shown.append(page)
        left -= len(page or "")
    return shown, False


# ---- line ends and page ends -------------------------------------------------------------


def _joined(pages: Sequence[str]) -> tuple[str, tuple[int, ...]]:
    text = _LINE_END_WITHIN.sub("", healed(_PAGE.join(pages)))
    parts = text.split(_PAGE)
    starts = accumulate((len(part) + 1 for part in parts[:-1]), initial=0)
    return "\n".join(parts), tuple(starts)


def without_running_lines(pages: Sequence[str]) -> list[str]:
    """*pages* without their numbers, and without repeated headings and footings."""
    lines = [page.strip().split("\n") for page in pages]
    edges = [
        {key for line in (*page[:2], *page[-2:]) for key in _as_running(line, number)}
        for number, page in enumerate(lines)
    ]
    written = sum(bool(page.strip()) for page in pages)
    often = min(max(3, written // 10), max(2, written - 1))
    running = {key for key, times in Counter(k for e in edges for k in e).items() if times >= often}
    told: set[str] = set()

    def goes(line: str, number: int) -> bool:
        keys = running.intersection(_as_running(line, number))
        if not keys:
            return False
        again = line.strip().isdigit() or bool(keys & told)
        told.update(keys)
        return again

    for number, page in enumerate(lines):
        for edge in (0, -1):
            for _ in range(2):
                if page and goes(page[edge], number):
                    del page[edge]
                else:
                    break
    return ["\n".join(page) for page in lines]


def _as_running(line: str, number: int) -> Iterator[str]:
    """What *line* has in common with its like on other pages, if one of its numbers is the page's.

    A line that only repeats has itself in common.
    """
    words = " ".join(line.split())
    if not words or len(words) > 200:
        return
    if not words.isdigit():
        yield words
    columns = _COLUMNS.split(line.strip())
    if len(columns) > 1:  # left pages and right ones have their parts in another order
        yield from (f"\0{column}" for column in columns if not column.isdigit())
    for found in list(_NUMBER.finditer(words))[:4]:
        yield f"{words[: found.start()]}\0{int(found[0]) - number}{words[found.end() :]}"
