"""sources.csv, row by row: what is cited, or line, column and cure."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from enum import StrEnum
from operator import itemgetter
from pathlib import Path
from typing import TypeVar, cast

from verifier.errors import InputError
from verifier.hosts import fault_of
from verifier.records import Alternative, Preserve, QuoteKind, RowProblem, Source, SourceList
from verifier.table import CURE_FOR_QUOTES, Row, Table, read_table

COLUMNS = (
    "id", "url", "fetch_url", "quote", "quote_kind", "quote_from", "lang", "locator", "claim",
    "publisher", "title", "published", "accessed", "cited_in", "tags", "note", "archive_url",
    "alt_urls", "preserve",
)  # fmt: skip
RELATIONS = ("same", "translation", "reproduces", "reports")
LONGEST_ID = 200

_ONE_LINE = frozenset(COLUMNS) - {"quote", "claim", "title", "note", "alt_urls", "tags"}
_NOT_IN_AN_ID = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_PREFIX = re.compile(r"\Ahttps?://(?:www\.)?")
_NOT_IN_A_SLUG = re.compile(r"[^a-z0-9]+")
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_CURES = {
    "no-address": "Write the address, or leave the cell empty if nobody knows it",
    "too-long": "Cite a shorter address of the page",
    "no-scheme": "Write the whole address, with https:// or http:// before it",
    "unsupported-scheme": "Give the address of a web page, with https:// or http://",
    "control-character": "Write the address anew, on one line, without invisible characters",
    "space": "Write %20 for a space, or remove it; one address to a cell",
    "no-host": "Write the whole address, such as https://example.org/page",
    "bad-host": "Copy the address again from the browser",
    "bad-port": "Remove the number after the host's colon, or correct it",
}

_Word = TypeVar("_Word", bound=StrEnum)


def read(path: Path) -> SourceList:
    """The sources in the CSV file at *path*, and what is wrong with its rows.

    A row whose address cannot be asked is a source with ``fault``; a date, kind or other value
    that is not understood is dropped and its row kept; a row that cannot be told apart from
    another, or cannot be read, is left out. Each of them is named in ``problems``, by line.

    Defaults for words that are not understood are the cautious ones: ``quote_kind`` becomes
    ``paraphrase``, which accuses nobody, and ``preserve`` becomes ``none``, because what was
    given away cannot be taken back.

    Raises:
        InputError: The file cannot be read, or not as CSV with a column ``url``.
    """
    raw = _bytes_of(path)
    table = read_table(raw, place=str(path), known=COLUMNS, one_line=_ONE_LINE)
    digest = hashlib.sha256(raw).hexdigest()
    del raw
    rows = _Rows(table)
    for row in table.rows:
        rows.add(row)
    return SourceList(
        sources=tuple(rows.sources),
        problems=tuple(rows.problems),
        warnings=table.warnings,
        digest=digest,
    )


def generated_id(url: str) -> str:
    """The id of a row that has none: slug of the address plus six hex digits of its SHA-256.

    ASCII, at most 60 characters. A long slug keeps its beginning and its end, because the
    addresses of one site differ at the end.
    """
    slug = _NOT_IN_A_SLUG.sub("-", _PREFIX.sub("", url.lower(), count=1)).strip("-")
    if len(slug) > 53:
        slug = f"{slug[:20].rstrip('-')}-{slug[-32:].lstrip('-')}"
    digest = hashlib.sha256(url.encode("utf-8")).hexdigest()[:6]
    return f"{slug}-{digest}" if slug else f"row-{digest}"


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        where = f"Looked in {path.absolute().parent}; name another file with --sources"
        raise InputError(str(path), "there is no such file", where) from error
    except IsADirectoryError as error:
        raise InputError(str(path), "this is a folder", "Name a file with --sources") from error
    except PermissionError as error:
        cure = "Let the user that runs verifier read it"
        raise InputError(str(path), "it may not be read", cure) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        cure = "Name a file with --sources"
        raise InputError(str(path), f"it cannot be read: {error}", cure) from error


class _Rows:
    """The rows read so far."""

    def __init__(self, table: Table) -> None:
        self.sources: list[Source] = []
        self.problems: list[RowProblem] = []
        self._names = table.names
        self._width = len(table.names)
        self._may_have_nul = table.may_have_nul
        # A column that the file lacks is read from the empty cell put after the last one.
        self._at = {n: table.names.index(n) if n in table.names else self._width for n in COLUMNS}
        self._known = itemgetter(*(self._at[name] for name in COLUMNS))
        self._extra = [(n, i) for i, n in enumerate(table.names) if n not in COLUMNS]
        self._shared: dict[str, str] = {}
        self._dates: dict[str, str] = {}
        self._shared_pairs: dict[tuple[str, str], tuple[str, str]] = {}
        self._shared_tags: dict[str, tuple[str, ...]] = {"": ()}
        self._lines: dict[str, int] = {}  # of each id
        self._line = 0
        self._id = ""

    def add(self, row: Row) -> None:
        self._line = row.line
        cells = list(map(str.strip, row.cells))
        found = len(cells)
        surplus = any(cells[self._width :])
        cells[self._width :] = []
        cells += [""] * (self._width + 1 - len(cells))
        chosen = cells[self._at["id"]]
        self._id = chosen or self._id_for(cells)
        if row.broken:
            self._skip("", row.broken, CURE_FOR_QUOTES)
            return
        if self._may_have_nul and self._has_nul(cells):
            return
        if surplus:
            problem = f"{found} cells, and the header has {self._width}"
            cure = 'Put a cell that has the separator in it between quotation marks: "a, b"'
            self._skip("", problem, cure)
            return
        if not self._may_be_told_apart(chosen):
            return
        if found < self._width:
            problem = f"{found} cells, and the header has {self._width}"
            self._note("", problem, "The missing ones count as empty; put the separators in")
        if row.stray:
            problem = "a quotation mark stands inside a cell that is not quoted right"
            self._note("", problem, 'Put the cell in " and write "" for each " inside it')
        self._lines[self._id] = row.line
        self.sources.append(self._source(cells))

    def _id_for(self, cells: list[str]) -> str:
        """The id of a row that has none: from its address, else from its words."""
        for name in ("url", "claim", "title", "quote", "note"):
            if words := cells[self._at[name]]:
                return generated_id(words)
        return generated_id(" ".join(cell for cell in cells if cell))

    def _has_nul(self, cells: list[str]) -> bool:
        for name, cell in zip(self._names, cells, strict=False):
            if "\0" in cell:
                self._id = "" if "\0" in self._id else self._id
                self._skip(name, "a NUL character", "Remove it; it often comes with a bad export")
                return True
        return False

    def _may_be_told_apart(self, chosen: str) -> bool:
        """Name what keeps the row's id from being one."""
        if chosen and (found := _NOT_IN_AN_ID.search(chosen)):
            self._id = ""
            problem = f"the invisible character U+{ord(found[0]):04X} in an id"
            self._skip("id", problem, "Write the id anew, on one line")
            return False
        if len(chosen) > LONGEST_ID:
            self._id = ""
            problem = f"an id of {len(chosen)} characters"
            self._skip("id", problem, f"Use at most {LONGEST_ID}")
            return False
        line = self._lines.get(self._id)
        if line is None:
            return True
        if chosen:
            problem = f"the id {chosen!r} is that of line {line} too"
            self._skip("id", problem, "Give each row its own id; this row is left out")
        else:
            problem = f"line {line} has the same address, and neither row tells them apart"
            self._skip("url", problem, "Give each of the two rows an id; this row is left out")
        return False

    def _source(self, cells: list[str]) -> Source:
        (
            _, url, fetch_url, quote, kind, quote_from, lang, locator, claim, publisher, title,
            published, accessed, cited_in, tags, note, archive_url, alt_urls, preserve,
        ) = self._known(cells)  # fmt: skip
        share = self._shared.setdefault
        fault = self._fault("url", url) if url else ""
        if fetch_url and not url:
            cure = "Put the address that is cited in url; until then nothing is fetched"
            self._note("url", "empty, though fetch_url is given", cure)
            fetch_url = ""
        elif fetch_url:
            fault = self._fault("fetch_url", fetch_url) or fault
        if archive_url and self._fault("archive_url", archive_url):
            archive_url = ""
        return Source(
            id=self._id,
            url=url,
            fetch_url=fetch_url,
            quote=quote,
            quote_kind=self._word("quote_kind", kind, QuoteKind.PARAPHRASE)
            if kind
            else QuoteKind.VERBATIM,
            quote_from=self._quote_from(quote_from) if quote_from else "page",
            lang=share(lang, lang),
            locator=share(locator, locator),
            claim=share(claim, claim),
            publisher=share(publisher, publisher),
            title=share(title, title),
            published=self._date("published", published) if published else "",
            accessed=self._date("accessed", accessed) if accessed else "",
            cited_in=share(cited_in, cited_in),
            tags=self._tags(tags),
            note=note,
            archive_url=archive_url,
            alt_urls=self._alternatives(alt_urls) if alt_urls else (),
            preserve=self._word("preserve", preserve, Preserve.NONE)
            if preserve
            else Preserve.PUBLIC,
            extra=self._extras(cells),
            line=self._line,
            fault=fault,
        )

    # ---- the single values ---------------------------------------------------------------

    def _fault(self, column: str, url: str) -> str:
        """The fault of an address, which is named where there is one."""
        fault = fault_of(url)
        if fault:
            rule, _, words = fault.partition(": ")
            self._note(column, f"{rule}: {words}", _CURES[rule])
            return fault if column == "url" else f"{rule}: {column}, {words}"
        return ""

    def _date(self, column: str, text: str) -> str:
        """*text* as it stands where it is a date, else ""."""
        if text in self._dates:
            return self._dates[text]
        try:
            if found := _DATE.fullmatch(text):
                date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
                return self._dates.setdefault(text, text)
            if _TIMESTAMP.fullmatch(text):
                datetime.fromisoformat(text.upper().replace(",", "."))
                return text
        except ValueError:
            problem = f"{text!r} is no day of the calendar"
            self._note(column, problem, "Correct it; until then the row counts as undated")
            return ""
        problem = f"{text[:40]!r} is not understood as a date"
        self._note(column, problem, "Write 2021, 2021-02 or 2021-02-28")
        return ""

    def _word(self, column: str, text: str, cautious: _Word) -> _Word:
        """The word meant; *cautious* for one that is not known."""
        words = type(cautious)
        known = words._value2member_map_.get(text)
        if known is not None:
            return cast("_Word", known)
        try:
            return words(re.sub(r"[\s_-]+", "_", text.lower()))
        except ValueError:
            problem = f"{text[:40]!r} is none of {', '.join(words)}"
            self._note(column, problem, f"Use one of them; until then it counts as {cautious}")
            return cautious

    def _quote_from(self, text: str) -> str:
        for word in ("page", "source"):
            if text.lower() == word:
                return word
        problem = f"{text[:40]!r} is neither page nor source"
        self._note("quote_from", problem, "Use one of them; until then it counts as page")
        return "page"

    def _tags(self, text: str) -> tuple[str, ...]:
        if text not in self._shared_tags:
            words = [word for word in re.split(r"[\s,;]+", text) if word]
            self._shared_tags[text] = tuple(dict.fromkeys(words))
        return self._shared_tags[text]

    def _alternatives(self, text: str) -> tuple[Alternative, ...]:
        kept = []
        for item in text.split():
            relation, _, url = item.partition(":")
            if relation.lower() not in RELATIONS:
                problem = f"{item[:80]!r} does not begin with {', '.join(RELATIONS)} and a colon"
                cure = "Write for example reports:https://example.org/; it is left out until then"
                self._note("alt_urls", problem, cure)
            elif not self._fault("alt_urls", url):
                kept.append(Alternative(relation=relation.lower(), url=url))
        return tuple(kept)

    def _extras(self, cells: list[str]) -> tuple[tuple[str, str], ...]:
        pairs = []
        for name, index in self._extra:
            if name or cells[index]:
                pair = (name or f"column {index + 1}", cells[index])
                pairs.append(self._shared_pairs.setdefault(pair, pair))
        return tuple(pairs)

    def _note(self, column: str, problem: str, cure: str) -> None:
        self.problems.append(self._problem(column, problem, cure, skipped=False))

    def _skip(self, column: str, problem: str, cure: str) -> None:
        self.problems.append(self._problem(column, problem, cure, skipped=True))

    def _problem(self, column: str, problem: str, cure: str, *, skipped: bool) -> RowProblem:
        return RowProblem(
            line=self._line,
            column=column,
            problem=problem,
            cure=cure,
            source_id=self._id,
            skipped=skipped,
        )
