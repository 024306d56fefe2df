"""What the demonstration plays: who cites what, what each page says on which day, and the rounds.

Days are counted from today; today is 0, and all that is told lies before it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, field

from verifier.demo.paper import pdf

ROUNDS = (-45, -30, -16, -12, -8, -4, 0)
"""Days on which a round is played. What breaks, breaks between the second and the third."""

BROKEN, DRIFTED = -20, -3


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a host answers.

    Attributes:
        location: The host and path where it sends its readers, if it does.
        silent: The host hangs up without a word.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    location: tuple[str, str] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """A source of the demonstration's page, and what it answers from which day on.

    Attributes:
        host, path: Without the port, which another start may change; no host: no address.
        answers: ``(day, page)``, in order of days.
        excluded: The archive does not take it, at its owner's wish.
        lost: From this day on the archive no longer shows what it took before.
        look: What a person is to look at; "" where the source is only company.
    """

    id: str
    title: str
    publisher: str
    published: str
    claim: str
    host: str = ""
    path: str = "/"
    quote: str = ""
    quote_kind: str = "verbatim"
    lang: str = "en"
    locator: str = ""
    preserve: str = ""
    note: str = ""
    answers: tuple[tuple[int, Page], ...] = ()
    excluded: bool = False
    lost: int | None = None
    look: str = ""


def _paragraphs(*words: str) -> str:
    return "\n".join(f"<p>{part}</p>" for part in words)


def _page(site: str, title: str, *words: str, status: int = 200, lang: str = "en") -> Page:
    """A page with the furniture that pages have; *words* may hold markup."""
    shown = html.escape(title)
    body = f"""<!doctype html>
<html lang="{lang}">
<head><meta charset="utf-8"><title>{shown} | {html.escape(site)}</title></head>
<body>
<header><p><strong>{html.escape(site)}</strong></p>
<nav><a href="/">Home</a> <a href="/collections">Collections</a> <a href="/visit">Visit</a></nav>
</header>
<main><article>
<h1>{shown}</h1>
{_paragraphs(*words)}
</article></main>
<footer><p>{html.escape(site)}. A page of a demonstration; its contents are invented.</p></footer>
</body></html>
"""
    return Page(status=status, body=body.encode())


def _always(page: Page) -> tuple[tuple[int, Page], ...]:
    return ((ROUNDS[0], page),)


def _until(day: int, page: Page, then: Page) -> tuple[tuple[int, Page], ...]:
    return ((ROUNDS[0], page), (day, then))


_WALL = Page(
    status=403,
    body=b"<!doctype html><title>Just a moment...</title><p>Checking that you are a person.</p>",
    headers=(("cf-mitigated", "challenge"), ("Server", "cloudflare")),
)

_CASINO = Page(
    body=b"""<!doctype html>
