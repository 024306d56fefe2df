"""What one look at a source means.

Nothing here asks the time, the network or the disk. Rules are the contract's; where it is
silent, those of InternetArchiveBot, EDGI web-monitoring and Sphinx's linkcheck, named in place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from verifier import baseline as base
from verifier import lookalikes
from verifier.marks import BODY, Look, Mark, first, load
from verifier.outline import Page, fold, glimpse, is_prosy, read_page
from verifier.records import (
    Baseline,
    Failure,
    Fetched,
    Hop,
    NoReply,
    Probe,
    Reading,
    Reply,
    Second,
    Seen,
    Source,
    Truncated,
    Wanted,
)

RULES_VERSION = 3
"""Raised whenever the same observations would be judged otherwise."""

_REFUSALS = {
    401: "wants a login",
    402: "wants a payment",
    403: "refuses us",
    405: "refuses this kind of request",
    406: "refuses this kind of client",
    407: "wants a proxy login",
    412: "refuses this kind of request",
    418: "refuses us",
    428: "wants a conditional request",
    429: "says we ask too often",
    431: "refuses our headers",
    440: "says the session is over",
    449: "wants more information first",
    451: "withholds the page for legal reasons",
    999: "refuses us",
}
_NO_SERVICE = {
    503: "the server is out of service now",  # Sphinx's linkcheck doesn't judge a 503 either
    509: "the site has used up its bandwidth for now",
    511: "a network between us and the site wants a login",  # never the site: RFC 6585, 6
}
_INVALID = {
    Failure.NO_ADDRESS: "the row names no address",
    Failure.NOT_A_WEB_ADDRESS: "this is no address of the web",
    Failure.FORBIDDEN_ADDRESS: "it leads to an address that is not public",
}
_UNKNOWN = {
    Failure.RESOLVER_FAILED: "the resolver could not say whether the name exists",
    Failure.NETWORK_DOWN: "our own network was down",
    Failure.UNEXPECTED: "something happened that Verifier has no name for",
}
_FAILING = {
    Failure.NAME_NOT_FOUND: "the host's name does not exist",
    Failure.CONNECTION_REFUSED: "the host refused the connection",
    Failure.CONNECTION_TIMEOUT: "the host did not take the connection in time",
    Failure.DEADLINE: "the page did not come in time",
    Failure.DISCONNECTED: "the host hung up before it answered",
    Failure.TLS_EXPIRED: "the certificate has expired, or is not valid yet",
    Failure.TLS_WRONG_HOST: "the certificate is for another host",
    Failure.TLS_UNTRUSTED: "the certificate is by nobody we trust",
    Failure.TLS_FAILED: "no encrypted connection could be made",
    Failure.BAD_REPLY: "what came back is not HTTP",
    Failure.TOO_MANY_REDIRECTS: "it redirects without end",
    Failure.BAD_REDIRECT: "it redirects to no address of the web",
}
_NOT_TRANSPORT = {Failure.BAD_REPLY, Failure.TOO_MANY_REDIRECTS, Failure.BAD_REDIRECT}
_PERMANENT = {301, 308}
_HOMES = {"", "index", "default", "home", "main"}
_LANGUAGE_HOME = re.compile(r"[a-z]{2}(?:[-_][a-z]{2,4})?")
_ENDING = re.compile(r"\.[a-zA-Z]{1,5}\d?$")
_WALLS = tuple(Mark.of(wall, long=16) for wall in load("walls")["wall"])
_GATES = load("gates")
_LOGIN_TITLES = frozenset(map(fold, _GATES["titles"]))
_LOST_ADDRESS = load("lost")["address"]

_REFRESH = re.compile(rb"http-equiv\s*=\s*[\"']?refresh", re.IGNORECASE)

CHEAP = 24_000
"""Bytes up to which a page is looked into though nobody asks for words on it: longer ones only
when their title, first heading or address gives reason to."""

WALL = 120_000
"""Bytes above which a page that came with a good status is no wall."""


# ---- one look ----------------------------------------------------------------------------


def read(
    fetched: Fetched,
    title: str = "",
    *,
    quote_found: bool | None = None,
    baseline: Baseline | None = None,
    likeness: Callable[[], Baseline | None] | None = None,
    probes: Sequence[Probe] = (),
) -> Reading:
    """What one look at a source means, before its history.

    Args:
        fetched: What came over the wire.
        title: Of the page, where it is known already.
        quote_found: The quotation stands on the page: then the page is alive, whatever title,
            address, redirect or likeness may suggest. False: it was looked for, and isn't
            there. None: nobody looked for words.
        baseline: What the page was like when it was first seen well; without one no page is
            taken for another's but by a parking service's own marks.
        likeness: What the page is like now, to be compared with that.
        probes: What names beside the page were answered with that nobody gave to anything.
    """
    if isinstance(fetched, NoReply):
        return _read_silence(fetched)
    last = fetched.last
    good = 200 <= last.status < 300
    if fetched.unverified is not None:
        return _read_unverified(fetched.unverified, quote_found=bool(good and quote_found))
    if good and quote_found:
        return _read_success(fetched)
    look = _look(fetched, title, quote_found=quote_found)
    if wall := _wall(look, fetched):
        return wall
    if not good:
        paused = lookalikes.out_of_service(look) if last.status == 500 else None
        return paused or _read_status(last)
    led = _elsewhere(fetched.hops, quote_found=quote_found)
    if led is not None and led.rule != "soft-404-home":
        return led
    told = _read_page(fetched, look, quote_found=quote_found, baseline=baseline, likeness=likeness)
    if led is not None:  # parked names lead to their front page, too, and that is worse
        return told if told is not None and told.seen is Seen.HIJACKED else led
    if told is not None and told.rule == _COLLAPSE and any(map(_is_honest, probes)):
        told = None  # it tells names apart, and has this one: the page was written anew
    if told is None and likeness is not None and quote_found is not True:
        told = _same_for_any_name(fetched, likeness, probes)
    return told or _read_success(fetched)


def _look(fetched: Reply, title: str, *, quote_found: bool | None) -> Look:
    """The page as the rules look at it: read once, and only when a rule needs it."""
    kind = fetched.last.header("Content-Type")

    @cache
    def page() -> Page | None:
        if not fetched.content or fetched.undecoded == "unknown-encoding":
            return None
        return read_page(fetched.content, kind, fetched.last.url)

    good = 200 <= fetched.last.status < 300
    prosy = good and is_prosy(fetched.content)
    if not title:
        title = glimpse(fetched.content, kind)[0]
    return Look(
        hop=fetched.last,
        title=fold(title),
        start=fetched.content[:BODY].lower(),
        length=len(fetched.content),
        named=good and _shares_title(fetched.hops[0].url, title),
        prosy=prosy,
        deep=not prosy and (not good or _worth_a_look(fetched, quote_found=quote_found)),
        page=page,
    )


def invalid(source: Source) -> Reading | None:
    """Why a source can't be checked at all, or None when it can."""
    if not source.url:
        return Reading(seen=Seen.INVALID, rule="no-address", reason=_INVALID[Failure.NO_ADDRESS])
    if source.fault:
        rule, _, reason = source.fault.partition(": ")
        return Reading(seen=Seen.INVALID, rule=rule, reason=reason or rule)
    return None


