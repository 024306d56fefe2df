"""sources.csv as people really make it."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from verifier.errors import InputError
from verifier.records import Alternative, Preserve, QuoteKind, RowProblem, Source, SourceList
from verifier.sources import COLUMNS, RELATIONS, generated_id, read

OURS = Path(__file__).parents[1] / "sources.csv"
FACTS = Path(__file__).parents[2] / "shared" / "page" / "sources-facts.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read_bytes(folder: Path, raw: bytes) -> SourceList:
    path = folder / "sources.csv"
    path.write_bytes(raw)
    return read(path)


def read_text(folder: Path, text: str) -> SourceList:
    return read_bytes(folder, text.encode("utf-8"))


def only(listed: SourceList) -> Source:
    assert listed.problems == ()
    (source,) = listed.sources
    return source


def problem(listed: SourceList) -> RowProblem:
    (found,) = listed.problems
    assert found.cure
    assert not found.cure.endswith(".")
    return found


# ---- the file as programs write it -------------------------------------------------------

PLAIN = "id,url,quote\r\n0001,https://example.org/ü,“Grüße, Welt”\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.replace("“Grüße, Welt”", '"“Grüße, Welt”"').encode("utf-8"),
        PLAIN.replace("“Grüße, Welt”", '"“Grüße, Welt”"').encode("utf-8-sig"),
        PLAIN.replace(",", ";").replace("Grüße;", "Grüße,").encode("utf-8"),
        PLAIN.replace(",", "\t").replace("Grüße\t", "Grüße,").encode("utf-8"),
        PLAIN.replace(",", "\t").replace("Grüße\t", "Grüße,").encode("utf-16"),
        PLAIN.replace(",", "\t").replace("Grüße\t", "Grüße,").encode("utf-16-le"),
        PLAIN.replace(",", "\t").replace("Grüße\t", "Grüße,").encode("utf-16-be"),
        codecs.BOM_UTF16_BE + PLAIN.replace("“Grüße, Welt”", '"“Grüße, Welt”"').encode("utf-16-be"),
        PLAIN.replace("“Grüße, Welt”", '"“Grüße, Welt”"').encode("utf-32"),
        PLAIN.replace("“Grüße, Welt”", '"“Grüße, Welt”"').replace("\r\n", "\n").encode(),
        PLAIN.replace("“Grüße, Welt”", '"“Grüße, Welt”"').replace("\r\n", "\r").encode(),
        PLAIN.replace("“Grüße, Welt”", '"“Grüße, Welt”"').rstrip().encode(),
        ("sep=;\r\n" + PLAIN.replace(",", ";").replace("Grüße;", "Grüße,")).encode(),
        ("\ufeffsep=|\r\n" + PLAIN.replace(",", "|").replace("Grüße|", "Grüße,")).encode(),
        ("\r\n \r\n" + PLAIN.replace("“Grüße, Welt”", '"“Grüße, Welt”"')).encode(),
        PLAIN.replace("“Grüße, Welt”", ' "“Grüße, Welt”" ').encode(),
        PLAIN.replace("“Grüße, Welt”", '"  “Grüße, Welt”\t"').encode(),
    ],
)
def test_a_table_reads_the_same_whatever_program_wrote_it(folder: Path, raw: bytes) -> None:
    """Nobody chooses how Excel, LibreOffice or an export writes a file."""
    listed = read_bytes(folder, raw)

    source = only(listed)
    assert (source.id, source.url, source.quote) == (
        "0001",
        "https://example.org/ü",
        "“Grüße, Welt”",
    )
    assert listed.warnings == ()
    assert listed.digest == hashlib.sha256(raw).hexdigest()


def test_windows_1252_is_read_with_a_warning_that_names_the_cure(folder: Path) -> None:
    """A guess at letters decides whether a quotation is found, so it must be seen."""
    text = "id,url,quote\na,https://example.org/,“Grüße” – naïve\n"

    listed = read_bytes(folder, text.encode("cp1252"))

    assert only(listed).quote == "“Grüße” – naïve"
    (warning,) = listed.warnings
    assert "line 2" in warning
    assert "Windows-1252" in warning
    assert "UTF-8" in warning


def test_one_old_line_does_not_spoil_the_accents_of_the_others(folder: Path) -> None:
    """Files are put together from pieces; mojibake in good rows would accuse their sources."""
    lines = ["id,url,quote", "a,https://example.org/a,“naïve”", "b,https://example.org/b,"]
    raw = "\n".join(lines).encode("utf-8") + "señor\x81".encode("latin-1") + b"\n"

    listed = read_bytes(folder, raw)

    assert [source.quote for source in listed.sources] == ["“naïve”", "señor\x81"]
    assert len(listed.warnings) == 1


def test_columns_come_in_any_order_and_spelling_and_strangers_are_carried_along(
    folder: Path,
) -> None:
    """People add columns of their own; losing them would make the file unfit for them."""
    text = (
        "Owner, QUOTE KIND ,Url,,Alt-URLs,owner\n"
        "Ann , Paraphrase ,https://example.org/, x ,same:https://example.net/,Bob\n"
    )

    source = only(read_text(folder, text))

    assert source.quote_kind is QuoteKind.PARAPHRASE
    assert source.alt_urls == (Alternative(relation="same", url="https://example.net/"),)
    assert source.extra == (("Owner", "Ann"), ("column 4", "x"), ("owner", "Bob"))


def test_blank_lines_and_repeated_headers_say_nothing(folder: Path) -> None:
    """Files are glued together; a header in the middle is no source."""
    text = (
        "id,url\na,https://example.org/a\n\n,\n , \nID , URL\n\ufeffid,url\nb,https://example.org/b"
    )

    listed = read_text(folder, text)

    assert listed.problems == ()
    assert [(source.id, source.line) for source in listed.sources] == [("a", 2), ("b", 8)]


def test_lines_are_counted_as_an_editor_counts_them(folder: Path) -> None:
    """A fault that is named in the wrong line is not found."""
    text = 'id,url,quote\r\na,https://example.org/a,"one\r\ntwo\r\n\r\nfour"\r\nb,nowhere,x\r\n'

    listed = read_text(folder, text)

    assert listed.sources[0].quote == "one\r\ntwo\r\n\r\nfour"
    assert listed.sources[1].line == 6
    assert problem(listed).line == 6


def test_a_cell_of_a_megabyte_is_read(folder: Path) -> None:
    """Whole documents are pasted into a cell; csv's own limit is 131,072 characters."""
    words = "a line\r\n" * 150_000

    source = only(read_text(folder, f'id,url,note\na,https://example.org/,"{words}"\n'))

    assert source.note == words.strip()


