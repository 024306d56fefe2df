"""The rows of a CSV file as people really make them, each with the line it begins on."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from verifier.errors import InputError
from verifier.hosts import fault_of

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NOT_TEXT = (
    (b"PK\x03\x04", "this is a spreadsheet or another zip file, not CSV"),
    (b"\xd0\xcf\x11\xe0", "this is an old Excel or Word file, not CSV"),
    (b"%PDF-", "this is a PDF, not CSV"),
    (b"\x1f\x8b", "this is a gzip file, not CSV"),
)
_SAVE_AS = 'Save it as "CSV UTF-8 (comma delimited)"'
CURE_FOR_QUOTES = 'Close it, or write "" for a quotation mark inside a quoted cell'
_SEP_LINE = re.compile(r'"?sep=(.)"?,*;*\s*\Z', re.IGNORECASE | re.DOTALL)
_SEPARATORS = ",;\t"
_MENDABLE_LINES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row after the header.

    Attributes:
        line: Physical line on which the row begins, counted from 1.
        cells: As written, spaces included. Where ``broken``, only those before the break.
        stray: A quotation mark stands where CSV has none; the cells are a good guess.
        broken: Why the row cannot be read ("" when it can), as a phrase that fits after a colon.
    """

    line: int
    cells: list[str]
    stray: bool = False
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A CSV file whose header was understood.

    Attributes:
        names: Of the columns: known ones in their plain form, others as written.
        rows: The rows that are not blank and do not repeat the header. To be read once.
        may_have_nul: False where no cell can hold a NUL character.
        warnings: Sentences about the file as a whole.
    """

    names: tuple[str, ...]
    rows: Iterator[Row]
    may_have_nul: bool
    warnings: tuple[str, ...]


def plain_name(name: str) -> str:
    """A column's name without the accidents of writing: ``" Quote-Kind "`` is ``quote_kind``."""
    return re.sub(r"[\s_-]+", "_", name.strip().strip("\ufeff").strip().casefold())


def read_table(
    raw: bytes, *, place: str, known: Collection[str], one_line: Collection[str]
) -> Table:
    """The table in *raw*: encoding, separator and header found out, rows read as they are asked.

    Raises csv's process-wide limit on the size of a cell to the size of *raw* where it is lower,
    and leaves it so: the limit belongs to the process, and lowering it could fail another reader.

    Args:
        place: What errors call the file.
        known: Names of columns that the caller understands, in their plain form; one is ``url``.
        one_line: Those of *known* whose values have no newlines, which tells a quotation mark
            that was never closed from a cell of many lines.

    Raises:
        InputError: The file is empty, is no text, or its header has no column ``url`` or has a
            known column twice.
    """
    text, warnings = _decode(raw, place)
    if csv.field_size_limit() < len(raw):
        csv.field_size_limit(len(raw))
    lines = _Lines(text)
    separator, header = _header(lines, place, known)
    plain = [plain_name(cell) for cell in header]
    if "url" not in plain:
        columns = ", ".join(name.strip()[:40] or '""' for name in header[:20])
        cure = "The first line must name the columns, for example: id,url,quote"
        raise InputError(place, f"no column is called url; the columns are: {columns}", cure)
    for name in known:
        if plain.count(name) > 1:
            raise InputError(place, f"two columns are called {name}", "Rename or remove one")
    names = tuple(p if p in known else cell.strip() for p, cell in zip(plain, header, strict=True))
    reader = _Reader(
        lines,
        separator=separator,
        header=plain,
        one_line=[index for index, name in enumerate(plain) if name in one_line],
    )
    return Table(
        names=names, rows=reader.rows(), may_have_nul=b"\0" in raw, warnings=tuple(warnings)
    )


# ---- bytes to lines ----------------------------------------------------------------------


def _decode(raw: bytes, place: str) -> tuple[Iterator[str], list[str]]:
    """Lines of text with their ends, and what was assumed to get them."""
    for magic, problem in _NOT_TEXT:
        if raw.startswith(magic):
            raise InputError(place, problem, f"{_SAVE_AS} in the program that made it")
    bom, encoding = next(((b, name) for b, name in _BOMS if raw.startswith(b)), (b"", ""))
    encoding = encoding or _utf16_without_bom(raw) or "utf-8"
    body = raw[len(bom) :] if bom else raw
    fault = _undecodable(body, encoding)
    if fault is None:
        return iter(io.TextIOWrapper(io.BytesIO(body), encoding=encoding, newline="")), []
    if bom or encoding != "utf-8" or b"\0" in body:
        what = f"it is no text: byte {fault + len(bom) + 1} is not {encoding.upper()}"
        raise InputError(place, what, _SAVE_AS)
    line = len(body[:fault].splitlines()) or 1
    warning = (
        f"{place} is not UTF-8 (first at line {line}): lines that are not were read as "
        f"Windows-1252, so letters with accents may be wrong. {_SAVE_AS}"
    )
    return _lines_in_two_encodings(body), [warning]