def _read_silence(silence: NoReply) -> Reading:
    failure, rule = silence.failure, str(silence.failure)
    if failure in _INVALID:
        return Reading(seen=Seen.INVALID, rule=rule, reason=_INVALID[failure])
    if failure in _UNKNOWN:
        return Reading(
            seen=Seen.UNDECIDED,
            rule=rule,
            reason=_UNKNOWN[failure],
            transport=failure is not Failure.UNEXPECTED,
        )
    return Reading(
        seen=Seen.FAILING,
        rule=rule,
        reason=_FAILING[failure],
        transport=failure not in _NOT_TRANSPORT,
    )


def _read_unverified(fault: Failure, *, quote_found: bool) -> Reading:
    """A page behind a bad certificate: anybody may have sent it, but who knows the words?"""
    if quote_found:
        return Reading(
            seen=Seen.ALIVE,
            rule=str(fault),
            reason=f"{_FAILING[fault]}, but the page behind it says what is quoted; "
            "nothing else about it is verified",
        )
    return Reading(
        seen=Seen.FAILING,
        rule=str(fault),
        reason=f"{_FAILING[fault]}, and what stands behind it does not say what is quoted",
        transport=True,
    )


def _read_success(reply: Reply) -> Reading:
    first_hop, last = reply.hops[0], reply.last
    if not last.body or not (reply.content or reply.undecoded):
        cut = f", cut off ({last.truncated})" if last.truncated else ""
        return Reading(
            seen=Seen.FAILING,
            rule="empty-page",
            reason=f"HTTP {last.status} with no page{cut}",
            transport=last.truncated in (Truncated.TIME, Truncated.DISCONNECT),
        )
    end = next((hop for hop in reply.hops if hop.status not in _PERMANENT), last)
    if end.url != first_hop.url:  # a page that only sets a cookie redirects to itself
        return Reading(
            seen=Seen.MOVED,
            rule=f"http-{first_hop.status}",
            reason="it has moved for good, and the page at the end is there",
            suggested_url=end.url,
        )
    if followed(reply.hops):
        return Reading(
            seen=Seen.ALIVE,
            rule="followed-refresh",
            reason=f"the address only sends its readers on, to {last.url[:500]}, "
            "and the page is there",
        )
    return Reading(seen=Seen.ALIVE, rule=f"http-{last.status}", reason="the page is there")


