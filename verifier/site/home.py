"""What the home page tells: how fresh the answers are, who is needed, and what changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from datasette.utils import tilde_encode
from datasette.utils.asgi import Response
from markupsafe import Markup

from verifier import chart, freshness, news
from verifier.attention import minute, plural
from verifier.freshness import Freshness, State, spell
from verifier.records import Change, Run
from verifier.site import ours
from verifier.site.cells import ANSWERS, badge
from verifier.site.groups import HEADINGS
from verifier.site.queries import NEEDS_A_PERSON

QUESTIONS = {
    "link": "Is it still there?",
    "quote": "Does it say what we quote?",
    "copy": "Is a copy kept where others can read it?",
}
PICTURED = ("link", "quote")
PICTURED_DAYS = 180
LISTED = 8
"""Changes of the last round that are named; the rest is one click away."""

READABLE_NEWS = 300_000
"""Characters of a round's news that are read: the first round over 100,000 sources has 30 MB."""

_ROUNDS = "select id, started_at, ended_at, outcome, reason from runs {} order by id desc limit {}"
_LAST = f"""select id, checked, listed, head, length(news) as long,
  case when length(news) <= {READABLE_NEWS} then news else '[]' end as news
from runs where outcome = 'conclusive' order by id desc limit 1"""  # noqa: S608 - a number of ours


async def page(datasette: Any, request: Any) -> Response:
    """``/``, without what Datasette's own view of it looks up of every table first."""
    await datasette.ensure_permissions(request.actor, ["view-instance"])
    html = await datasette.render_template(
        "index.html",
        {
            "metadata": datasette.metadata(),
            "alternate_url_json": datasette.absolute_url(request, datasette.urls.path("/.json")),
        },
        request=request,
        view_name="index",
    )
    return Response.html(html)


async def how_fresh(datasette: Any) -> Freshness:
    """How new the answers are; a few lines of ``runs`` tell it."""
    database = datasette.get_database(ours.DATABASE)
    newest = (await database.execute(_ROUNDS.format("", 50))).rows
    good = await database.execute(_ROUNDS.format("where outcome = 'conclusive'", 13))
    known = {row["id"]: _round(row) for row in (*newest, *good.rows)}
    due = (await database.execute("select min(next_check_at) from audit")).single_value()
    return freshness.freshness(
        [known[id] for id in sorted(known, reverse=True)],
        next_check_at=_moment(due),
        now=datetime.now(UTC),
    )


async def overview(datasette: Any, fresh: Freshness) -> dict[str, Any]:
    """The values of the home page's template."""
    database = datasette.get_database(ours.DATABASE)
    now = datetime.now(UTC)
    table = datasette.urls.table(ours.DATABASE, "audit")
    run = (await database.execute(_LAST)).first()
    counts = {}
    for axis in QUESTIONS:
        sql = f"select {axis}, count(*) from audit group by {axis}"  # noqa: S608 - names of ours
        counts[axis] = dict(tuple(row) for row in (await database.execute(sql)).rows)
    waiting = await database.execute(f"select count(*) from audit where {NEEDS_A_PERSON}")  # noqa: S608
    due = (await database.execute("select min(next_check_at) from audit")).single_value()
    return {
        "round": dict(run) if run else None,
        "rounds": _told_rounds(fresh, now, _moment(due)),
        "sources": sum(counts["link"].values()),
        "waiting": waiting.single_value(),
        "headings": await _headings(database, table, now),
        "questions": [
            {"axis": axis, "question": question, **_bar(axis, counts[axis], table)}
            for axis, question in QUESTIONS.items()
        ],
        "changes": _changes(run, datasette.urls) if run else None,
        "pictures": await _pictures(database, now.date()),
        "table": table,
    }


# ---- rounds ------------------------------------------------------------------------------


def warning(fresh: Freshness, now: datetime) -> dict[str, Any] | None:
    """What every page says at its top when the answers are not what they should be.

    ``stale`` is true where they are no answers any more, and must not look green.
    """
    words: list[str] = []
    if fresh.state is State.FRESH:
        return None
    if fresh.state is State.OVERDUE:
        if fresh.good_at is not None:
            ago = spell(now - fresh.good_at)
            words.append(f"The last good round was {ago} ago, on {minute(fresh.good_at)}")
            habit = f"rounds usually come every {spell(fresh.usual)}" if fresh.usual else ""
            words[-1] += f"; {habit}." if habit else "."
        if fresh.due_since is not None:
            words.append(f"Sources have been due since {minute(fresh.due_since)}.")
        title = "Overdue: what stands here is old"
    elif fresh.state is State.NEVER:
        title = (
            "No round was conclusive yet: nothing here is an answer"
            if fresh.failed or fresh.running_since
            else "No round has run yet: nothing was checked"
        )
    else:
        title = "The newest rounds told nothing"
    if fresh.failed and fresh.failing_since is not None:
        newest = fresh.failed[0]
        count = plural(len(fresh.failed), "round was", "rounds were")
        because = f" ({newest.reason})" if newest.reason else ""
        words.append(
            f"{count} not conclusive since {minute(fresh.failing_since)}; the newest, "
            f"round {newest.id}, was {newest.outcome}{because}."
        )
    if fresh.running_since is not None:
        words.append(f"A round has been under way since {minute(fresh.running_since)}.")
    stale = fresh.state is not State.FAILING
    return {"title": title, "words": words, "stale": stale}


