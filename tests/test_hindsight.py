"""A quotation that is mended when its page is gone: what we kept of the page still answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback import Site, page
from tests.program import Program

FIRST = "The harbour wall was built in nine years by four hundred men"
SECOND = "The lighthouse beside it was never lit before the war had ended"
NOWHERE = "Seven bridges cross the river between the mill and the sea"
SAYS = page(f"<title>Harbour</title><main><p>{FIRST}.</p><p>{SECOND}.</p></main>")
GONE = page("<h1>Not found</h1>", status=404)
REFUSED = page("<h1>No</h1>", status=403)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        yield served


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def cite(program: Program, url: str, quote: str, **more: str) -> dict[str, object]:
    """The row's audit after a round with this quotation."""
    program.write({"id": "a", "url": url, "quote": quote, **more})
    program.run("run", "--no-preserve")
    return row(program)


def row(program: Program) -> dict[str, object]:
    names = "quote quote_reason quote_since quote_first_found_at quote_local source_says quote_url"
    (values,) = program.sql(f"SELECT {', '.join(names.split())} FROM audit")
    return dict(zip(names.split(), values, strict=True))


@pytest.mark.parametrize("answer", [GONE, REFUSED], ids=["gone", "refused"])
def test_other_words_are_looked_for_in_what_was_kept_of_a_page_that_cannot_be_had(
    program: Program, site: Site, answer: object
) -> None:
    """Whoever mends a misquotation after the page died must hear whether it is right now."""
    url = site.set("/a", SAYS)
    cite(program, url, FIRST)
    ((seen,),) = program.sql("SELECT checked_at FROM checks")
    site.set("/a", answer)  # type: ignore[arg-type]

    found = cite(program, url, SECOND)
    altered = cite(program, url, SECOND.replace("never lit", "lit"))
    absent = cite(program, url, NOWHERE)

    assert found["quote"] == found["quote_local"] == "found"
    assert str(found["quote_reason"]).startswith("local-copy: ")
    assert found["quote_first_found_at"] == found["quote_since"] == seen
    assert altered["quote"] == "altered"
    assert str(altered["quote_reason"]).startswith("never-found: local-copy: ")
    assert "never lit" in str(altered["source_says"])
    assert absent["quote"] == "absent"
    places = program.sql("SELECT found_in, result FROM quote_findings ORDER BY id")
    assert places == [
        ("live", "found"),
        ("local", "found"),
        ("local", "altered"),
        ("local", "absent"),
    ]
    assert program.run("fixity").returncode == 0


def test_it_is_looked_for_once_and_rejudging_changes_nothing(program: Program, site: Site) -> None:
    """Every round would else read the same pages again."""
    url = site.set("/a", SAYS)
    cite(program, url, FIRST)
    site.set("/a", GONE)
    before = cite(program, url, SECOND)
    program.run("run", "--all", "--no-preserve")
    program.run("run", "--rejudge")

    assert row(program) == before
    assert program.sql("SELECT count(*) FROM quote_findings") == [(2,)]


def test_the_page_itself_has_the_last_word_when_it_is_back(program: Program, site: Site) -> None:
    """What was kept speaks only for as long as the page does not."""
    url = site.set("/a", SAYS)
    cite(program, url, FIRST)
    site.set("/a", GONE)
    cite(program, url, SECOND)
    site.set("/a", page(f"<title>Harbour</title><main><p>{FIRST}.</p></main>"))
    program.run("run", "--all", "--no-preserve")

    assert row(program)["quote"] == "absent"
    assert str(row(program)["quote_reason"]).startswith("found-until ")


def test_where_nothing_was_kept_nobody_has_looked(program: Program, site: Site) -> None:
    """That it was not checked is never shown as sound, nor as wrong."""
    url = site.set("/a", SAYS)
    cite(program, url, FIRST, preserve="none")
    site.set("/a", GONE)

    assert cite(program, url, SECOND, preserve="none")["quote"] == "unchecked"