def followed(hops: Sequence[Hop]) -> int:
    """How many pages of a chain sent their readers on by themselves, not by a redirect."""
    return sum(200 <= hop.status < 300 for hop in hops[:-1])


# ---- where it leads ------------------------------------------------------------------------


def _elsewhere(hops: Sequence[Hop], *, quote_found: bool | None) -> Reading | None:
    """What a chain of redirects tells against the page at its end."""
    if len(hops) == 1:
        return None
    return _leads(hops[0].url, hops[-1].url, quote_found=quote_found)


def _leads(asked_url: str, ended_url: str, *, quote_found: bool | None) -> Reading | None:
    """What an address tells that another led to: a gate, a not-found address, a front page."""
    asked, ended = urlsplit(asked_url), urlsplit(ended_url)
    before = set(asked.path.lower().strip("/").split("/"))
    segments = set(ended.path.lower().strip("/").split("/")) - before
    end = ended.path.lower().rstrip("/").rpartition("/")[2]
    end = "" if end in before else end
    gate = not segments.isdisjoint(_GATES["segments"]) or end in _GATES["ends"]
    gate = gate or _returns(asked, ended, segments)
    if gate or _gate_host(asked, ended):
        return Reading(
            seen=Seen.BLOCKED, rule="login-redirect", reason="it wants a login or a consent first"
        )
    if not segments.isdisjoint(_GATES["pauses"]):
        return Reading(
            seen=Seen.UNDECIDED,
            rule="out-of-service",
            reason="it redirects to a page for the time of maintenance",
        )
    if name := lookalikes.parking_host(asked_url, ended_url):
        return Reading(
            seen=Seen.HIJACKED,
            rule="parked",
            reason=f"it redirects to {name}, where names are parked or sold",
        )
    lost = not segments.isdisjoint(_LOST_ADDRESS["segments"]) or end in _LOST_ADDRESS["ends"]
    if lost or any(mark in ended.query.lower() for mark in _LOST_ADDRESS["query"]):
        return Reading(
            seen=Seen.FAILING,
            rule="soft-404-address",
            reason="it redirects to an address for pages that are not found",
        )
    if _leads_home(asked, ended, quote_found=quote_found):
        return Reading(
            seen=Seen.FAILING,
            rule="soft-404-home",
            reason="it redirects to the site's front page instead of the page",
        )
    return None


def _returns(asked: SplitResult, ended: SplitResult, segments: set[str]) -> bool:
    """Whether an address remembers the one that was asked for, to go there after a gate."""
    told = (_path(value) for _, value in parse_qsl(ended.query))
    if not any(
        len(path) >= 4 and (path.startswith(asked.path) or asked.path.startswith(path))
        for path in told
    ):
        return False
    return any(segment.startswith(tuple(_GATES["begins"])) for segment in segments)


