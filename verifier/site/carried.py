"""What sources.csv says of a source beside what is audited: shown on the source's page."""

from __future__ import annotations

import json
from typing import Any

from datasette.utils import tilde_decode

from verifier.site import ours
from verifier.site.cells import is_web_address, web_link

_COLUMNS = ("quote_from", "note", "fetch_url", "accessed", "cited_in", "archive_url")


async def carried(datasette: Any, request: Any) -> list[tuple[str, Any]]:
    """``(column, value)`` of the row's columns that ``audit`` has not, empty ones left out.

    The columns that Verifier does not know come last, as the file names them.
    """
    database = datasette.get_database(ours.DATABASE)
    id = tilde_decode(request.url_vars["pks"])
    found = (await database.execute("select * from sources where id = ?", [id])).first()
    if found is None:
        return []
    told = [(name, found[name]) for name in _COLUMNS]
    told += [(relation, url) for relation, url in json.loads(found["alt_urls"] or "[]")]
    told += json.loads(found["extra"] or "{}").items()
    return [
        (name, web_link(value) if is_web_address(value) else value) for name, value in told if value
    ]