def test_a_hundred_thousand_rows_are_all_read(folder: Path) -> None:
    """The size the program promises."""
    rows = "".join(f",https://h{n % 500}.example/page/{n},q{n}\n" for n in range(100_000))

    listed = read_text(folder, "id,url,quote\n" + rows)

    assert listed.problems == ()
    assert len({source.id for source in listed.sources}) == 100_000
    assert listed.sources[-1].line == 100_001


# ---- what a row says ---------------------------------------------------------------------


def test_every_known_column_arrives_in_its_field(folder: Path) -> None:
    """A column that is read into the wrong field would be judged as something else."""
    values = {
        "id": "an id with spaces, ümläuts / and more",
        "url": "https://example.org/landing#part",
        "fetch_url": "https://example.org/text",
        "quote": "the words",
        "quote_kind": "translation",
        "quote_from": "source",
        "lang": "fa",
        "locator": "para 22",
        "claim": "a claim",
        "publisher": "a publisher",
        "title": "a title",
        "published": "2021-02",
        "accessed": "2021-02-28T12:00:00Z",
        "cited_in": "a page",
        "tags": "html, claimed;html",
        "note": "a note",
        "archive_url": "https://web.archive.org/web/2020/https://example.org/landing",
        "alt_urls": "reports:https://a.example/?x=1:2 Same:https://b.example/",
        "preserve": "local",
    }
    assert set(values) == set(COLUMNS)
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=sorted(values))
    writer.writeheader()
    writer.writerow(values)

    source = only(read_text(folder, written.getvalue()))

    for name in COLUMNS:
        if name not in {"tags", "alt_urls"}:
            assert getattr(source, name) == values[name], name
    assert source.tags == ("html", "claimed")
    assert source.alt_urls == (
        Alternative(relation="reports", url="https://a.example/?x=1:2"),
        Alternative(relation="same", url="https://b.example/"),
    )
    assert source.address == "https://example.org/text"
    assert source.fault == ""