def _path(value: str) -> str:
    """The path of what may be an address, or ""."""
    try:
        return urlsplit(value).path
    except ValueError:
        return ""


def _shares_a_name(parts: Sequence[str], host: str) -> bool:
    """Whether something in a path has its own site now."""
    names = {word for part in parts for word in re.findall(r"[a-z]{4,}", part.lower())}
    return any(name in host for name in names)


def _gate_host(asked: SplitResult, ended: SplitResult) -> bool:
    one, other = ((part.hostname or "").lower() for part in (asked, ended))
    if one == other:
        return False
    return bool(
        (lookalikes.below(other, _GATES["hosts"]) and not lookalikes.below(one, _GATES["hosts"]))
        or (other.startswith(tuple(_GATES["starts"])) and not one.startswith(other.split(".")[0]))
    )


def _leads_home(asked: SplitResult, ended: SplitResult, *, quote_found: bool | None) -> bool:
    """Whether a redirect goes from a page deep in a site to a front page.

    To the front page of the same host it surely does. To one in some language, or of another
    host of whoever owns the site, only a page from deep within whose quotation is missing is
    taken for lost: short addresses are made to lead to front pages.
    """
    if _home(asked.path) or ended.query:
        return False
    if _home(ended.path) and _same_site(asked.hostname, ended.hostname):
        return True
    parts = [part for part in asked.path.split("/") if part]
    deep = len(parts) >= 2
    if quote_found is None and deep and _home(ended.path):
        # of a page that nobody quotes, only one that is none of its own kind can't be a site's
        numbered = bool(asked.query or _ENDING.search(parts[-1]) or re.search(r"\d", parts[-1]))
        return numbered and not _shares_a_name(parts, ended.hostname or "")
    if quote_found is not False or not deep:
        return False
    path = ended.path.strip("/").lower()
    folder, _, page = path.partition("/")
    language = bool(_LANGUAGE_HOME.fullmatch(folder)) and _home(page)
    return _home(ended.path) or (language and not asked.path.lower().endswith(path))


# ---- what stands on it ---------------------------------------------------------------------


def _read_page(
    reply: Reply,
    look: Look,
    *,
    quote_found: bool | None,
    baseline: Baseline | None,
    likeness: Callable[[], Baseline | None] | None,
) -> Reading | None:
    """What the page itself tells against its status, or None when nothing does.

    A body that is cut or half decoded is not judged: what is missing may be the page.
    """
    if reply.undecoded or reply.last.truncated or not reply.content:
        return None
    against = baseline if quote_found is False or _is_foreign(reply, look, baseline) else None
    page = look.page() if look.deep or against is not None else None
    if page is None:
        return None
    asked, ended = reply.hops[0].url, reply.last.url
    if not look.title:
        look.title = fold(page.title)
    if found := _refreshes(page, asked, ended, quote_found=quote_found):
        return found
    if found := lookalikes.judge(
        look, asked=asked, ended=ended, known_title=baseline.title if baseline else ""
    ):
        return found
    if found := _login(page, look, asked):
        return found
    if against is None:
        return None
    now = likeness() if likeness is not None else None
    if now is None:
        now = base.baseline_of(ended, page.title, page.lang, "\n".join(page.lines))
    return _against(page, ended, now, against, quote_found=quote_found)


def _is_foreign(reply: Reply, look: Look, baseline: Baseline | None) -> bool:
    """Whether title or domain alone give reason to compare a page that nobody quotes."""
    if baseline is None:
        return False
    other = base.domain_of(reply.last.url) != baseline.domain
    return other or look.title != fold(baseline.title)