def _told_rounds(fresh: Freshness, now: datetime, due: datetime | None) -> list[tuple[str, str]]:
    """Lines of the home page: what, and when."""
    told = []
    if fresh.good_at is not None:
        told.append(("Last good round", f"{_ago(fresh.good_at, now)}, {minute(fresh.good_at)}"))
    if fresh.running_since is not None:
        told.append(("Round under way", f"since {minute(fresh.running_since)}"))
    elif fresh.next_at is not None and fresh.usual is not None:
        when = "was expected" if fresh.next_at < now else "is expected"
        habit = f"rounds come about every {spell(fresh.usual)}"
        told.append(("Next round", f"{when} by {minute(fresh.next_at)}; {habit}"))
    else:
        told.append(("Next round", "whenever it is started: there is no habit to go by yet"))
    if due is not None:
        told.append(("Next source due", f"{'since ' if due < now else ''}{minute(due)}"))
    return told


def _ago(moment: datetime, now: datetime) -> str:
    return f"{spell(now - moment)} ago"


def _round(row: Any) -> Run:
    return Run(
        id=row["id"],
        started_at=datetime.fromisoformat(row["started_at"]),
        ended_at=_moment(row["ended_at"]),
        outcome=row["outcome"],
        reason=row["reason"],
    )


def _moment(stamp: str | None) -> datetime | None:
    return datetime.fromisoformat(stamp) if stamp else None


# ---- who is needed -----------------------------------------------------------------------


async def _headings(database: Any, table: str, now: datetime) -> list[dict[str, Any]]:
    counts = ", ".join(
        f"(select count(*) from audit where {heading.where})"  # noqa: S608 - words of ours
        for heading in HEADINGS
    )
    row = (await database.execute(f"select {counts}")).first()
    return [
        {
            "title": heading.title,
            "meaning": heading.meaning,
            "count": count,
            "href": f"{table}?{heading.query_string(now)}",
        }
        for heading, count in zip(HEADINGS, tuple(row), strict=True)
    ]


# ---- the three questions -----------------------------------------------------------------


def _bar(axis: str, counts: dict[str, int], table: str) -> dict[str, Any]:
    """The answers of a question with badge, count, share, and their part of a bar of 1,000."""
    whole = sum(counts.values())
    answers, at = [], 0.0
    for word, (tone, _) in ANSWERS[axis].items():
        if not (count := counts.get(word, 0)):
            continue
        width = 1000 * count / whole
        answers.append(
            {
                "badge": badge(axis, word),
                "tone": tone,
                "count": count,
                "share": _share(count, whole),
                "href": f"{table}?{axis}={word}",
                "x": f"{at:.1f}",
                "width": f"{width:.1f}",
            }
        )
        at += width
    return {"answers": answers}


def _share(count: int, whole: int) -> str:
    share = 100 * count / whole
    if share < 1:
        return "<1 %"
    return ">99 %" if 99 < share < 100 else f"{share:.0f} %"


# ---- what changed ------------------------------------------------------------------------


def _changes(run: Any, urls: Any) -> dict[str, Any]:
    """The news of the last good round: the heaviest named, the rest counted."""
    changes = tuple(
        Change(source_id=id, axis=axis, before=before, after=after, reason=reason)
        for id, axis, before, after, reason in json.loads(run["news"])
    )
    lines = news.headlines(changes, [])
    return {
        "listed": [{"line": line, "href": _row(urls, line.source_id)} for line in lines[:LISTED]],
        "more": max(0, len(lines) - LISTED),
        "new": len({change.source_id for change in changes if not change.before}),
        "too_long": run["long"] > READABLE_NEWS,
    }


def _row(urls: Any, source_id: str) -> str:
    return str(urls.row(ours.DATABASE, "audit", tilde_encode(source_id))) if source_id else ""


# ---- over time ---------------------------------------------------------------------------


async def _pictures(database: Any, today: date) -> list[dict[str, Any]]:
    """For each axis a small picture of each answer that occurred in the last half-year."""
    since = (today - timedelta(days=PICTURED_DAYS)).isoformat()
    rows = await database.execute(
        "select day, axis, answer, sources from daily where day >= ? order by day", [since]
    )
    found: dict[str, dict[str, dict[str, int]]] = {}
    for day, axis, answer, sources in (tuple(row) for row in rows.rows):
        found.setdefault(axis, {}).setdefault(day, {})[answer] = sources
    return [
        {"axis": axis, "question": QUESTIONS[axis], "drawn": _drawn(axis, found[axis], today)}
        for axis in PICTURED
        if axis in found
    ]


_picture = lru_cache(maxsize=64)(chart.line)  # the same all day, and 3 ms each


def _drawn(axis: str, days: dict[str, dict[str, int]], today: date) -> list[dict[str, Any]]:
    drawn = []
    for word in ANSWERS[axis]:
        points = [(date.fromisoformat(day), answers.get(word, 0)) for day, answers in days.items()]
        if any(number for _, number in points):
            first, last = points[0], points[-1]
            label = f"{axis} {word.replace('_', ' ')}: {_course(points)}"
            drawn.append(
                {
                    "badge": badge(axis, word),
                    "svg": Markup(_picture(tuple(points), until=today, label=label)),  # noqa: S704 - made by us
                    "now": last[1],
                    "change": last[1] - first[1],
                    "since": first[0].isoformat(),
                }
            )
    return drawn


def _course(points: Sequence[tuple[date, int]]) -> str:
    (first, before), (last, after) = points[0], points[-1]
    if first == last:
        return f"{after:,} on {last}"
    numbers = [number for _, number in points]
    return (
        f"{before:,} on {first}, {after:,} on {last}; between {min(numbers):,} and {max(numbers):,}"
    )
