"""The feed of what changed, as readers' programs fetch it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from datasette.utils import tilde_encode
from datasette.utils.asgi import NotFound, Response

from verifier.feed import Places, atom
from verifier.records import Change, Run
from verifier.site import ours

ROUNDS = 30
_LONG = 300_000  # characters of news; what is longer is a first round, of which most is no news
_NEWS = f"""select id, started_at, ended_at, outcome,
  case when length(news) <= {_LONG} then news else (
    select json_group_array(json(value)) from (
      select value from json_each(runs.news) where json_extract(value, '$[2]') <> '' limit 1000
    )
  ) end as news
from runs where outcome in ('conclusive', 'rejudged') order by id desc limit {ROUNDS}"""  # noqa: S608
_TITLES = "select id, title from audit where id in (select value from json_each(?))"


async def feed(datasette: Any, request: Any) -> Response:
    """``/-/changes.atom``: the news of the newest rounds."""
    if not ours.is_ours(datasette):
        raise NotFound("There is no such page")
    database = datasette.get_database(ours.DATABASE)
    runs = [_run(row) for row in (await database.execute(_NEWS)).rows]
    named = sorted({change.source_id for run in runs for change in run.news if change.before})
    titles = await database.execute(_TITLES, [json.dumps(named)])
    first = (await database.execute("select chain from ledger where seq = 1")).first()

    def absolute(path: Any) -> str:
        return str(datasette.absolute_url(request, str(path)))

    document = atom(
        runs,
        origin=first["chain"] if first else "",
        now=datetime.now(UTC),
        titles=dict(tuple(row) for row in titles.rows),
        places=Places(
            feed=absolute(datasette.urls.path("/-/changes.atom")),
            site=absolute(datasette.urls.instance()),
            source=lambda id: absolute(
                datasette.urls.row(ours.DATABASE, "audit", tilde_encode(id))
            ),
        ),
    )
    return Response(document, content_type="application/atom+xml; charset=utf-8")


def _run(row: Any) -> Run:
    ended = row["ended_at"]
    return Run(
        id=row["id"],
        started_at=datetime.fromisoformat(row["started_at"]),
        ended_at=datetime.fromisoformat(ended) if ended else None,
        outcome=row["outcome"],
        news=tuple(
            Change(source_id=id, axis=axis, before=before, after=after, reason=reason)
            for id, axis, before, after, reason in json.loads(row["news"])
        ),
    )
