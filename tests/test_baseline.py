"""Whether a page is still the one it was: calling a good page hijacked is unforgivable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.test_lookalikes import ARTICLE, SENTENCES, URL, hop, page
from verifier import baseline, verdict
from verifier.outline import read_page
from verifier.records import Baseline, Reading, Reply, Seen

GERMAN = (
    "<p>Der Ausschuss tagte am Dienstag und hörte drei Zeugen, die ausführlich beschrieben, wie "
    "sich der Fluss seit dem Bau des Damms verändert hat und was das für die Dörfer bedeutet.</p>"
    "<p>Niemand im Saal widersprach, als die Vorsitzende den Bericht verlas, und am Ende stimmten "
    "alle dafür, ihn ohne Änderungen zu veröffentlichen und dem Landtag vorzulegen.</p>"
) * 2
CASINO = (
    "<p>Situs slot gacor dan judi togel terpercaya dengan bonus deposit pulsa setiap hari untuk "
    "semua pemain baru yang mendaftar bersama agen resmi kami malam ini juga tanpa potongan.</p>"
    "<p>Mainkan poker, baccarat dan roulette di kasino langsung, raih jackpot maxwin dengan RTP "
    "tertinggi, dan nikmati layanan pelanggan yang siap membantu anda sepanjang hari.</p>"
) * 2


def first_look(title: str, body: str, lang: str = "en", url: str = URL) -> Baseline:
    """What is remembered of this page."""
    read = read_page(page(title, body, lang=lang), "text/html", url)
    assert read is not None
    return baseline.baseline_of(url, title, lang, "\n".join(read.lines))


THEN = first_look("The river report", ARTICLE)


def now(
    title: str,
    body: str,
    lang: str = "en",
    ended: str = URL,
    *,
    quote_found: bool | None = False,
    then: Baseline | None = THEN,
) -> Reading:
    """What this page is taken for, after THEN."""
    content = page(title, body, lang=lang)
    hops = [hop(ended, 200, content, "text/html; charset=utf-8")]
    if ended != URL:
        hops.insert(0, hop(URL, 302, b"", "text/html"))
    reply = Reply(hops=tuple(hops), content=content)
    return verdict.read(reply, quote_found=quote_found, baseline=then)


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.site.example/a", "site.example"),
        ("https://a.b.example.co.uk/", "example.co.uk"),
        ("https://someone.github.io/x", "someone.github.io"),
        ("http://192.0.2.7/", "192.0.2.7"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("http://localhost:8000/", "localhost"),
        ("https://EXAMPLE.com./", "example.com"),
        ("not an address", ""),
    ],
)
def test_a_domain_is_what_somebody_registered(url: str, domain: str) -> None:
    """
    Under co.uk and github.io, neighbours are strangers.
    """
    assert baseline.domain_of(url) == domain


def test_a_page_that_is_foreign_in_every_way_is_hijacked() -> None:
    """
    Another domain, title, language and text, and the quotation gone: nothing of it is left.
    """
    reading = now("Slot gacor", CASINO, "id", "https://slot.example/")

    assert (reading.seen, reading.rule) == (Seen.HIJACKED, "hijacked")
    assert all(word in reading.reason for word in ("domain", "title", "language", "quotation"))


def test_a_casino_on_the_old_name_is_hijacked() -> None:
    """
    Names that ran out are bought for their links: the domain stays, all else is foreign.
    """
    assert now("Slot gacor maxwin", CASINO, "id").rule == "hijacked"


@pytest.mark.parametrize(
    ("why", "reading"),
    [
        ("no baseline", now("Slot", CASINO, "id", "https://slot.example/x", then=None)),
        ("quotation found", now("Slot", CASINO, "id", "https://s.example/", quote_found=True)),
        ("nothing quoted", now("Slot", CASINO, "en", "https://s.example/x", quote_found=None)),
        ("nothing quoted, moved", now("Fluss", GERMAN, "de", URL, quote_found=None)),
        ("a translation", now("Der Flussbericht", GERMAN, "de")),
        ("moved and translated", now("River", GERMAN, "de", "https://n.example/2019/report")),
        ("moved", now("The river report", ARTICLE, "en", "https://n.example/2019/report")),
        ("moved, new title", now("Findings", ARTICLE, "en", "https://n.example/2019/report")),
        ("written anew", now("The river report", GERMAN, "en")),
        ("new title and text, same language", now("Updates", "<p>News.</p>" + ARTICLE[:700])),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_page_that_kept_anything_is_not_hijacked(why: str, reading: Reading) -> None:
    """
    Sites move, translate and rewrite; each of these alone is no theft.
    """
    assert reading.seen is Seen.ALIVE, why


def test_what_is_left_of_a_page_when_it_collapsed_is_not_it() -> None:
    """
    A long report, and now two lines of something else under another title.
    """
    reading = now("Welcome", "<p>Our new site is here. Enjoy.</p>")

    assert (reading.seen, reading.rule) == (Seen.FAILING, "soft-404-collapse")
    assert now("The river report", "<p>Our new site is here. Enjoy.</p>").seen is Seen.ALIVE
    assert now("Welcome", "<p>Our new site.</p>", quote_found=None).seen is Seen.ALIVE


def test_texts_are_alike_as_far_as_they_share_words() -> None:
    """
    The measure must tell versions of one page from pages that only share a language.
    """
    whole = baseline.sketch(" ".join(SENTENCES))
    edited = baseline.sketch(" ".join(SENTENCES[:2]) + " Something else was said in the end.")
    other = baseline.sketch(GERMAN)

    assert baseline.similarity(whole, whole) == 1.0
    assert baseline.similarity(whole, edited) > 0.4
    assert baseline.similarity(whole, other) < 0.1
    assert baseline.similarity((), ()) == 1.0


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Just a few plain English words here", "latin"),
        ("Несколько простых русских слов здесь", "cyrillic"),
        ("这是一个用来测试的中文句子里面有足够多的汉字", "zh"),
        ("これはテストのための日本語の文章です。漢字も入る", "ja"),
        ("هذه جملة عربية بسيطة للاختبار فقط", "arabic"),
        ("short", ""),
    ],
)
def test_the_writing_of_a_text_is_told_from_its_letters(text: str, script: str) -> None:
    """
    Labels lie: site kits write lang="en" over anything.
    """
    assert baseline.script_of(text) == script


def test_a_language_is_foreign_only_where_something_tells() -> None:
    """
    What is unknown must not speak against a page.
    """
    german = replace(THEN, lang="de")

    assert baseline.foreign_language(german, THEN)
    assert baseline.foreign_language(replace(THEN, script="cyrillic"), THEN)
    assert not baseline.foreign_language(replace(THEN, lang="en-GB"), THEN)
    assert not baseline.foreign_language(replace(THEN, lang=""), THEN)
    assert not baseline.foreign_title(replace(THEN, title=""), THEN)
    assert not baseline.foreign_text(replace(THEN, length=10, sketch=()), THEN)


SPORTS = (
    "<h1>Sports betting and casino</h1><p>Sign up now for a welcome bonus, free spins and "
    "the best odds; deposit and withdraw in seconds, and play for real money tonight.</p>"
)


@pytest.mark.parametrize(
    ("title", "url", "seen"),
    [
        ("The river report", URL, Seen.HIJACKED),
        ("Our casino in 1998", URL, Seen.ALIVE),
        ("Our history", "https://www.riverbetting.example/history", Seen.ALIVE),
    ],
)
def test_who_always_sold_that_is_not_taken_over(title: str, url: str, seen: Seen) -> None:
    """
    A bookmaker's new page is a bookmaker's; on a river board's name it is a stranger's.
    """
    then = first_look(title, ARTICLE, url=url)

    reading = now("Casino and betting bonus", SPORTS, ended=url, then=then, quote_found=None)
    assert reading.seen is seen
    assert now("Report", ARTICLE, ended=url, then=then).seen is Seen.ALIVE
