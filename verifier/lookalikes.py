"""Pages that answer as if they were there, and aren't: lost, nobody's, parked, or only a shell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote, urlsplit

from verifier.marks import LINE, Look, Mark, first, load, says
from verifier.outline import Page, fold
from verifier.phrases import LOOSE, is_notice, says_asked, says_gone, says_main
from verifier.records import Reading, Seen

_LOST = load("lost")
_WIKIS = load("wikis")["wiki"]
_PARKED = load("parked")
_PLACES = tuple(map(Mark.of, load("places")["place"]))
_PAUSES = tuple(place for place in _PLACES if place.kind == "pause")
_SPAM = {name: words for name, words in load("spam").items() if isinstance(words, dict)}

SHORT = 1_800
"""Visible characters up to which a page's sentences are believed to be about the page itself."""

LITTLE_PROSE = 700
"""Characters of prose up to which a title or heading that says "not found" is believed: an
article about such pages has more, a lost page's footers and cookie notes have less."""

SHELL = 120
"""Visible characters that a page may have at most to be the shell of a script: "Loading …"."""

_NAMES = frozenset(fold(name) for said in _LOST["said"].values() for name in said["names"])
_LONG_NAMES: dict[str, tuple[str, ...]] = {}
for _name in sorted(_NAMES):  # by how they begin: hundreds of them are tried on every heading
    if len(_name.encode()) >= 12:
        _LONG_NAMES[_name[:4]] = (*_LONG_NAMES.get(_name[:4], ()), _name)