def test_a_row_with_an_address_alone_has_the_defaults(folder: Path) -> None:
    """One column is all that is required."""
    source = only(read_text(folder, "url\nhttps://www.example.org/a/page.html\n"))

    digest = hashlib.sha256(b"https://www.example.org/a/page.html").hexdigest()[:6]
    assert source == Source(
        id=f"example-org-a-page-html-{digest}", url="https://www.example.org/a/page.html", line=2
    )


def test_generated_ids_are_short_ascii_and_differ_where_addresses_do(folder: Path) -> None:
    """An id stands in addresses and file names, and must be the same in every round."""
    long = "https://example.org/" + "very-long-" * 30
    urls = [f"{long}{n}" for n in range(500)] + ["https://bücher.example/", "https://ü/", long]

    ids = [generated_id(url) for url in urls]

    assert len(set(ids)) == len(urls)
    assert all(name.isascii() and len(name) <= 60 and name == name.lower() for name in ids)
    assert ids == [generated_id(url) for url in urls]


def test_a_claim_without_an_address_is_kept_and_no_problem(folder: Path) -> None:
    """It still needs a source, and is shown as such."""
    listed = read_text(folder, "url,claim,owner\n,Somebody said so,\n,,Ann\n,Another,\n")

    assert listed.problems == ()
    assert [source.url for source in listed.sources] == ["", "", ""]
    assert len({source.id for source in listed.sources}) == 3
    assert all(source.fault == "" and source.id for source in listed.sources)


# ---- wrong rows --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("example.org/page", "no-scheme"),
        ("ftp://example.org/", "unsupported-scheme"),
        ('"https://example.org/a\nb"', "control-character"),
        ("https://example.org/a b", "space"),
        ("https:///path", "no-host"),
        ("http://a:99999/", "bad-port"),
        ("http://[::1", "bad-host"),
    ],
)
def test_a_row_whose_address_cannot_be_asked_is_a_source_with_a_fault(
    folder: Path, url: str, rule: str
) -> None:
    """It is shown as invalid, so that somebody mends it; dropped it would be forgotten."""
    listed = read_text(folder, f"id,url\na,{url}\nb,https://example.org/b\n")

    assert [source.id for source in listed.sources] == ["a", "b"]
    assert listed.sources[0].fault.startswith(f"{rule}: ")
    assert listed.sources[1].fault == ""
    named = problem(listed)
    assert (named.line, named.column, named.skipped, named.source_id) == (2, "url", False, "a")
    assert named.problem.startswith(rule)


def test_a_wrong_fetch_url_is_a_fault_and_not_replaced_by_the_landing_page(folder: Path) -> None:
    """The landing page does not hold the words: checking it would accuse the source."""
    listed = read_text(folder, "id,url,fetch_url\na,https://example.org/,example.org/x\n")

    assert listed.sources[0].fault.startswith("no-scheme: fetch_url")
    assert problem(listed).column == "fetch_url"