def _utf16_without_bom(raw: bytes) -> str:
    """A header in ASCII has a zero in every second byte when it is UTF-16."""
    start = raw[: min(len(raw), 64) // 2 * 2]
    if len(start) < 6:  # "url" alone
        return ""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    most = len(start) // 2 * 0.8
    if odd >= most and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even >= most and odd == 0 else ""


def _undecodable(body: bytes, encoding: str) -> int | None:
    """Offset of the first byte that is not *encoding*, or None."""
    decoder = codecs.getincrementaldecoder(encoding)()
    step = 1 << 20
    for start in range(0, len(body) + 1, step):
        try:
            decoder.decode(body[start : start + step], final=start + step > len(body))
        except UnicodeDecodeError as error:
            return start + error.start  # up to three bytes late where a piece began inside
    return None


def _lines_in_two_encodings(body: bytes) -> Iterator[str]:
    """Each line as UTF-8, or else as Windows-1252.

    Line by line, because files are put together from pieces: one old line must not spoil the
    accents of all the others.
    """
    for line in body.splitlines(keepends=True):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            try:
                yield line.decode("cp1252")
            except UnicodeDecodeError:  # five bytes have no meaning there
                yield line.decode("latin-1")


class _Lines:
    """Physical lines, counted, of which those of the present row can be read again."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self._again: list[str] = []  # the next one last
        self._before = 0
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._source)
        self.taken.append(line)
        return line

    @property
    def first_line(self) -> int:
        """The physical line on which the present row begins."""
        return self._before + 1

    def begin_row(self) -> None:
        self._before += len(self.taken)
        self.taken = []

    def keep(self, count: int) -> None:
        """Give back all lines of the present row but the first *count*."""
        self._again.extend(reversed(self.taken[count:]))
        del self.taken[count:]


# ---- lines to cells ----------------------------------------------------------------------


def _one_line(line: str, separator: str) -> tuple[list[str], bool]:
    """The cells of *line* read leniently, and whether all its quotation marks are closed."""
    whole = True

    def feed() -> Iterator[str]:
        nonlocal whole
        yield line
        whole = False  # the reader wants more

    cells = next(csv.reader(feed(), delimiter=separator, skipinitialspace=True), [])
    return cells, whole


def _tolerant(text: str, separator: str) -> tuple[list[str] | None, bool]:
    """The cells of a row whose quoting csv refuses, and whether quotation marks are astray.

    Allows spaces after a closing quotation mark, and takes one that neither a separator nor the
    line's end follows for a part of the text. No cells: the text ends inside a quoted one.
    """
    cells: list[str] = []
    stray = False
    at = 0
    ends = re.compile(f"[{re.escape(separator)}\r\n]|\\Z")
    spaces = re.compile(" *" if separator == "\t" else "[ \t]*")

    def after_spaces(position: int) -> int:
        found = spaces.match(text, position)
        return found.end() if found else position

    while True:
        start = after_spaces(at)
        if not text.startswith('"', start):
            end = ends.search(text, at)
            stop = end.start() if end else len(text)
            cells.append(text[at:stop])
        else:
            parts: list[str] = []
            at = start + 1
            while True:
                mark = text.find('"', at)
                if mark < 0:
                    return None, stray
                parts.append(text[at:mark])
                at = mark + 1
                if text.startswith('"', at):
                    parts.append('"')
                    at += 1
                    continue
                stop = after_spaces(at)
                if ends.match(text, stop):
                    break
                parts.append('"')
                stray = True
            cells.append("".join(parts))
        if stop == len(text) or text[stop] in "\r\n":
            return cells, stray
        at = stop + 1


def _header(lines: _Lines, place: str, known: Collection[str]) -> tuple[str, list[str]]:
    """The separator, and the cells of the first line that is not blank."""
    separators = _SEPARATORS
    for line in lines:
        if found := _SEP_LINE.match(line):
            separators = found[1]
        elif line.strip("\ufeff \t\r\n,;"):
            break
        lines.begin_row()
    else:
        cure = "The first line must name the columns, for example: id,url,quote"
        raise InputError(place, "the file is empty", cure)
    if separators in '"\r\n':
        raise InputError(place, "its line sep= names no separator", "Remove that line")
    first = lines.taken[0]

    def names_understood(separator: str) -> tuple[int, int]:
        cells, _ = _one_line(first, separator)
        return len({plain_name(cell) for cell in cells} & set(known)), len(cells)

    separator = max(separators, key=names_understood)
    lines.keep(0)
    try:
        return separator, next(_strict(lines, separator))
    except csv.Error:
        lines.keep(1)
        return separator, _tolerant(first, separator)[0] or _one_line(first, separator)[0]


def _strict(lines: Iterator[str], separator: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)


class _Reader:
    """Reads rows, and finds the next one again after a row that cannot be read."""

    def __init__(
        self, lines: _Lines, *, separator: str, header: list[str], one_line: list[int]
    ) -> None:
        self._lines = lines
        self._separator = separator
        self._header = header
        self._width = len(header)
        self._url = header.index("url")
        self._one_line = one_line

    def rows(self) -> Iterator[Row]:
        lines = self._lines
        lines.begin_row()
        reader = _strict(lines, self._separator)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                row = self._mended()
                reader = _strict(lines, self._separator)
            else:
                row = Row(line=lines.first_line, cells=cells)
                if len(lines.taken) > 1 and self._swallowed_rows(cells):
                    row = self._broken(at_end=False)
                    reader = _strict(lines, self._separator)
            if row.broken or not self._says_nothing(row.cells):
                yield row
            lines.begin_row()

    def _says_nothing(self, cells: list[str]) -> bool:
        if not "".join(cells).strip():
            return True
        return (
            len(cells) == self._width
            and len(cells[self._url]) < 16
            and plain_name(cells[self._url]) == "url"
            and [plain_name(cell) for cell in cells] == self._header
        )

    def _swallowed_rows(self, cells: list[str]) -> bool:
        """Whether a row of several lines is so because a quotation mark was never closed."""
        odd = len(cells) != self._width
        for index in self._one_line if not odd else ():
            cell = cells[index]
            if "\n" in cell or "\r" in cell:
                odd = odd or len(cell.split()) > 1
        return odd and any(self._is_row(line) for line in self._lines.taken[1:])

    def _is_row(self, line: str) -> bool:
        if line.count('"') % 2:  # it holds the end of the cell begun above
            return False
        cells, whole = _one_line(line, self._separator)
        return whole and len(cells) == self._width and not fault_of(cells[self._url].strip())

    def _may_begin_row(self, line: str) -> bool:
        cells, whole = _one_line(line, self._separator)
        if whole:
            return len(cells) == self._width
        return len(cells) > self._url + 1 and not fault_of(cells[self._url].strip())

    def _mended(self) -> Row:
        """The row that csv refused, if its cells can still be told apart."""
        lines = self._lines
        cells, stray = _tolerant(lines.taken[0], self._separator)
        count = 1
        # Over several lines a mark astray is more likely one that was never closed.
        while cells is None and not stray and count < _MENDABLE_LINES:
            count += 1
            if count > len(lines.taken) and next(lines, None) is None:
                break
            cells, stray = _tolerant("".join(lines.taken[:count]), self._separator)
        if cells is not None and len(cells) == self._width and not (stray and count > 1):
            lines.keep(count)
            return Row(line=lines.first_line, cells=cells, stray=stray)
        cells, whole = _one_line(lines.taken[0], self._separator)
        if whole and len(cells) == self._width:
            lines.keep(1)
            return Row(line=lines.first_line, cells=cells, stray=True)
        return self._broken(at_end=next(lines, None) is None)

    def _broken(self, *, at_end: bool) -> Row:
        """Skip to the next line that may begin a row; name what is skipped."""
        lines = self._lines
        swallowed = len(lines.taken)
        count = 1
        while count < swallowed and not self._may_begin_row(lines.taken[count]):
            count += 1
        cells, _ = _one_line(lines.taken[0], self._separator)
        lines.keep(count)
        problem = "a quotation mark is opened in this row and not closed"
        if at_end and swallowed > 1:
            problem += f", which swallows the file to its end ({swallowed} lines)"
        if count > 1:
            problem += f"; lines {lines.first_line} to {lines.first_line + count - 1} are left out"
        return Row(line=lines.first_line, cells=cells[:-1], broken=problem)
