"""What is remembered of a look, and what nobody is accused of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.test_look import ARTICLE, HERE, NEWS, WORDS, Words, html, reply
from verifier import sight
from verifier.records import Failure, Quote, Reply, Seen, Truncated

GOOD = reply((HERE, 200, html(f"<p>{WORDS}</p>" + ARTICLE)))
OTHER = reply((HERE, 200, html(NEWS + ARTICLE)))


def cut(whole: Reply, why: Truncated = Truncated.DISCONNECT) -> Reply:
    """The same, broken off."""
    return replace(whole, hops=(replace(whole.last, truncated=why),))


def findings(fetched: Reply, quote: str = WORDS) -> list[Quote | None]:
    """What is said of the quotation."""
    judged = sight.judge(fetched, [Words(quote)])
    return [finding.result if finding is not None else None for finding in judged.findings]


@pytest.mark.parametrize("why", list(Truncated))
def test_what_did_not_come_may_hold_the_words(why: Truncated) -> None:
    """
    A line that broke is no change of the page: nothing is absent or altered in half of it.
    """
    altered = reply((HERE, 200, html(f"<p>{WORDS.replace('spring', 'autumn')}</p>")))

    assert findings(cut(OTHER, why)) == findings(cut(altered, why)) == [None]
    assert findings(cut(GOOD, why)) == [Quote.FOUND]
    assert findings(replace(OTHER, undecoded="broken-encoding")) == [None]
    assert findings(OTHER) == [Quote.ABSENT]


@pytest.mark.parametrize(
    ("why", "fetched", "quote"),
    [
        ("cut", cut(GOOD), WORDS),
        ("still encoded", replace(GOOD, undecoded="broken-encoding"), WORDS),
        ("unverified", replace(GOOD, unverified=Failure.TLS_EXPIRED), WORDS),
        ("a wall", reply((HERE, 200, html("<p>Please verify", "Login required"))), ""),
        ("a refusal", reply((HERE, 403, html(ARTICLE))), ""),
        ("lost", reply((HERE, 200, html("<h1>Page not found</h1>", "Page not found"))), ""),
        ("without the words", OTHER, WORDS),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_surely_the_page_is_not_remembered_as_it(
    why: str, fetched: Reply, quote: str
) -> None:
    """
    A baseline of a wall would call the page itself a stranger's.
    """
    assert not sight.judge(fetched, [Words(quote)], like=True).good, why


@pytest.mark.parametrize(("fetched", "quote"), [(GOOD, WORDS), (OTHER, "")])
def test_a_good_look_is_remembered(fetched: Reply, quote: str) -> None:
    """
    The words are there, or nobody quotes any.
    """
    judged = sight.judge(fetched, [Words(quote)], like=True)

    assert judged.good
    assert judged.likeness is not None
    assert judged.likeness.domain == "a.example"


def test_every_readable_page_has_a_hash_of_its_text() -> None:
    """
    Whether a page changed is asked of pages that nobody quotes, too.
    """
    judged = sight.judge(OTHER, [Words("")])

    assert judged.text is not None
    assert len(judged.text.sha256) == 64
    assert sight.judge(reply((HERE, 404, html(ARTICLE))), []).text is not None


@pytest.mark.parametrize(
    "body",
    [
        html(f"<h1>Page not found</h1><p>{WORDS}</p>", "404 Not Found"),
        html(f"<p>{WORDS}</p><p>This domain is for sale</p>", "a.example is for sale"),
        html(f"<p>{WORDS}</p><input type=password>", "Login required"),
        html(f"<p>{WORDS}</p><div id='px-captcha'></div>", "Access to this page has been denied"),
        html(f"<p>{WORDS}</p>", "Account Suspended"),
    ],
)
def test_the_quotation_outranks_whatever_a_page_looks_like(body: bytes) -> None:
    """
    Who says the words is the source; titles, forms and marks are only hints.
    """
    judged = sight.judge(reply((HERE, 200, body)), [Words(WORDS)])

    assert judged.reading.seen is Seen.ALIVE
    assert [finding and finding.result for finding in judged.findings] == [Quote.FOUND]


def test_the_quotation_outranks_where_a_redirect_leads() -> None:
    """
    Even a front page, a login's address or an address for lost pages may say it.
    """
    said = html(f"<p>{WORDS}</p>")
    for end in ("https://a.example/", "https://a.example/login", "https://a.example/404"):
        judged = sight.judge(reply((HERE, 302, b""), (end, 200, said)), [Words(WORDS)])

        assert judged.reading.seen is Seen.ALIVE
