"""Pages of PDFs as pictures: the mark stands over the words, and nothing is too large."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from PIL import Image

from tests.typeset import pdf, printed
from verifier import pictures
from verifier.records import Quote

LINES = ["The first line", "of a page on which", "the wells had run dry", "in the end."]


def tinted(picture: pictures.Picture) -> list[int]:
    """The rows of the picture in which something is yellow."""
    image = Image.open(io.BytesIO(picture.png)).convert("RGB")
    rows = []
    for row in range(image.height):
        line = image.crop((0, row, image.width, row + 1)).tobytes()
        if any(line[at] - line[at + 2] > 60 for at in range(0, len(line), 3)):
            rows.append(row)
    return rows


def test_the_mark_is_over_the_words_and_nowhere_else() -> None:
    """
    A mark one line off is a mark on other words.
    """
    picture = pictures.page(printed(LINES), 1, quotation="wells had run dry in")

    assert picture.result is Quote.FOUND
    assert len(picture.boxes) == 2
    first, second = picture.boxes
    scale = picture.height / 842
    # the third line's baseline is 60 + 82 + 2 * 16 points below the top
    baselines = [(842 - 760 + 16 * line) * scale for line in (2, 3)]
    for box, baseline in zip(picture.boxes, baselines, strict=True):
        assert box.top * picture.height < baseline < box.bottom * picture.height + 3
    assert first.left > second.left
    rows = tinted(picture)
    assert rows[0] >= first.top * picture.height - 1
    assert rows[-1] <= second.bottom * picture.height + 4


def test_words_over_a_pages_end_are_marked_on_both() -> None:
    """
    The second half of a sentence is what it turns on.
    """
    file = printed([*LINES, "All of the indus-"], ["tries had to close", "for good."], ["x"])
    quotation = "in the end. All of the industries had to close"

    one, other = (pictures.page(file, number, quotation=quotation) for number in (1, 2))

    assert (len(one.boxes), len(other.boxes)) == (2, 1)
    assert other.boxes[0].top < 0.2


def test_of_words_that_stand_twice_the_right_ones_are_marked() -> None:
    """
    "Run dry" stands in the heading too, but the sentence was quoted.
    """
    file = printed(["dry, they ran", "and the wells ran dry, they", "ran dry"])

    picture = pictures.page(file, 1, quotation="the wells ran dry, they")

    assert len(picture.boxes) == 1
    assert picture.words[picture.start : picture.end].strip() == "the wells ran dry, they"
    assert picture.boxes[0].left > 0.1


@pytest.mark.parametrize("quotation", ["", "Nothing of this stands anywhere on any page"])
def test_without_words_there_is_no_mark(quotation: str) -> None:
    """
    A mark is a claim.
    """
    picture = pictures.page(printed(LINES), 1, quotation=quotation)

    assert picture.boxes == ()
    assert tinted(picture) == []


@pytest.mark.parametrize("ligatures", [(), ("fi", "ff")])
def test_letters_are_found_however_they_are_set(ligatures: Sequence[str]) -> None:
    """
    One sign for two letters shifts every place after it.
    """
    file = pdf(["The office was", "fined in the end"], ligatures=ligatures)

    assert len(pictures.page(file, 1, quotation="office was fined").boxes) == 2


@pytest.mark.parametrize("size", [b"14000 14000", b"10 10", b"30 14000", b"14000 30"])
def test_no_picture_is_too_large(size: bytes) -> None:
    """
    A page of five metres, drawn at the usual scale, would fill the memory.
    """
    file = printed(LINES).replace(b"MediaBox[0 0 595 842]", b"MediaBox[0 0 " + size + b"]")

    picture = pictures.page(file, 1, quotation="the wells had run dry")

    assert 0 < picture.width <= pictures.WIDTH
    assert 0 < picture.height <= pictures.HEIGHT
    assert Image.open(io.BytesIO(picture.png)).size == (picture.width, picture.height)


def test_what_is_no_pdf_says_so() -> None:
    """
    An error page with the name of a PDF is no crash.
    """
    assert pictures.page(b"%PDF-1.7 oh", 1).unreadable
    assert pictures.page(pdf(["x"], password=b"secret"), 1).unreadable