def _worth_a_look(reply: Reply, *, quote_found: bool | None) -> bool:
    """Whether anything gives reason to read a page that came with a good status."""
    if quote_found is False or len(reply.content) <= CHEAP:
        return True
    asked, ended = (base.domain_of(hop.url) for hop in (reply.hops[0], reply.last))
    if asked != ended or _REFRESH.search(reply.content, 0, 8_000):
        return True
    title, heading = glimpse(reply.content, reply.last.header("Content-Type"))
    if lookalikes.is_suspicious(title, heading):
        return True
    return any(fold(part) in _LOGIN_TITLES for part in lookalikes.parts(title))


def _refreshes(page: Page, asked: str, ended: str, *, quote_found: bool | None) -> Reading | None:
    """A page without words of its own that sends its readers on."""
    target = page.refresh.partition("#")[0]
    if not target or page.prose > lookalikes.LITTLE_PROSE or page.size > lookalikes.SHORT:
        return None
    if target == ended:
        return None
    return _leads(asked, target, quote_found=quote_found) or Reading(
        seen=Seen.UNDECIDED,
        rule="meta-refresh",
        reason=f"the page only sends its readers on, to {target[:500]}, which was not followed",
        suggested_url=target,
    )


def _login(page: Page, look: Look, asked: str) -> Reading | None:
    """A form for a name and a password where the page was, at the page's own address."""
    if not page.password or page.prose > lookalikes.LITTLE_PROSE:
        return None
    cited = urlsplit(asked)
    path = set(cited.path.lower().strip("/").split("/"))
    if not path.isdisjoint(_GATES["segments"]) or (_home(cited.path) and not cited.query):
        return None  # who cites a login page, or a front page that has a form, cites that
    titles = lookalikes.parts(page.title or look.title)
    if not any(fold(part) in _LOGIN_TITLES for part in (*titles, *page.headings[:1])):
        return None
    return Reading(
        seen=Seen.BLOCKED, rule="wall-login", reason="a login stands in the place of the page"
    )


SPAM = 5
"""Words of one trade, of which one stands in the title, that a page has at least which took over
a name; one less where its language or its domain is another one, too."""


def _against(
    page: Page, ended: str, now: Baseline, then: Baseline, *, quote_found: bool | None
) -> Reading | None:
    """What the first good look at the page tells against this one; no quotation is found.

    Only what is foreign in every way is somebody else's: a page may move to another domain,
    be translated, or be written anew, and is still the page.
    """
    language, domain = base.foreign_language(now, then), now.domain != then.domain
    if language and domain and base.foreign_title(now, then) and base.foreign_text(now, then):
        return Reading(
            seen=Seen.HIJACKED,
            rule="hijacked",
            reason="nothing is left of the page that was cited: domain, title, language and text "
            "are others'" + (", and the quotation is gone" if quote_found is False else ""),
        )
    trade, words = lookalikes.spam(page, ended, f"{then.title} {then.domain}")
    if words >= (SPAM - 1 if language or domain else SPAM) and base.stranger(now, then):
        return Reading(
            seen=Seen.HIJACKED,
            rule="hijacked",
            reason=f"nothing is left of the text that was cited, and {words} words of those who "
            f"take over old names stand on the page ({trade})",
        )
    if quote_found is False and base.collapsed(now, then):
        return Reading(
            seen=Seen.FAILING,
            rule=_COLLAPSE,
            reason=f"{now.length} characters are left of {then.length}, in other words and under "
            "another title, and the quotation is gone",
        )
    return None


# ---- second looks --------------------------------------------------------------------------

FOLLOWED = 3
"""Pages that send their readers on by themselves and are followed, one after the other."""

ALIKE = 0.9
"""Likeness from which a page is the same as another; source: facts/verdict-rules.md, 4.5 (4),
and robustify.js."""

_CERTIFICATE = frozenset({Failure.TLS_EXPIRED, Failure.TLS_WRONG_HOST, Failure.TLS_UNTRUSTED})
_COLLAPSE = "soft-404-collapse"
_SENDS_ON = frozenset({"meta-refresh", "script-redirect"})
_NUMBERED = re.compile(r"\d{5,}|[0-9a-f]{8,}|[0-9a-f-]{32,}", re.IGNORECASE)