def test_a_fetch_url_without_an_address_is_named(folder: Path) -> None:
    """Nothing is cited, so nothing may be fetched in its name."""
    listed = read_text(folder, "id,url,fetch_url\na,,https://example.org/x\n")

    assert listed.sources[0].address == ""
    assert problem(listed).column == "url"


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        ("a,https://example.org/\x00,q\n", "url"),
        ("a,https://example.org/,\x00\n", "quote"),
        ("a\x00,https://example.org/,\n", "id"),
        ("b,https://example.org/2,q\n", "id"),
        ('"a\nx",https://example.org/2,q\n', "id"),
        ("a" * 201 + ",https://example.org/2,q\n", "id"),
        (",https://example.org/x,q\n,https://example.org/x,p\n", "url"),
        ("a,https://example.org/2,he said, then left\n", ""),
    ],
)
def test_a_row_that_cannot_be_trusted_is_left_out_and_named(
    folder: Path, rows: str, column: str
) -> None:
    """Checked under the wrong id or with shifted cells, it would speak for another source."""
    listed = read_text(
        folder, f"id,url,quote\nb,https://example.org/b,\n{rows}c,https://example.org/c,\n"
    )

    assert {"b", "c"} <= {source.id for source in listed.sources}
    named = problem(listed)
    assert (named.column, named.skipped) == (column, True)
    assert named.line >= 3
    assert len(listed.sources) == 2 + (rows.count("/x") == 2)


def test_a_row_left_out_keeps_its_id_so_that_it_is_not_retired(folder: Path) -> None:
    """A typing error must not look as if the source had been given up."""
    listed = read_text(
        folder,
        "id,url,quote\na,https://example.org/a,\x00\nb,https://example.org/b,x,y\n"
        'c,https://example.org/c,"never closed\n',
    )

    assert [named.source_id for named in listed.problems] == ["a", "b", "c"]
    assert all(named.skipped for named in listed.problems)
    assert listed.sources == ()


@pytest.mark.parametrize(
    ("column", "value", "field", "kept"),
    [
        ("published", "2021-02-30", "published", ""),
        ("published", "2021-13", "published", ""),
        ("published", "0000", "published", ""),
        ("accessed", "2021-02-28T25:00", "accessed", ""),
        ("accessed", "28.02.2021", "accessed", ""),
        ("published", "٢٠٢١-02", "published", ""),
        ("quote_kind", "verbatum", "quote_kind", QuoteKind.PARAPHRASE),
        ("quote_from", "book", "quote_from", "page"),
        ("preserve", "privat", "preserve", Preserve.NONE),
        ("archive_url", "web.archive.org/x", "archive_url", ""),
        ("alt_urls", "https://example.net/", "alt_urls", ()),
        ("alt_urls", "mirror:https://example.net/", "alt_urls", ()),
        ("alt_urls", "same:example.net", "alt_urls", ()),
    ],
)
def test_a_value_that_is_not_understood_is_named_and_its_row_checked(
    folder: Path, column: str, value: str, field: str, kept: object
) -> None:
    """The cautious reading: nobody is accused and nothing given away because of a slip."""
    listed = read_text(folder, f"id,url,{column}\na,https://example.org/,{value}\n")

    (source,) = listed.sources
    assert getattr(source, field) == kept
    assert source.fault == ""
    named = problem(listed)
    assert (named.line, named.column, named.skipped) == (2, column, False)
    assert value[:20] in named.problem or column in {"archive_url", "alt_urls"}


@pytest.mark.parametrize(
    "value",
    [
        "2021",
        "2021-02",
        "2020-02-29",
        "2021-02-28T10:11:12Z",
        "2021-02-28 10:11",
        "2021-02-28T10:11:12.123456789+03:30",
        "2021-02-28T10:11+0330",
    ],
)
def test_years_months_days_and_moments_are_dates(folder: Path, value: str) -> None:
    """Often only the year is known; asking for more would make people invent it."""
    assert only(read_text(folder, f"url,published\nhttps://a.example/,{value}\n")).published == (
        value
    )


