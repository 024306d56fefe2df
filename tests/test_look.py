"""Second looks: what a page is when its first answer is not believed, and that it stays so."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.loopback import Answer, Authority, Site, Visit, page, redirect
from tests.program import Program
from verifier import sight, verdict
from verifier.look import Looked, Looker, in_a_thread
from verifier.records import (
    Baseline,
    Failure,
    Fetched,
    Hop,
    NoReply,
    QuoteKind,
    Reply,
    Seen,
)

WORDS = "the ferry was sold in the spring of that year to a company from the north"
ARTICLE = (
    "<p>The harbour board met on a Tuesday to hear what the captain had to say of the winter, "
    "and the minutes of that evening fill eleven pages in a careful hand.</p>"
    "<p>Nobody asked about the crane, which had been out of use since the storm, but the "
    "treasurer noted what its repair would cost and who had offered to pay for it.</p>"
)
NEWS = (
    "<h1>The Harbour Gazette</h1><p>All that happens between the two piers, told every morning "
    "since the lighthouse was built, with tide tables and the weather of the day.</p>"
    "<p>Write to the editor, place an advertisement, or find out when the next boat leaves for "
    "the islands; the office is open on weekdays.</p>"
)
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def html(body: str, title: str = "The harbour") -> bytes:
    return f"<!doctype html><html lang=en><title>{title}</title><body>{body}</body></html>".encode()


def reply(*hops: tuple[str, int, bytes]) -> Reply:
    """A chain of answers."""
    made = tuple(
        Hop(
            url=url, requested_at=NOW, request=b"", peer="", version="HTTP/1.1", status=status,
            reason=b"", headers=((b"Content-Type", b"text/html"),), body=body,
        )
        for url, status, body in hops
    )  # fmt: skip
    return Reply(hops=made, content=made[-1].body)


@dataclass(frozen=True)
class Words:
    quote: str
    kind: QuoteKind = QuoteKind.VERBATIM
    lang: str = "en"


class Web:
    """A fetcher that has these pages and notes what it is asked, and how."""

    def __init__(self, **pages: Fetched) -> None:
        self.pages, self.asked = dict(pages), list[tuple[str, bool]]()

    async def get(self, url: str, *, verified: bool = True) -> Fetched:
        """The page, or that nothing is there."""
        self.asked.append((url, verified))
        return self.pages.get(url, reply((url, 404, b"no")))


def look(
    web: Web,
    fetched: Fetched,
    quote: str = WORDS,
    *,
    baseline: Baseline | None = None,
    pause: float = 0.0,
) -> Looked:
    """What the address is in the end."""
    address = "https://a.example/news/old-boat"

    async def known(_: str) -> Baseline | None:
        return baseline

    looker = Looker(
        web,
        in_a_thread,
        quoted={address: [Words(quote)]},
        known=known,
        settled=lambda _: False,
        pause=pause,
        name=lambda: "xqzvbn",
    )
    return asyncio.run(looker.look(address, fetched))


HERE = "https://a.example/news/old-boat"
THERE = "https://a.example/library/vessels/17"
SENDS = html(f'<meta http-equiv="refresh" content="0; url={THERE}">')


# ---- pages that send their readers on ------------------------------------------------------


@pytest.mark.parametrize(
    "sends",
    [
        SENDS,
        html(f"<script>window.location.replace('{THERE}');</script>"),
        html(f'<p>Redirecting…</p><script>location.href = "{THERE}"</script>'),
    ],
)
def test_a_page_that_only_sends_its_readers_on_is_followed(sends: bytes) -> None:
    """
    What is cited stands where the readers are sent; document servers answer so.
    """
    web = Web(**{THERE: reply((THERE, 200, html(f"<p>{WORDS}</p>")))})

    looked = look(web, reply((HERE, 200, sends)))

    assert (looked.judged.reading.seen, looked.judged.reading.rule) == (
        Seen.ALIVE,
        "followed-refresh",
    )
    assert [hop.url for hop in looked.fetched.hops] == [HERE, THERE]
    assert [finding and str(finding.result) for finding in looked.judged.findings] == ["found"]


def test_what_stands_where_the_readers_are_sent_is_judged() -> None:
    """
    A refresh to a page that is gone is a page that is gone.
    """
    assert look(Web(), reply((HERE, 200, SENDS))).judged.reading.rule == "http-404"


def test_pages_that_send_their_readers_round_and_round_are_given_up_and_named() -> None:
    """
    Bounded, and nothing is guessed.
    """
    back = html(f'<meta http-equiv="refresh" content="0; url={HERE}?again">')
    web = Web(
        **{
            THERE: reply((THERE, 200, back)),
            f"{HERE}?again": reply((f"{HERE}?again", 200, SENDS)),
        }
    )

    looked = look(web, reply((HERE, 200, SENDS)))

    assert (looked.judged.reading.seen, looked.judged.reading.rule) == (
        Seen.UNDECIDED,
        "meta-refresh",
    )
    assert len(looked.fetched.hops) == 1 + verdict.FOLLOWED


def test_a_page_that_says_what_is_quoted_is_not_left() -> None:
    """
    The quotation outranks the refresh: many pages renew themselves or leave after a while.
    """
    web = Web()
    here = html(f'<meta http-equiv="refresh" content="9; url={THERE}"><p>{WORDS}</p>')

    looked = look(web, reply((HERE, 200, here)))

    assert looked.judged.reading.seen is Seen.ALIVE
    assert web.asked == []


# ---- beside the page -----------------------------------------------------------------------


def sibling(body: bytes, status: int = 200) -> Web:
    """A site that answers a random name with this."""
    url = "https://a.example/news/xqzvbn"
    return Web(**{url: reply((url, status, body))})


def test_a_server_that_gives_the_same_for_any_name_has_lost_the_page() -> None:
    """
    It says 200 and means 404; only what it says to a name that nobody made tells.
    """
    web = sibling(html(NEWS + "<p>You asked for xqzvbn.</p>", "The Gazette"))

    looked = look(web, reply((HERE, 200, html(NEWS + "<p>You asked for old-boat.</p>", "The G"))))

    assert (looked.judged.reading.seen, looked.judged.reading.rule) == (
        Seen.FAILING,
        "soft-404-sibling",
    )
    assert [probe.url for probe in looked.probes] == ["https://a.example/news/xqzvbn"]
    assert looked.baseline is None


@pytest.mark.parametrize(
    ("what", "web"),
    [
        ("an honest 404", sibling(html("no"), 404)),
        ("another page", sibling(html(ARTICLE))),
        ("a wall", sibling(html(NEWS), 403)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_server_that_tells_names_apart_has_the_page(what: str, web: Web) -> None:
    """
    The quotation is missing, which is another answer than that the page is.
    """
    looked = look(web, reply((HERE, 200, html(NEWS, "The Gazette"))))

    assert looked.judged.reading.seen is Seen.ALIVE, what
    assert [finding and str(finding.result) for finding in looked.judged.findings] == ["absent"]


@pytest.mark.parametrize(
    ("status", "seen"), [(404, Seen.ALIVE), (403, Seen.FAILING), (500, Seen.FAILING)]
)
def test_a_page_that_shrank_is_lost_unless_the_server_is_honest(status: int, seen: Seen) -> None:
    """
    Who rewrites a page and shortens it has not lost it; who says 404 to other names has it.
    """
    was = reply((HERE, 200, html(f"<p>{WORDS}</p>" + 4 * ARTICLE + 4 * NEWS, "The ferry's end")))
    then = sight.judge(was, [], like=True).likeness
    web = sibling(html("no"), status)
    here = reply(
        (
            HERE,
            200,
            html(
                "<p>Our new pages are here, have a look around and write to us "
                "if you miss anything that you liked in the old ones.</p>",
                "Welcome",
            ),
        )
    )

    looked = look(web, here, baseline=then)

    assert (looked.judged.reading.seen, len(looked.probes)) == (seen, 1)


@pytest.mark.parametrize(
    ("what", "body", "title", "quote"),
    [
        ("the words are there", NEWS + f"<p>{WORDS}</p>", "x", WORDS),
        ("nothing is quoted", NEWS, "x", ""),
        ("other words are there", NEWS + f"<p>{WORDS.replace('spring', 'autumn')}</p>", "x", WORDS),
        ("its title is its name", NEWS, "Old boat - Gazette", WORDS),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_nothing_is_asked_beside_a_page_that_is_not_suspicious(
    what: str, body: str, title: str, quote: str
) -> None:
    """
    Each probe is a visit that somebody pays for.
    """
    web = Web()

    looked = look(web, reply((HERE, 200, html(body, title))), quote)

    assert (looked.judged.reading.seen, web.asked) == (Seen.ALIVE, []), what


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://a.example/news/old-boat", "https://a.example/news/N"),
        ("https://a.example/a/b/page.html?x=1", "https://a.example/a/b/N.html"),
        ("https://a.example/2019/05/boat/", "https://a.example/2019/05/N/"),
        ("https://a.example/questions/4417321/why-so", "https://a.example/questions/N"),
        ("https://a.example/story", "https://a.example/N"),
    ],
)
def test_a_sibling_stands_in_the_same_folder(url: str, asked: str) -> None:
    """
    Where a number names the page, the words behind it may be any: they are no sibling's name.
    """
    beside = verdict.sibling_of(url)

    assert beside is not None
    assert beside.url + "N" + beside.after == asked


@pytest.mark.parametrize("url", ["https://a.example/", "https://a.example/index.html"])
def test_a_front_page_has_no_sibling(url: str) -> None:
    """
    Every site answers something at its root.
    """
    assert verdict.sibling_of(url) is None


def test_a_second_look_waits_its_turn() -> None:
    """
    The host's pause lies between any two visits, whatever they are for.
    """
    rests: list[float] = []

    class Noting(Web):
        async def get(self, url: str, *, verified: bool = True) -> Fetched:
            rests.append(asyncio.get_running_loop().time() - began)
            return await super().get(url, verified=verified)

    web = Noting(**{THERE: reply((THERE, 200, html(ARTICLE)))})
    loop = asyncio.new_event_loop()
    began = loop.time()
    loop.close()

    look(web, reply((HERE, 200, SENDS)), "", pause=0.2)

    assert rests[0] >= 0.2


# ---- bad certificates ----------------------------------------------------------------------


def silence(failure: Failure) -> NoReply:
    return NoReply(url=HERE, failure=failure, detail="it has expired", requested_at=NOW)


@pytest.mark.parametrize(
    "failure", [Failure.TLS_EXPIRED, Failure.TLS_WRONG_HOST, Failure.TLS_UNTRUSTED]
)
def test_behind_a_bad_certificate_only_the_quotation_is_believed(failure: Failure) -> None:
    """
    Anybody can send a page there, but who else knows the words?
    """
    says = Web(**{HERE: reply((HERE, 200, html(f"<p>{WORDS}</p>")))})
    says_not = Web(**{HERE: reply((HERE, 200, html(ARTICLE)))})

    found, missing = (look(web, silence(failure)) for web in (says, says_not))

    assert says.asked == says_not.asked == [(HERE, False)]
    assert (found.judged.reading.seen, found.judged.reading.rule) == (Seen.ALIVE, failure)
    assert (missing.judged.reading.seen, missing.judged.reading.rule) == (Seen.FAILING, failure)
    assert missing.judged.reading.transport
    assert found.baseline is missing.baseline is None


def test_nothing_is_believed_of_it_where_nothing_is_quoted() -> None:
    """
    Then there is nothing to know it by, and it isn't asked.
    """
    web = Web()

    looked = look(web, silence(Failure.TLS_EXPIRED), "")

    assert (looked.judged.reading.seen, web.asked) == (Seen.FAILING, [])


def test_a_failure_of_the_second_look_leaves_the_first() -> None:
    """
    The certificate is still what is wrong.
    """
    web = Web(**{HERE: replace(silence(Failure.DISCONNECTED), detail="hung up")})

    looked = look(web, silence(Failure.TLS_EXPIRED))

    assert looked.fetched == silence(Failure.TLS_EXPIRED)
    assert looked.judged.reading.rule == "tls-expired"


# ---- the whole program -----------------------------------------------------------------------


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def gazette(visit: Visit) -> Answer:
    """The same front page for every name."""
    return page(html(NEWS + f"<p>{visit.target}</p>", "The Gazette").decode())


@pytest.fixture
def rounds(program: Program) -> Iterator[tuple[Program, Sequence[Site]]]:
    """A round over an untrusted certificate, a refresh, a soft 404 and a page that stays."""
    with (
        Site() as site,
        Site(tls=Authority(program.folder).context("127.0.0.1")) as old,
    ):
        site.default = gazette
        site.set("/old", page(SENDS.decode().replace(THERE, site.url("/new"))))
        site.set("/new", page(f"<h1>Boats</h1><p>{WORDS}</p>"))
        site.set("/good", page(f"<h1>Boats</h1><p>{WORDS}</p>" + ARTICLE))
        old.default = page(f"<p>{WORDS}</p>")
        program.write(
            {"id": "certificate", "url": old.url("/boat"), "quote": WORDS},
            {"id": "refresh", "url": site.url("/old"), "quote": WORDS},
            {"id": "soft", "url": site.url("/news/vanished"), "quote": WORDS},
            {"id": "good", "url": site.url("/good"), "quote": WORDS},
        )
        program.run("run", "--no-preserve")
        yield program, (site, old)


def test_second_looks_are_stored_and_rejudged_alike(
    rounds: tuple[Program, Sequence[Site]],
) -> None:
    """
    An answer that rests on something that is not stored can't be checked by anybody.
    """
    program, (site, _) = rounds
    assert program.audit("link") == {
        "certificate": "live",
        "refresh": "live",
        "soft": "suspect",
        "good": "live",
    }
    reasons = program.audit("link_reason")
    assert reasons["certificate"].startswith("tls-untrusted: ")
    assert reasons["refresh"].startswith("followed-refresh: ")
    assert reasons["soft"].startswith("soft-404-sibling: ")
    assert program.audit("quote")["certificate"] == "found"
    assert program.audit("final_url")["refresh"] == site.url("/new")
    ((failure, status, sha256),) = program.sql(
        "SELECT failure, status, sha256 FROM checks WHERE source_id = 'certificate'"
    )
    assert (failure, status, len(sha256)) == ("tls-untrusted", 200, 64)
    assert program.sql("SELECT source_id FROM baselines ORDER BY source_id") == [
        ("good",),
        ("refresh",),
    ]
    assert program.sql("SELECT kind, count(*) FROM ledger WHERE kind = 'probe' GROUP BY 1") == [
        ("probe", 1)
    ]
    before, known = program.dump(), program.sql("SELECT * FROM baselines ORDER BY source_id")

    done = program.run("run", "--rejudge")

    assert done.stderr == ""
    assert program.dump() == before
    assert program.sql("SELECT count(*) FROM readings") == [(0,)]
    assert program.sql("SELECT * FROM baselines ORDER BY source_id") == known


def test_baselines_that_were_erased_are_made_again_of_what_is_stored(
    rounds: tuple[Program, Sequence[Site]],
) -> None:
    """
    They are derived: whoever erases them loses nothing.
    """
    program, _ = rounds
    known = program.sql("SELECT * FROM baselines ORDER BY source_id")
    with closing(sqlite3.connect(program.database)) as connection, connection:
        connection.execute("DELETE FROM baselines")

    program.run("run", "--rejudge")

    assert program.sql("SELECT * FROM baselines ORDER BY source_id") == known


def test_a_page_that_was_taken_over_is_known_by_what_it_was(program: Program) -> None:
    """
    Nothing was quoted, and the address answers 200: only its first good look tells.
    """
    with Site() as site, Site("127.0.0.2") as other:
        site.set("/boats", page(html(NEWS + ARTICLE, "The harbour's boats").decode()))
        program.write({"id": "a", "url": site.url("/boats")})
        program.run("run", "--no-preserve")
        site.set("/boats", redirect(other.url("/boats")))
        other.default = page(
            "<html lang='id'><title>Situs slot gacor</title><p>Situs slot gacor dan judi togel "
            "terpercaya dengan bonus deposit pulsa setiap hari untuk semua pemain baru yang "
            "mendaftar bersama agen resmi kami malam ini juga tanpa potongan, mainkan poker, "
            "baccarat dan roulette di kasino langsung serta raih jackpot maxwin.</p>"
        )

        program.run("run", "--no-preserve", "--all")

    assert program.audit("link") == {"a": "hijacked"}
    program.run("run", "--rejudge")
    assert program.audit("link") == {"a": "hijacked"}