def second_look(
    fetched: Fetched,
    reading: Reading,
    *,
    quoted: bool,
    missing: bool,
    baseline: Baseline | None = None,
    likeness: Callable[[], Baseline | None] = lambda: None,
    probes: Sequence[Probe] = (),
) -> Wanted | None:
    """What is to be asked before the answer is given, or None when nothing would change it.

    Args:
        quoted: Some source of the address quotes it.
        missing: All quotations were looked for, and nothing near was found of any.
        baseline, likeness, probes: As for :func:`read`.
    """
    if isinstance(fetched, NoReply):
        if quoted and fetched.failure in _CERTIFICATE:
            return Wanted(why=Second.UNVERIFIED, url=fetched.url)
        return None
    if reading.rule in _SENDS_ON and reading.seen is Seen.UNDECIDED:
        if reading.suggested_url and followed(fetched.hops) < FOLLOWED:
            return Wanted(why=Second.FOLLOW, url=reading.suggested_url)
        return None
    suspicious = reading.seen in (Seen.ALIVE, Seen.MOVED) or reading.rule == _COLLAPSE
    if probes or not missing or not suspicious:
        return None
    if fetched.unverified is not None or not _is_whole(fetched):
        return None
    beside, now = sibling_of(fetched.hops[0].url), likeness()
    if beside is None or now is None or now.length < _LEAST or _is_named(fetched, now):
        return None
    if baseline is not None and base.similarity(now.sketch, baseline.sketch) >= 0.5:
        return None
    return beside


_LEAST = 80
"""Characters of a page below which its likeness to another tells nothing."""


def _is_whole(reply: Reply) -> bool:
    return not (reply.undecoded or reply.last.truncated)


def sibling_of(url: str) -> Wanted | None:
    """An address beside *url* that nobody gave to anything, or None for a front page.

    Many sites find a page by a number in its address, whatever stands behind that: from the
    first such part on, all is replaced.
    """
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    if not segments or (len(segments) == 1 and _home(parts.path)):
        return None
    place = next(
        (n for n, segment in enumerate(segments[:-1]) if _NUMBERED.search(segment)),
        len(segments) - 1,
    )
    ending = _ENDING.search(segments[-1]) if place == len(segments) - 1 else None
    folder = "/".join(["", *segments[:place], ""])
    after = ending[0] if ending else ("/" if parts.path.endswith("/") else "")
    return Wanted(why=Second.SIBLING, url=f"{parts.scheme}://{parts.netloc}{folder}", after=after)


def _is_named(reply: Reply, now: Baseline) -> bool:
    """Whether the page's title has the words of its address: then it is what was asked for."""
    return _shares_title(reply.hops[0].url, now.title)


def _shares_title(url: str, title: str) -> bool:
    path = unquote(urlsplit(url).path).rstrip("/")
    name = _ENDING.sub("", path.rpartition("/")[2])
    asked, words = (
        {word[:6] for word in re.findall(r"[^\W\d_]{4,}", fold(text))} for text in (name, title)
    )
    both = asked & words
    return bool(both) and 2 * len(both) >= len(asked)


def _is_honest(probe: Probe) -> bool:
    """Whether a server said of a name that nobody gave to anything that it is none."""
    return probe.status in (404, 410)


def _same_for_any_name(
    reply: Reply, likeness: Callable[[], Baseline | None], probes: Sequence[Probe]
) -> Reading | None:
    """A server that gives the same page for a name that nobody gave to anything."""
    for probe in probes:
        if probe.status is None or not 200 <= probe.status < 300:
            continue
        same = len(reply.hops) > 1 and probe.final_url == reply.last.url
        now = likeness()
        if not same and (now is None or probe.likeness is None):
            continue
        alike = 1.0
        if not same and now is not None and probe.likeness is not None:
            alike = base.similarity(now.sketch, probe.likeness.sketch)
        if alike >= ALIKE:
            return Reading(
                seen=Seen.FAILING,
                rule="soft-404-sibling",
                reason=f"the server gives the same page ({alike:.0%} alike) for {probe.url[:300]}, "
                "a name that nobody gave to anything, and the quotation is not on it",
            )
    return None