_SENTENCES = tuple(
    dict.fromkeys(fold(each) for said in _LOST["said"].values() for each in said["sentences"])
)
_WIKI_LINES = tuple(
    (
        wiki["name"],
        tuple(fold(line) for line in wiki["says"].values()),
        tuple(mark.encode("ascii") for mark in wiki.get("within", ())),
    )
    for wiki in _WIKIS
)
_WIKI_BODY = tuple(
    (wiki["name"], tuple(mark.encode("ascii") for mark in wiki["body"])) for wiki in _WIKIS
)
_ERROR_WORDS = "|".join(
    sorted((re.escape(fold(word)) for word in _LOST["number"]["errors"]), key=len, reverse=True)
)
_NUMBER = re.compile(
    rf"(?:(?:{_ERROR_WORDS})[\s:#.,!–—-]*)*\(?(?:404|410)\)?(?:[\s:.,!|–—-]*(?:{_ERROR_WORDS}))?"
    r"[\s:.,!|–—-]*"
)
_NUMBER_AT_END = re.compile(rf"[\s:.,!|(–—-]+(?:(?:{_ERROR_WORDS})[\s:#-]*)*(?:404|410)\)?$")
_PARTS = re.compile(r"\s+[|–—\-·•«»›>/~]+\s+|\s*[|«»›·•]\s*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
_ENDS = tuple(".!,;–—?…(。！，、")
_VALUES = re.compile(
    r"""["'](?:error|errors|message|msg|detail|details|reason)["']\s*:\s*"""
    r"""["']?([^"'{}\[\],]{3,120})"""
)
_ERRORS = frozenset(fold(word) for word in _LOST["number"]["errors"]) - {"page", "seite"}
_OOPS = frozenset(map(fold, _LOST["number"]["oops"]))
_CLOSED = tuple(map(fold, _LOST["closed"]["words"]))
_SALE = tuple(map(fold, _PARKED["sale"]))
_SALE_BODY = tuple(mark.encode("ascii") for mark in _PARKED["body"])
_SHELLS = load("shells")
_SPEAKS_OF_IT = re.compile(r"404|410|not[-_ ]?found|error|missing|gone|soft[-_ ]?404")
_REPORT = re.compile(
    r"\b(?:issue|bug|ticket|task|pull request|merge request|discussion)s?\W{0,3}\d", re.IGNORECASE
)
_ROOTS = tuple(mark.encode("ascii") for mark in _SHELLS["roots"])
_MISSING = _LOST["missing"]
_NOT_THERE = re.compile(
    rf"\b(?:{'|'.join(map(re.escape, _MISSING['words']))})(?!\w)"
    rf"|\b(?:{'|'.join(map(re.escape, _MISSING['begins']))})|n't\b"
    rf"|{'|'.join(map(re.escape, _MISSING['anywhere']))}"
)


def judge(look: Look, *, asked: str, ended: str, known_title: str = "") -> Reading | None:
    """What tells against a page that came with a good status, or None when nothing does.

    The caller has found no quotation on it, and no wall.

    Args:
        asked: The address that was asked for first.
        ended: The address that answered in the end.
        known_title: Of the page when it was well: with the same title it is the same page.
    """
    page = look.page()
    if page is None:
        return None
    parked = _parked(look, page, asked=asked, ended=ended)
    if parked is not None:
        return parked
    if known_title and fold(known_title) == look.title:
        return None
    return (
        _place(look)
        or _wiki(look, page)
        or _lost(look, page, asked)
        or _closed(page, asked)
        or _listing(look, page)
        or _shell(look, page, ended)
    )


def is_suspicious(title: str, heading: str) -> bool:
    """Whether a title or first heading alone is reason enough to read the whole page."""
    return any(bool(_title_says(each, _says_either)) for each in (heading, title))


# ---- lost pages ----------------------------------------------------------------------------


def _says_lost(words: str) -> bool:
    """Whether a title's part or a heading says that there is no page, and hardly anything more."""
    plain = fold(words)
    if not plain or len(plain) > LINE:
        return False
    if _NUMBER.fullmatch(plain) or plain in _NAMES:
        return True
    rest = _NUMBER_AT_END.sub("", _NUMBER.sub("", plain, count=1))
    return fold(rest) in _NAMES or _begins_lost(plain)


def _begins_lost(plain: str) -> bool:
    """Whether a heading begins with such a phrase, as a sentence of its own.

    "Page not found. Try our search" is one; "Page not found errors and how to mend them" isn't.
    """
    for name in _LONG_NAMES.get(plain[:4], ()):
        rest = plain[len(name) :]
        if plain.startswith(name) and rest[:1] in _ENDS and len(rest) <= 80:
            return True
        if plain.startswith(name) and rest[:1] == ":" and len(rest.split()) <= 3:
            return True
    return False


def parts(title: str) -> tuple[str, ...]:
    """A title, and what stands between its dividers: most sites write "Page | Site".

    What stands before a colon is what the rest is about, and is a part only where the rest is
    hardly more than a name: "404: Not found", but not "404: a history".
    """
    found = [title]
    for part in _PARTS.split(title):
        if not part.strip():
            continue
        found.append(part)
        before, colon, after = part.partition(":")
        if colon and after.strip():
            found.append(after)
            if len(after.split()) <= 2 and len(after.strip()) <= 30:
                found.append(before)
    return tuple(dict.fromkeys(each.strip() for each in found if each.strip()))


def _title_says(title: str, says: Callable[[str], bool]) -> str:
    """The part of a title that says that there is no page, or ""."""
    return next((part for part in parts(title) if says(part)), "")


def _lost(look: Look, page: Page, asked: str) -> Reading | None:
    # Who cites an address that speaks of errors cites a page about them.
    own = _SPEAKS_OF_IT.search(unquote(urlsplit(asked).path).lower()) is not None
    if _REPORT.search(page.title or look.title):  # people give reports the titles of errors
        return None
    prose = LITTLE_PROSE // 4 if own else LITTLE_PROSE
    if page.prose > prose or (own and page.size > SHORT):
        return None
    title = page.title or look.title
    says = _says_lost if page.prose > LITTLE_PROSE // 2 else _says_either
    if own:  # a number may be a room's, or a chapter's
        says = _says_lost_in_words
    if part := _title_says(title, says):
        return _failing("soft-404-title", f"the page's title says “{part.strip()[:80]}”")
    heading = next((each for each in page.headings[:3] if says(each)), "")
    if heading:
        return _failing("soft-404-heading", f"the page's heading says “{heading[:80]}”")
    if page.size > SHORT:
        return None
    if not own and (line := _gone(page, title, _host(asked))):
        return _failing("soft-404-text", f"the page says hardly more than “{line[:80]}”")
    named = page.html and _has_own_heading(page, _host(asked))
    said = "" if named else next((line for line in page.lines[:40] if _is_lost_line(line)), "")
    if not said or (page.html and page.size > SHORT // 3):
        said = _sentence(page.lines)
    return _failing("soft-404-text", f"a short page says “{said[:80]}”") if said else None


def _says_lost_in_words(words: str) -> bool:
    return _says_lost(words) and _NUMBER.fullmatch(fold(words)) is None


def _says_either(words: str) -> bool:
    return _says_lost(words) or says_gone(words)


def _gone(page: Page, title: str, host: str) -> str:
    """What a page with hardly any words says of what was asked for: that it is gone."""
    tops = [fold(part) for part in (*parts(title), *page.headings[:1])]
    error = any(top in _ERRORS for top in tops)
    if not error and (page.size > SHORT // 3 or page.prose > LITTLE_PROSE // 3):
        return ""
    if not page.html:  # records and tables say much of what is missing
        return _record_of_nothing(page) if len(page.lines) <= 3 else ""
    few = page.size <= SHORT // 6
    top = {fold(page.title), *map(fold, page.headings)}  # these were looked at as a whole
    lines = [line for line in page.lines[:60] if line not in top]
    own = _has_own_heading(page, host)
    for said in (part for line in lines for part in _SENTENCE.split(line)):
        if len(said.encode()) < 8 or len(said) > 160:
            continue
        # What has a heading of its own is a page, and may lack a picture or a comment.
        if says_asked(said) or (not own and says_main(said, most=LOOSE, many=few)):
            return said
    return next((top for top in tops if few and top in _OOPS), "")


def _has_own_heading(page: Page, host: str) -> bool:
    """Whether a heading names what the page is about: no error, no notice, not only the site."""
    for each in page.headings[:2]:
        plain = fold(each)
        if not plain or plain in _ERRORS or plain in _OOPS or is_notice(each):
            continue
        site = plain == fold(page.title) and re.sub(r"\W", "", plain) in re.sub(r"\W", "", host)
        if not site and not _says_either(each):
            return True
    return False


def _record_of_nothing(page: Page) -> str:
    """What a short text or record says of itself: that there is none."""
    whole = " ".join(page.lines)
    if not whole.startswith("{"):
        return whole if len(page.lines) == 1 and _says_either(whole) else ""
    values = _VALUES.findall(whole) if page.size <= SHORT // 6 else []
    lost = (value for value in values if _says_either(value) or _NUMBER.fullmatch(value))
    return next(lost, "")


def _is_lost_line(line: str) -> bool:
    """Whether a line says that there is no page, in words: a number alone may count anything."""
    return len(line.encode()) >= 12 and len(line) <= 160 and _says_lost(line)


def _sentence(lines: Iterable[str]) -> str:
    """What a line says of the page that was asked for: that it isn't there."""
    short = [line for line in lines if len(line) <= LINE]
    whole = "\n".join(short)
    for sentence in _SENTENCES:
        if sentence in whole:
            for line in short:
                if sentence in line and _NOT_THERE.search(line):
                    return line
    return ""


def _wiki(look: Look, page: Page) -> Reading | None:
    if page.prose > LITTLE_PROSE:
        return None
    for name, marks in _WIKI_BODY:
        if any(mark in look.start for mark in marks):
            return _failing("soft-404-wiki", f"the wiki ({name}) says that nobody wrote the page")
    lines = (*page.lines, *map(fold, page.headings))
    for name, begins, within in _WIKI_LINES:
        if within and not any(mark in look.start for mark in within):
            continue
        for line in lines:
            if line.startswith(begins):
                return _failing("soft-404-wiki", f"the wiki ({name}) says “{line[:80]}”")
    return None


# ---- places without a page -----------------------------------------------------------------

_KINDS = {
    "default": ("soft-404-default-page", "a web server as it was installed answers ({})"),
    "suspended": ("soft-404-suspended", "the host has switched the site off ({})"),
    "no-site": ("soft-404-no-site", "the host has no such site or page ({})"),
    "error": ("soft-404-error-page", "an error page came as if it were the page ({})"),
}


def _place(look: Look) -> Reading | None:
    place = first(_PLACES, look)
    if place is None:
        return None
    if place.kind == "pause":
        return _paused(place.name)
    rule, reason = _KINDS[place.kind]
    return _failing(rule, reason.format(place.name))


def out_of_service(look: Look) -> Reading | None:
    """A failing server that says itself that it will be back, whatever its status."""
    place = first(_PAUSES, look)
    return _paused(place.name) if place is not None else None


def _paused(name: str) -> Reading:
    return Reading(
        seen=Seen.UNDECIDED,
        rule="out-of-service",
        reason=f"the site says that it is out of service now ({name})",
    )


def _closed(page: Page, asked: str) -> Reading | None:
    """A service that says of itself, in the place of the page, that it was closed."""
    path, labels = urlsplit(asked).path.strip("/"), _host(asked).split(".")
    if not path or page.size > SHORT // 3 or page.prose > LITTLE_PROSE // 2:
        return None
    for top in (page.title, *page.headings[:1]):
        plain = fold(top)
        word = next((word for word in _CLOSED if word in plain), "")
        names = re.findall(r"\w{5,}", plain.partition(word)[0]) if word else []
        if any(name in labels for name in names) and not any(name in fold(path) for name in names):
            return _failing("soft-404-closed", f"the site says of itself “{top[:80]}”")
    return None


def _listing(look: Look, page: Page) -> Reading | None:
    """A folder's list without an entry: what was there is gone."""
    if not look.title.startswith("index of /") or page.size > SHORT:
        return None
    entries = [
        link
        for link in page.links
        if not link.startswith(("?", "http:", "https:")) and link.strip("./") and link != "/"
    ]
    here = unquote(look.title.removeprefix("index of "))
    if any(not here.startswith(unquote(link).rstrip("/").lower() or "/") for link in entries):
        return None
    return _failing("soft-404-empty-listing", "the server lists a folder in which nothing is")


# ---- parked --------------------------------------------------------------------------------


def below(host: str, names: Iterable[str]) -> str:
    """The one of *names* that *host* is, or is below; or ""."""
    return next((name for name in names if host == name or host.endswith(f".{name}")), "")


def parking_host(asked: str, ended: str) -> str:
    """The parking service that an address redirected to, or "" when it is none, or was cited."""
    name = below((urlsplit(ended).hostname or "").lower(), _PARKED["hosts"])
    return name if name and not below((urlsplit(asked).hostname or "").lower(), [name]) else ""


def _parked(look: Look, page: Page, *, asked: str, ended: str) -> Reading | None:
    if page.prose > LITTLE_PROSE or page.size > 2 * SHORT:
        return None
    for source in page.loads:
        try:
            host = urlsplit(source).hostname or ""
        except ValueError:
            continue
        if name := below(host, _PARKED["loads"]):
            return _hijacked(f"the page comes from {name}, which parks names")
    mark = next((mark for mark in _SALE_BODY if mark in look.start), b"")
    for host in dict.fromkeys(_host(url) for url in (ended, asked)):
        if sale := _sale(look, page, host, marked=bool(mark)):
            return _hijacked(f"the page says of the name “{sale[:80]}”")
    if mark and page.size <= SHORT // 3:
        return _hijacked(f"the page has a mark of parked names ({mark.decode()})")
    return None


def _sale(look: Look, page: Page, host: str, *, marked: bool) -> str:
    """What a page says of its own name being for sale, or "".

    Anybody may write that a domain is for sale; a page that says so of its own name, in a
    heading or beside the name itself, is about nothing else.
    """
    if page.size > SHORT:
        return ""
    named = [phrase.replace("{host}", host) for phrase in _SALE if "{host}" in phrase]
    plain = [phrase for phrase in _SALE if "{host}" not in phrase]
    lines = page.lines[:25]
    top = (look.title, *map(fold, page.headings[:3]))
    if host and (said := says((*top, *lines), named)):
        return said
    about = marked or (bool(host) and any(host in line for line in (*top, *lines)))
    if about:
        return says((*top, *lines), plain)
    said = says(top, plain)
    return said if said and page.size <= SHORT // 3 else ""


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower().removeprefix("www.")


def spam(page: Page, ended: str, known: str) -> tuple[str, int]:
    """What trade of those who take over old names a page is of, and how many of its words it has.

    A topic that the page had when it was well is its own, and none of its words count.

    Args:
        known: Title and domain of the page when it was well.
    """
    tops = _spaced(" ".join((page.title, *page.headings, *re.split(r"[.\d-]+", _host(ended)))))
    text = _spaced(" ".join((page.title, *page.lines)))
    before = fold(known)
    best = ("", 0)
    for name, words in _SPAM.items():
        if not any(_has(tops, word) for word in words["topic"]):
            continue
        if any(word in before for word in words["topic"] if len(word) >= 4 or not word.isascii()):
            continue
        found = {word for word in (*words["topic"], *words["sell"]) if _has(text, word)}
        sells = any(word in found for word in words["sell"])
        if sells and len(found) > best[1]:
            best = (name, len(found))
    return best


def _spaced(text: str) -> str:
    return " ".join(["", *re.findall(r"[\w%/$+-]+", fold(text)), ""])


def _has(plain: str, word: str) -> bool:
    return (f" {word} " in plain) if word.isascii() else (word in plain)


# ---- shells --------------------------------------------------------------------------------


def _shell(look: Look, page: Page, ended: str) -> Reading | None:
    if not page.html or page.size > SHELL:
        return None
    words = " ".join(page.lines)
    if not page.scripts:
        if not page.size and not page.shows and not page.noscript and not page.refresh:
            return Reading(
                seen=Seen.FAILING, rule="empty-page", reason="the page has nothing to read on it"
            )
        return None
    waits = words.startswith(tuple(_SHELLS["waiting"])) and len(words) <= SHELL // 2
    waits = waits or any(word in words for word in _SHELLS["scripts"])
    wants = any(word in page.noscript for word in _SHELLS["scripts"])
    empty = page.size <= 3 and not page.shows
    rooted = any(mark in look.start for mark in _ROOTS)
    if page.sends and page.sends.partition("#")[0] != ended:
        return Reading(
            seen=Seen.UNDECIDED,
            rule="script-redirect",
            reason=f"a script only sends the readers on, to {page.sends[:500]}, "
            "which was not followed",
            suggested_url=page.sends.partition("#")[0],
        )
    if waits or (wants and not page.prose) or (empty and rooted):
        return Reading(
            seen=Seen.UNDECIDED,
            rule="script-shell",
            reason="the page is empty until its scripts have run, and they were not run",
        )
    return None


def _failing(rule: str, reason: str) -> Reading:
    return Reading(seen=Seen.FAILING, rule=rule, reason=reason)


def _hijacked(reason: str) -> Reading:
    return Reading(seen=Seen.HIJACKED, rule="parked", reason=reason)
