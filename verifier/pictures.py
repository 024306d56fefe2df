"""A page of a PDF as a picture, with the quoted words marked."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verifier import pdf, quotes
from verifier.records import Finding, Quote, QuoteKind, Text

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfDocument, PdfPage

WIDTH, HEIGHT = 1200, 1700
"""Pixels that a picture has at most: a page of A4 or Letter is read well with these."""

MOST_ENLARGED = 4.0
"""Pixels a point, at most; pages may be as small as a stamp."""

_YELLOW, _EDGE = (255, 224, 138), (160, 106, 0)
_MARGIN = 2  # pixels around the words
_TORN = 30  # letters of a word that may stand on the page before or after


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where a line of marked words stands, in parts (0 to 1) of the picture's sides."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A page that can be looked at.

    Attributes:
        number: Of the page, counted from 1; ``pages`` are all of the file.
        png: The picture, the words marked in it; b"" where ``unreadable`` says why.
        boxes: Where the marks are.
        words: What the page says; ``start`` and ``end`` of what is marked, or None.
        result, reason: What was found of the quotation on this page and those beside it.
    """

    number: int
    pages: int
    unreadable: str = ""
    png: bytes = b""
    width: int = 0
    height: int = 0
    boxes: tuple[Box, ...] = ()
    words: str = ""
    start: int | None = None
    end: int | None = None
    result: Quote = Quote.NO_QUOTE
    reason: str = ""


def page(
    content: bytes,
    number: int,
    *,
    quotation: str = "",
    kind: QuoteKind = QuoteKind.VERBATIM,
    lang: str = "",
) -> Picture:
    """A page of a PDF with *quotation*, or what is nearest to it, marked where it stands there.

    The words are looked for on the page and its two neighbours: they may run over a page's end.

    Args:
        number: Counted from 1; the first or last page where the file has no such.
    """
    import pypdfium2  # here: it takes a tenth of a second, and most pages are no PDF

    with pdf.ONE_AT_A_TIME:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            return Picture(number=number, pages=0, unreadable=str(error))
        try:
            pages = len(document)
            number = min(max(number, 1), pages)
            return _page(document, number, pages, quotation=quotation, kind=kind, lang=lang)
        except pypdfium2.PdfiumError as error:
            return Picture(number=number, pages=pages, unreadable=str(error))
        finally:
            document.close()


def _page(
    document: PdfDocument,
    number: int,
    pages: int,
    *,
    quotation: str,
    kind: QuoteKind,
    lang: str,
) -> Picture:
    first = max(0, number - 2)
    words, starts = pdf.words_of(document, range(first, min(pages, number + 1)))
    sought = Text(visible=words, main="", title="", sha256="", version=0, kind="pdf")
    found = quotes.locate(quotation, sought, kind=kind, lang=lang)
    begin = starts[number - 1 - first]
    stop = next(iter(starts[number - first :]), len(words))
    start, end = _within(found, begin, stop)
    shown = document[number - 1]
    try:
        picture = _drawn(shown)
        boxes: tuple[Box, ...] = ()
        if start is not None and end is not None:
            here = words[begin:stop]
            boxes = tuple(_boxes(shown, here, start - begin, end - begin, picture.size))
        return Picture(
            number=number,
            pages=pages,
            png=_png(picture, boxes),
            width=picture.width,
            height=picture.height,
            boxes=boxes,
            words=words[begin:stop],
            start=None if start is None else start - begin,
            end=None if end is None else end - begin,
            result=found.result,
            reason=found.reason,
        )
    finally:
        shown.close()


def _within(found: Finding, begin: int, stop: int) -> tuple[int | None, int | None]:
    """What of the finding stands on this page."""
    if found.start is None or found.end is None or found.start >= stop or found.end <= begin:
        return None, None
    return max(found.start, begin), min(found.end, stop)


def _drawn(page: PdfPage) -> Image:
    width, height = page.get_size()
    scale = min(WIDTH / max(width, 1), HEIGHT / max(height, 1), MOST_ENLARGED)
    bitmap = page.render(scale=scale, may_draw_forms=False, rev_byteorder=True)
    picture: Image = bitmap.to_pil().convert("RGB")
    return picture


def _png(picture: Image, boxes: tuple[Box, ...]) -> bytes:
    """The picture with the boxes tinted, so that the words show through, and underlined."""
    from PIL import Image, ImageChops, ImageDraw

    if boxes:
        tint = Image.new("RGB", picture.size, "white")
        drawn = ImageDraw.Draw(tint)
        for box in boxes:
            left, top, right, bottom = (
                round(box.left * picture.width),
                round(box.top * picture.height),
                round(box.right * picture.width),
                round(box.bottom * picture.height),
            )
            drawn.rectangle((left, top, right, bottom), fill=_YELLOW)
            drawn.rectangle((left, bottom, right, bottom + _MARGIN), fill=_EDGE)
        picture = ImageChops.multiply(picture, tint)
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


# ---- where the words stand ---------------------------------------------------------------


def _boxes(page: PdfPage, words: str, start: int, end: int, size: tuple[int, int]) -> Iterator[Box]:
    """Where *words* from *start* to *end* stand on the page."""
    text = page.get_textpage()
    try:
        place = _signs(text, words, start, end)
        if place is None:
            return
        width, height = size
        for number in range(text.count_rects(place[0], place[1] - place[0])):
            box = _box(page, text.get_rect(number), width, height)
            if box.left < box.right and box.top < box.bottom:  # words may stand off the page
                yield box
    finally:
        text.close()


def _box(page: PdfPage, rect: tuple[float, float, float, float], width: int, height: int) -> Box:
    """A rectangle of the page's own coordinates in those of its picture."""
    import ctypes

    from pypdfium2 import raw

    xs, ys = [], []
    for x, y in ((rect[0], rect[1]), (rect[2], rect[3])):
        left, top = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page, 0, 0, width, height, 0, x, y, left, top)
        xs.append(left.value)
        ys.append(top.value)
    return Box(
        left=max(0, min(xs) - _MARGIN) / width,
        top=max(0, min(ys) - _MARGIN) / height,
        right=min(width, max(xs) + _MARGIN) / width,
        bottom=min(height, max(ys) + _MARGIN) / height,
    )


def _signs(text: Any, words: str, start: int, end: int) -> tuple[int, int] | None:
    """Which signs of the page, as pdfium counts them, the words are; None if they aren't there.

    Letters and digits are compared alone: spaces, hyphens and line ends are where the two
    differ. Of a word that runs over the page's end only a part stands here.
    """
    from pypdfium2 import raw

    letters, places = [], []
    for place in range(text.count_chars()):
        letter = chr(raw.FPDFText_GetUnicode(text, place))
        if letter.isalnum():
            letters.append(letter)
            places.append(place)
    page, wanted = "".join(letters), _letters(words[start:end])
    before = len(_letters(words[:start]))
    for head in range(min(_TORN, len(wanted))):
        for tail in range(min(_TORN, len(wanted) - head)):
            if head and tail:
                break
            part = wanted[head : len(wanted) - tail]
            found = _nearest(page, part, before + head)
            if found is not None:
                return places[found], places[found + len(part) - 1] + 1
    return None


def _nearest(page: str, part: str, place: int) -> int | None:
    """Where *part* stands in *page*, nearest to *place*: running lines shift it a little."""
    places, found = [], page.find(part)
    while found != -1:
        places.append(found)
        found = page.find(part, found + 1)
    return min(places, key=lambda one: abs(one - place), default=None)


def _letters(words: str) -> str:
    return "".join(letter for letter in words if letter.isalnum() and ord(letter) < 0x10000)