def _read_status(last: Hop) -> Reading:
    status, rule = last.status, f"http-{last.status}"
    if status in _REFUSALS:
        return Reading(seen=Seen.BLOCKED, rule=rule, reason=f"the server {_REFUSALS[status]}")
    if status == 410:
        return Reading(seen=Seen.GONE, rule=rule, reason="the server says it is gone for good")
    if status in _NO_SERVICE:
        return Reading(seen=Seen.UNDECIDED, rule=rule, reason=_NO_SERVICE[status])
    if status == 404:
        return Reading(seen=Seen.FAILING, rule=rule, reason="the server does not find the page")
    if status >= 500:
        return Reading(seen=Seen.FAILING, rule=rule, reason="the server failed")
    if 300 <= status < 400:
        return Reading(seen=Seen.FAILING, rule=rule, reason="it redirects, but not to a page")
    return Reading(seen=Seen.FAILING, rule=rule, reason="the server answers with an error")


_WALL_REASONS = {
    "login": "a login stands in the place of the page",
    "paywall": "the page is for those who pay",
    "consent": "a question for consent stands in the place of the page",
    "geo-block": "the page is not shown where we are",
    "national-block": "a filter of a network or a state stands in the place of the page",
    "access-denied": "the server refuses us",
}


def _wall(look: Look, reply: Reply) -> Reading | None:
    status = look.hop.status
    if 200 <= status < 300 and look.length > WALL and not look.hop.header("cf-mitigated"):
        return None
    wall = first(_WALLS, look)
    if wall is None:
        return None
    what = _WALL_REASONS.get(wall.name, "a bot wall answered")
    return Reading(seen=Seen.BLOCKED, rule=f"wall-{wall.name}", reason=f"{what} (HTTP {status})")


def _home(path: str) -> bool:
    name = path.strip("/").lower()
    return "/" not in name and name.partition(".")[0] in _HOMES


def _same_site(one: str | None, other: str | None) -> bool:
    first, second = ((name or "").lower().removeprefix("www.") for name in (one, other))
    return first == second


def why(reading: Reading) -> str:
    """A reason as the tables keep it: the rule's name, then a sentence."""
    return f"{reading.rule}: {reading.reason}"


# ---- trying again within the round -------------------------------------------------------

_TRY_AGAIN_STATUS = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}
_TRY_AGAIN = {
    Failure.RESOLVER_FAILED: 3,
    Failure.CONNECTION_REFUSED: 3,
    Failure.CONNECTION_TIMEOUT: 1,
    Failure.DISCONNECTED: 3,
    Failure.DEADLINE: 1,
    Failure.TLS_FAILED: 1,
}
LONGEST_WAIT = timedelta(seconds=60)


def retry_in(fetched: Fetched, *, attempts: int, pause: float, now: datetime) -> float | None:
    """Seconds until the same address should be asked again in this round, or None for "not now".

    The pause doubles with each attempt: 2, 4, 8 seconds by default. A ``Retry-After`` is
    obeyed up to a minute; a longer wish is not slept but kept for the next round
    (see :func:`verifier.history.next_look`).

    Args:
        attempts: Tries made so far, 1 after the first.
        pause: Seconds before the first retry.
    """
    match fetched:
        case Reply():
            again = 3 if fetched.last.status in _TRY_AGAIN_STATUS else 0
        case NoReply():
            again = _TRY_AGAIN.get(fetched.failure, 0)
    if attempts > again:
        return None
    wait = pause * float(2 ** (attempts - 1))
    if fetched.retry_after is not None:
        wish = (fetched.retry_after - now).total_seconds()
        if wish > LONGEST_WAIT.total_seconds():
            return None
        wait = max(wait, wish)
    return wait


# ---- the list as a whole ----------------------------------------------------------------


def retires_too_many(known: int, leaving: int, listed: int) -> bool:
    """Whether so many rows left sources.csv that the file is likelier broken than meant.

    All of them when nothing is listed any more; else more than half, from three on: in a list
    of one or two, a row without an id whose address was corrected is a row that left.
    """
    return leaving > 0 and (listed == 0 or (known > 2 and 2 * leaving > known))