def test_words_seen_in_one_column_are_not_taken_for_dates_in_another(folder: Path) -> None:
    """Equal values share memory; they must not share their judgement."""
    listed = read_text(folder, "url,title,published\nhttps://a.example/,soon,soon\n")

    assert listed.sources[0].published == ""
    assert problem(listed).column == "published"


def test_missing_cells_are_named_and_surplus_blank_ones_are_not(folder: Path) -> None:
    """Trailing separators are an export's habit; a missing cell may be a slip."""
    listed = read_text(
        folder, "id,url,quote\na,https://example.org/a,x,,\nb,https://example.org/b\n"
    )

    assert [source.id for source in listed.sources] == ["a", "b"]
    assert problem(listed).line == 3
    assert not problem(listed).skipped


# ---- quotation marks gone astray ---------------------------------------------------------


def test_a_quotation_mark_inside_an_unquoted_cell_is_a_part_of_it(folder: Path) -> None:
    """That is how CSV has it: only a mark at the beginning of a cell quotes."""
    source = only(read_text(folder, 'id,url,quote\na,https://example.org/,he said "no"\n'))

    assert source.quote == 'he said "no"'


@pytest.mark.parametrize(
    ("cell", "quote"),
    [('"he said "no" twice"', 'he said "no" twice'), ('"Death" to them', "Death to them")],
)
def test_a_quotation_mark_that_is_not_doubled_is_named_and_the_row_read(
    folder: Path, cell: str, quote: str
) -> None:
    """The cells can still be told apart; whether the words are right, a reader must see."""
    listed = read_text(folder, f"id,url,quote\na,https://a.example/,{cell}\nb,https://b.example/,")

    assert [source.quote for source in listed.sources] == [quote, ""]
    assert (problem(listed).line, problem(listed).skipped) == (2, False)


@pytest.mark.parametrize(
    "rest",
    [
        "b,https://example.org/b,x\nc,https://example.org/c,y\n",
        'b,https://example.org/b,"x"\nc,https://example.org/c,"y"\n',
        'b,https://example.org/b,"x, and ""y"""\nc,https://example.org/c,"two\nlines"\n',
        'b,https://example.org/b,""\nc,https://example.org/c,\n',
    ],
)
def test_a_quotation_mark_never_closed_costs_one_row(folder: Path, rest: str) -> None:
    """It would swallow rows that then count as retired, without a word."""
    listed = read_text(folder, 'id,url,quote\na,https://example.org/a,"never closed\n' + rest)

    assert [source.id for source in listed.sources] == ["b", "c"]
    named = problem(listed)
    assert (named.line, named.skipped, named.source_id) == (2, True, "a")
    assert "not closed" in named.problem


def test_a_quotation_mark_never_closed_in_the_address_costs_one_row(folder: Path) -> None:
    """The swallowed rows then stand in a cell that holds no newlines."""
    listed = read_text(
        folder,
        'id,url,quote\na,"https://example.org/a,x\nb,https://example.org/b,y\n'
        'c,https://example.org/c,"z"\nd,https://example.org/d,\n',
    )

    assert [source.id for source in listed.sources] == ["b", "c", "d"]
    assert (problem(listed).line, problem(listed).skipped) == (2, True)


def test_rows_swallowed_up_to_a_mark_that_happens_to_fit_are_found(folder: Path) -> None:
    """The sign for inches at a line's end closes the quotation as far as CSV can tell."""
    listed = read_text(
        folder,
        'id,url,quote\na,"https://example.org/a,x\nb,https://example.org/b,y\n'
        'c,https://example.org/c,a pipe of 12"\nd,https://example.org/d,\n',
    )

    assert [source.id for source in listed.sources] == ["b", "c", "d"]
    assert listed.sources[1].quote == 'a pipe of 12"'
    assert (problem(listed).line, problem(listed).skipped) == (2, True)