<html lang="id"><head><title>Roda Hoki: situs slot gacor dan casino online</title></head><body>
<h1>Roda Hoki</h1>
<p>Roda Hoki adalah situs slot gacor dengan jackpot besar setiap malam. Daftar sekarang dan
dapatkan bonus untuk semua anggota baru.</p>
<p>Mainkan poker, roulette dan baccarat bersama ribuan pemain dari seluruh negeri, langsung dari
telepon anda, kapan saja dan di mana saja.</p>
<p>Kami menerima semua bank dan dompet digital. Agen kami siap membantu anda siang dan malam.</p>
</body></html>
"""
)
"""What moves into a name that nobody renewed."""

_MUSEUM = (
    "The model on the first floor shows Marrow Bridge as it stood on the evening before the flood.",
    "The water rose nine feet in one night, and by morning the lower mill had gone "
    "<em>down the river with its wheel still turning</em>.",
    "Visitors are asked not to touch the wheel.",
)

SOURCES = (
    Cited(
        id="inquiry-1911",
        title="Report of the Inquiry into the Flood at Marrow Bridge",
        publisher="Marrow County Record Office",
        published="1911-12-04",
        claim="The inquiry found that nobody had looked at the upper weir for seven years.",
        host="records",
        path="/flood/inquiry-1911",
        quote="the upper weir had not been examined by any competent person for seven years",
        locator="paragraph 14",
        answers=_always(
            _page(
                "Marrow County Record Office",
                "Report of the Inquiry into the Flood at Marrow Bridge",
                "Transcribed from the copy in the office’s strong-room, box 27.",
                "9. The weir was built in 1843 for the upper mill, of elm and stone, and was "
                "given to the town when the mill was pulled down.",
                "10. From that day on it was everybody’s, and nobody’s.",
                "11. The surveyor’s book has an entry for each spring: “Weir to be seen to.”",
                "12. It is in the same hand each year.",
                "13. On the night of the fourteenth of November the river stood higher than any "
                "man now living had seen it.",
                "14. We find that the <strong>upper weir</strong> had not been examined by any "
                "<a href='/people/surveyors'>compe&shy;tent person</a> for seven years, though "
                "money had been voted for it in each of them.",
                "15. The keeper, Josiah Penn, raised the paddles by hand until the house was "
                "taken from behind him; we record our admiration of his conduct.",
                "16. We make no finding against the mill company, whose books were lost.",
                "17. We recommend that the weir be built anew, of stone throughout, and that the "
                "keeper’s house be put on the higher bank.",
                "18. We recommend that somebody be named whose duty it is to look at it.",
            )
        ),
        look="found: the archived copy opens at the quoted words, marked across a link and a "
        "soft hyphen",
    ),
    Cited(
        id="chronicle-homeless",
        title="The weir gives way",
        publisher="The Marrow Bridge Chronicle",
        published="1911-11-15",
        claim="Some forty families lost their roofs.",
        host="chronicle",
        path="/1911/11/15/weir-gives-way",
        quote="at least four hundred families lost everything they had in a single night",
        answers=_always(
            _page(
                "The Marrow Bridge Chronicle",
                "The weir gives way",
                "From our own reporter, by the last wire before the line went down.",
                "Mr. Alder, the relieving officer, told us that at least forty families lost "
                "their roofs in a single night, and that the Corn Exchange would be opened.",
                "The gasworks are under water and the town is lit by candles.",
            )
        ),
        look="altered: the page says four hundred families, the source forty",
    ),
    Cited(
        id="museum-wheel",
        title="The flood model",
        publisher="Marrow Bridge Museum",
        published="2016",
        claim="The lower mill was carried away whole.",
        host="museum",
        path="/exhibits/flood-model",
        quote="down the river with its wheel still turning",
        answers=_until(
            DRIFTED,
            _page("Marrow Bridge Museum", "The flood model", *_MUSEUM),
            _page(
                "Marrow Bridge Museum",
                "The flood model",
                _MUSEUM[0],
                "The water rose nine feet in one night, and by morning the lower mill had gone "
                "down the river, although its wheel was found later at Osier Lock.",
                _MUSEUM[2],
            ),
        ),
        look="news of the last round: the page was edited, and no longer says what is quoted",
    ),
    Cited(
        id="minutes-1912",
        title="Minutes of the Rebuilding Committee",
        publisher="Marrow Bridge Town Council",
        published="1912-02-20",
        claim="The new weir was to cost no more than the old one had in repairs.",
        host="council",
        path="/archive/minutes-1912.pdf",
        quote="the cost of the new weir shall not exceed what the old one has swallowed in repairs",
        locator="page 2",
        answers=_always(
            Page(
                content_type="application/pdf",
                body=pdf(
                    (
                        (
                            "MARROW BRIDGE TOWN COUNCIL",
                            "",
                            "Minutes of the Rebuilding Committee, 20 February 1912",
                            "",
                            "Present: Alderman Tully in the chair; Messrs. Alder, Crane, Dunnock;",
                            "Miss H. Penn for the Relief Fund.",
                        ),
                        (
                            "3. Resolved, that the cost of the new weir shall not exceed what the",
                            "old one has swallowed in repairs, namely two thousand pounds.",
                            "",
                            "4. Miss Penn asked that the keeper's house be built on the other",
                            "bank. Agreed.",
                        ),
                    ),
                    title="Minutes of the Rebuilding Committee",
                ),
            )
        ),
        look="found on page 2 of a PDF",
    ),
    Cited(
        id="parish-newsletter",
        title="The bell that rang by itself",
        publisher="St. Osyth’s parish newsletter",
        published="1998-03",
        claim="The bell of St. Osyth’s was heard although nobody was in the tower.",
        host="parish",
        path="/newsletter/1998-03",
        quote="the tenor bell rang four times with nobody at the rope",
        answers=_until(
            BROKEN,
            _page(
                "St. Osyth’s",
                "The bell that rang by itself",
                "My grandmother always said that the tenor bell rang four times with nobody at "
                "the rope, and that the whole of Church Row heard it.",
            ),
            Page(status=301, location=("st-osyth", "/newsletter/1998-03")),
        ),
        look="moved for good: the report names the new address",
    ),
    Cited(
        id="angling-club",
        title="A short history of the club",
        publisher="Marrow Angling Club",
        published="2009",
        claim="No trout were caught above the bridge for three years.",
        host="angling",
        path="/history.html",
        quote="not one trout was taken above the bridge for three seasons",
        answers=_until(
            BROKEN,
            _page(
                "Marrow Angling Club",
                "A short history of the club",
                "After the flood not one trout was taken above the bridge for three seasons, and "
                "the members took to bowls.",
            ),
            _page("Marrow Angling Club", "Not found", "There is no such page.", status=404),
        ),
        look="dead: three strikes, more than 72 hours apart; the archive’s copy can be cited",
    ),
    Cited(
        id="school-centenary",
        title="Our school in the flood",
        publisher="Bridge Street School",
        published="1983",
        claim="Lessons were held in the Corn Exchange.",
        host="school",
        path="/centenary",
        answers=_until(
            BROKEN,
            _page(
                "Bridge Street School",
                "Our school in the flood",
                "Until Easter lessons were held in the Corn Exchange, between the sacks.",
            ),
            _page("Bridge Street School", "Gone", "This page was taken down.", status=410),
        ),
        look="dead after the second 410: the server itself says that it is gone",
    ),
    Cited(
        id="flood-plan",
        title="Flood plan for the lower town",
        publisher="Marrow District Council",
        published="2011",
        claim="The lower town is still at risk once in a hundred years.",
        host="district",
        path="/services/flood-plan",
        quote="the lower town must expect such a flood once in a hundred years",
        answers=_until(
            BROKEN,
            _page(
                "Marrow District Council",
                "Flood plan for the lower town",
                "Even with the new weir the lower town must expect such a flood once in a "
                "hundred years.",
            ),
            _page(
                "Marrow District Council",
                "Page not found",
                "Sorry, the page you are looking for could not be found. It may have been moved.",
            ),
        ),
        look="a lost page that answers 200: told from a page that is there",
    ),
    Cited(
        id="heritage-trust",
        title="The weir keeper’s house",
        publisher="Marrow Heritage Trust",
        published="2018",
        claim="The keeper’s house was rebuilt on the other bank.",
        host="heritage-trust",
        path="/places/keepers-house",
        quote="rebuilt stone by stone on the far bank",
        answers=_always(_WALL),
        look="blocked: a bot wall refuses us; that says nothing against the source",
    ),
    Cited(
        id="gazette-notice",
        title="Notice to claimants",
        publisher="The County Gazette",
        published="1912-01-06",
        claim="Claims had to be made by Lady Day.",
        host="gazette",
        path="/1912/01/06/notice",
        answers=_always(_page("The County Gazette", "Subscribers only", "Log in.", status=401)),
        look="live by a person’s word, shown as such: she saw it as a subscriber",
    ),
    Cited(
        id="millers-guild",
        title="The lower mill and its owners",
        publisher="The Millers’ Guild of Marrow",
        published="2004",
        claim="The mill had changed hands three times in ten years.",
        host="millers-guild",
        path="/lower-mill",
        quote="the lower mill had been sold three times in ten years",
        answers=_until(
            BROKEN,
            _page(
                "The Millers’ Guild of Marrow",
                "The lower mill and its owners",
                "By the summer of 1911 the lower mill had been sold three times in ten years, and "
                "nobody could say who had to mend the sluice.",
            ),
            _CASINO,
        ),
        look="hijacked: somebody else’s page now; the copy is named, never the new owner",
    ),
    Cited(
        id="weather-diary",
        title="Rainfall at Marrow Bridge, 1900 to 1920",
        publisher="Marrow Weather Diary",
        published="2001",
        claim="It had rained for eleven days.",
        host="weather",
        path="/1911/november",
        quote="rain fell on each of the eleven days before the flood",
        answers=_until(
            BROKEN,
            _page(
                "Marrow Weather Diary",
                "Rainfall at Marrow Bridge, 1900 to 1920",
                "November 1911: rain fell on each of the eleven days before the flood, "
                "6.2 inches in all.",
            ),
            Page(silent=True),
        ),
        look="dead: the host hangs up on everybody",
    ),
    Cited(
        id="library-song",
        title="Songs of the Marrow valley",
        publisher="Marrow Bridge Library",
        published="1934",
        claim="A song about the keeper was sung in the valley.",
        host="library",
        path="/songs",
        quote="old Josiah Penn went down to drown and left his lamp alight",
        lost=-15,
        answers=_always(
            _page(
                "Marrow Bridge Library",
                "Songs of the Marrow valley",
                "The collection holds forty songs, of which six are about sheep.",
                "The keeper of the weir is named in two of them; the tunes are lost.",
            )
        ),
        look="absent: nothing like it stands there; and the archive lost its copy, so that another "
        "was asked for",
    ),
    Cited(
        id="zeitung-1911",
        title="Überschwemmung in Marrow Bridge",
        publisher="Neue Illustrierte Zeitung",
        published="1911-11-21",
        claim="The flood was news abroad within the week.",
        host="zeitung",
        path="/1911/november/21",
        quote="the bridge alone was left standing, and the town on both sides of it was a lake",
        quote_kind="translation",
        answers=_always(
            _page(
                "Neue Illustrierte Zeitung",
                "Überschwemmung in Marrow Bridge",
                "Allein die Brücke blieb stehen, und die Stadt war zu beiden Seiten ein See.",
                "Der Schaden wird auf achtzigtausend Pfund geschätzt.",
                lang="de",
            )
        ),
        look="not comparable: a translation is not found word by word, and nobody is accused",
    ),
    Cited(
        id="penn-letters",
        title="Letters of Hannah Penn",
        publisher="The Penn family",
        published="1911",
        claim="The keeper’s daughter held the lamp.",
        host="penn-family",
        path="/letters/3",
        quote="I held the lamp until my arm was past feeling",
        preserve="local",
        note="Shown to us by the family; no copy for the public.",
        answers=_always(
            _page(
                "The Penn family",
                "Letters of Hannah Penn",
                "I held the lamp until my arm was past feeling, and Father went on winding.",
            )
        ),
        look="kept on our side only, as its row asks: the public database names no copy",
    ),
    Cited(
        id="photographs",
        title="Forty photographs of the flood",
        publisher="Crane’s Studio",
        published="1911",
        claim="The photographer worked from the church tower.",
        host="cranes-studio",
        path="/flood",
        answers=_always(
            _page(
                "Crane’s Studio",
                "Forty photographs of the flood",
                "Mr. Crane had carried his apparatus up the tower of St. Osyth’s before dark.",
            )
        ),
        excluded=True,
        look="excluded: its owner wants no copy in the archive",
    ),
    Cited(
        id="railway-log",
        title="Station log, Marrow Bridge",
        publisher="Marrow Valley Railway Society",
        published="1911-11-14",
        claim="The last train was sent back.",
        host="railway",
        path="/log/1911-11-14",
        quote="the 9.40 sent back to Osier Lock, the line being under water",
        answers=_always(
            _page(
                "Marrow Valley Railway Society",
                "Station log, Marrow Bridge",
                "9.52 p.m.: the 9.40 sent back to Osier Lock, the line being under water. "
                "10.15 p.m.: wire down.",
            )
        ),
    ),
    Cited(
        id="relief-fund",
        title="Accounts of the Relief Fund",
        publisher="Marrow County Record Office",
        published="1913",
        claim="Every penny was accounted for.",
        host="records",
        path="/flood/relief-fund",
        quote="and a balance of four shillings was given to the bell-ringers",
        answers=_always(
            _page(
                "Marrow County Record Office",
                "Accounts of the Relief Fund",
                "All claims were met by Lady Day, and a balance of four shillings was given to "
                "the bell-ringers.",
            )
        ),
    ),
    Cited(
        id="eyewitness",
        title="What the lamplighter saw",
        publisher="",
        published="",
        claim="A lamplighter saw the weir go.",
        quote="it went like a door being shut",
        look="a claim for which nobody has named a source yet",
    ),
)

JUDGED = (
    "gazette-notice",
    "E. Dunnock",
    "seen in the reading room of the library, where the Gazette is subscribed to",
)
"""Which source a person judges after the last round, who, and why."""

MOVED = {
    ("st-osyth", "/newsletter/1998-03"): _page(
        "St. Osyth’s",
        "The bell that rang by itself",
        "My grandmother always said that the tenor bell rang four times with nobody at the rope, "
        "and that the whole of Church Row heard it.",
    )
}
"""Pages at addresses that nobody cites: where others send their readers."""

NOWHERE = _page("A small web", "Not found", "There is nothing here.", status=404)


@dataclass(slots=True)
class Stage:
    """The small web as it is on one day of the story.

    Attributes:
        day: Which day is played.
        port: That all hosts share.
    """

    day: int = ROUNDS[0]
    port: int = 0
    _by_place: dict[tuple[str, str], Cited] = field(
        default_factory=lambda: {(one.host, one.path): one for one in SOURCES if one.host}
    )

    def address(self, host: str, path: str) -> str:
        """The whole address of a page."""
        return f"http://{host}.localhost:{self.port}{path}"

    def answer(self, host: str, path: str) -> Page:
        """What that host (without ``.localhost``) answers today."""
        if (moved := MOVED.get((host, path))) is not None:
            return moved
        if (cited := self._by_place.get((host, path))) is not None:
            return [page for day, page in cited.answers if day <= self.day][-1]
        home = next((one for one in SOURCES if one.host == host), None)
        if home is not None and path == "/":
            return _page(home.publisher, home.publisher, "Welcome.")
        return NOWHERE

    def cited(self, url: str) -> Cited | None:
        """The source with that address, or None."""
        return next(
            (one for one in SOURCES if one.host and self.address(one.host, one.path) == url), None
        )

    def rows(self) -> Iterable[dict[str, str]]:
        """The rows of sources.csv."""
        for one in SOURCES:
            yield {
                "id": one.id,
                "url": self.address(one.host, one.path) if one.host else "",
                "quote": one.quote,
                "quote_kind": one.quote_kind,
                "lang": one.lang,
                "locator": one.locator,
                "claim": one.claim,
                "publisher": one.publisher,
                "title": one.title,
                "published": one.published,
                "cited_in": "The night the weir broke",
                "tags": "demo",
                "note": one.note,
                "preserve": one.preserve,
            }