def test_the_lines_of_a_broken_cell_do_not_become_sources(folder: Path) -> None:
    """A scrap of somebody's words is no source, and would be reported as an invalid one."""
    listed = read_text(
        folder,
        'id,url,quote,note\na,https://example.org/a,"He said "no"\nand left",x\n'
        "b,https://example.org/b,,\n",
    )

    assert [source.id for source in listed.sources] == ["b"]
    assert "lines 2 to 3" in problem(listed).problem


@pytest.mark.parametrize("cell", ['"a', '"a""', '""a"', '"a" b "'])
def test_a_file_full_of_marks_gone_astray_is_read_to_its_end(folder: Path, cell: str) -> None:
    """Each row costs its own lines, not the rest of the file: that would take hours."""
    listed = read_text(
        folder, "url,quote\n" + f"https://a.example/,{cell}\n" * 3_000 + "https://b.example/,\n"
    )

    assert listed.sources[-1].url == "https://b.example/"
    assert listed.problems[-1].line in {3_001, 3_000}


# ---- whole files -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\r\n \r\n", "empty"),
        (b"sep=;\r\n", "empty"),
        (b"id,link\na,https://example.org/\n", "id, link"),
        (b"https://example.org/\n", "no column is called url"),
        (b"url,URL\nx,y\n", "two columns are called url"),
        (b"PK\x03\x04\x14\x00", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xff\xfeu\x00r\x00l\x00\n", "no text"),
        (b"\xef\xbb\xbfurl\nhttps://example.org/\xe9\n", "byte 28"),
        (b"url\n\x00\xff\xfe\x80", "no text"),
    ],
)
def test_a_file_that_is_no_table_of_sources_is_refused_with_a_cure(
    folder: Path, raw: bytes, words: str
) -> None:
    """Read as an empty list, it would retire every source."""
    with pytest.raises(InputError) as caught:
        read_bytes(folder, raw)

    assert words in caught.value.problem
    assert caught.value.cure
    assert caught.value.place == str(folder / "sources.csv")


def test_a_missing_file_names_where_it_was_looked_for(folder: Path) -> None:
    """The usual cause is the wrong folder, under cron above all."""
    with pytest.raises(InputError) as caught:
        read(folder / "nowhere" / "sources.csv")

    assert str(folder / "nowhere") in caught.value.cure
    assert "--sources" in caught.value.cure


def test_a_folder_or_a_path_that_is_none_is_refused(folder: Path) -> None:
    """Whatever the system answers becomes our error, with a cure."""
    for path in (folder, Path("a\0b"), folder / ("n" * 300)):
        with pytest.raises(InputError):
            read(path)


def test_a_header_alone_is_a_table_without_sources(folder: Path) -> None:
    """Whether that may retire everything is decided elsewhere; the reader just says so."""
    assert read_text(folder, "id,url\n").sources == ()


# ---- anything ----------------------------------------------------------------------------

_SETTINGS = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
_CELL = st.one_of(
    _TEXT, st.text("\"',;\t\r\n a", max_size=8), st.sampled_from(["", "https://example.org/"])
)


@_SETTINGS
@given(
    st.lists(st.tuples(_CELL, _CELL), max_size=6),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\r\n", "\n", "\r"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
)
def test_what_python_writes_as_csv_reads_back_the_same(
    folder: Path,
    rows: list[tuple[str, str]],
    separator: str,
    newline: str,
    quoting: int,
    encoding: str,
) -> None:
    """Every cell, in every dialect and encoding, apart from spaces at its ends."""
    if newline != "\r\n":  # csv quotes for its own line end only
        quoting = csv.QUOTE_ALL
    written = io.StringIO(newline="")
    writer = csv.writer(
        written,
        delimiter=separator,
        lineterminator=newline,
        quoting=quoting,  # type: ignore[arg-type]
    )
    writer.writerow(["id", "url", "quote", "Mine"])
    for number, (quote, mine) in enumerate(rows):
        writer.writerow([f"{number:04}", f"https://example.org/{number}", quote, mine])

    listed = read_bytes(folder, written.getvalue().encode(encoding))

    assert listed.problems == ()
    assert [(s.id, s.quote, s.extra) for s in listed.sources] == [
        (f"{number:04}", quote.strip(), (("Mine", mine.strip()),))
        for number, (quote, mine) in enumerate(rows)
    ]


@_SETTINGS
@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=200).map(lambda raw: b"id,url,quote,published\n" + raw),
        st.lists(
            st.sampled_from(
                [
                    b'"',
                    b",",
                    b"\n",
                    b"\r",
                    b"a",
                    b"https://a.example/",
                    b"\x00",
                    b"\xe9",
                    b";",
                    b" ",
                ]
            ),
            max_size=60,
        ).map(lambda parts: b"id,url,quote\n" + b"".join(parts)),
    )
)
@example(b'id,url,quote\n"')
@example(b'sep="\nurl')
@example(b"\xff\xfe\x00\x00")
def test_no_bytes_make_the_reader_fail_in_any_other_way(folder: Path, raw: bytes) -> None:
    """A round under cron must end with a sentence, whatever lies in the file."""
    try:
        listed = read_bytes(folder, raw)
    except InputError:
        return

    lines = raw.count(b"\n") + raw.count(b"\r") + 1
    assert len({source.id for source in listed.sources}) == len(listed.sources)
    assert all(1 <= source.line <= lines for source in listed.sources)
    assert all(1 <= named.line <= lines and str(named) for named in listed.problems)


def test_the_page_on_columns_explains_every_one_of_them() -> None:
    """A column that nobody explains is filled in wrongly."""
    explained = (OURS.parent / "docs" / "sources.md").read_text("utf-8")

    missing = [name for name in (*COLUMNS, *RELATIONS) if f"`{name}`" not in explained]
    assert missing == []


# ---- the project's own sources -----------------------------------------------------------


def test_every_row_of_our_own_sources_reads_without_a_problem() -> None:
    """The file that `make run` reads, and the example that people copy."""
    listed = read(OURS)

    assert listed.problems == ()
    assert listed.warnings == ()
    addresses = [source.address for source in listed.sources if source.url]
    assert len(listed.sources) == 61
    assert len(addresses) == 54
    assert len(set(addresses)) == 51
    assert sum(source.url == "" for source in listed.sources) == 7
    assert not any(source.fault for source in listed.sources)
    assert Counter(s.quote_kind.value for s in listed.sources if s.quote) == {
        "verbatim": 38,
        "paraphrase": 14,
        "title": 3,
        "translation": 1,
    }


@pytest.mark.skipif(not FACTS.exists(), reason="the facts lie beside the project, not in it")
def test_no_fact_about_our_sources_was_lost() -> None:
    """Each value of the facts stands in the row, and nothing that was not known was added."""
    with FACTS.open(encoding="utf-8", newline="") as file:
        facts = list(csv.DictReader(file))
    listed = read(OURS)

    assert [source.id for source in listed.sources] == [fact["id"] for fact in facts]
    for source, fact in zip(listed.sources, facts, strict=True):
        extra = dict(source.extra)
        words = "quote_on_the_page" if fact["quote_from"] != "source" else "wording_in_source"
        assert source.quote == fact[words]
        assert source.quote_kind == (fact["quote_kind"] or "verbatim")
        assert source.quote_from == (fact["quote_from"] or "page")
        assert source.note == fact["notes"]
        for name in ("url", "publisher", "title", "published", "claim"):
            assert getattr(source, name) == fact[name]
        for name in ("url_confidence", "wording_in_source", "wording_seen_in"):
            assert extra[name] == fact[name]
        assert extra["claimed_by_the_page"] == fact["claimed_by_the_page"]
        assert fact["kind"] in source.tags
        assert [a.url for a in source.alt_urls] == [
            url for url in fact["alternative_urls"].split(" | ") if url
        ]
        assert {a.relation for a in source.alt_urls} <= set(RELATIONS)
        assert (source.accessed, source.archive_url, source.fetch_url) == ("", "", "")
