"""What the home page tells: the last rounds, the three answers in numbers, who is needed."""

from __future__ import annotations

from typing import Any

from verifier.site import ours
from verifier.site.cells import ANSWERS, badge
from verifier.site.metadata import NEEDS_A_PERSON

QUESTIONS = {
    "link": "Is it still there?",
    "quote": "Does it say what we quote?",
    "copy": "Is a copy kept where others can read it?",
}

_LAST = "select * from runs order by id desc limit 1"
_LAST_CONCLUSIVE = "select * from runs where outcome = 'conclusive' order by id desc limit 1"


async def overview(datasette: Any) -> dict[str, Any]:
    """The values of the home page's template.

    ``run`` and ``conclusive`` are rows of ``runs`` or None; ``questions`` has, for each axis,
    the question and its answers with badge, count and the address of the filtered table.
    """
    database = datasette.get_database(ours.DATABASE)
    table = datasette.urls.table(ours.DATABASE, "audit")
    run = (await database.execute(_LAST)).first()
    conclusive = (await database.execute(_LAST_CONCLUSIVE)).first()
    waiting = await database.execute(f"select count(*) from audit where {NEEDS_A_PERSON}")  # noqa: S608
    questions = []
    for axis, question in QUESTIONS.items():
        sql = f"select {axis}, count(*) from audit group by {axis}"  # noqa: S608 - names of ours
        counts = dict(tuple(row) for row in (await database.execute(sql)).rows)
        answers = [
            {"badge": badge(axis, word), "count": counts[word], "href": f"{table}?{axis}={word}"}
            for word in ANSWERS[axis]
            if word in counts
        ]
        questions.append({"axis": axis, "question": question, "answers": answers})
    return {
        "run": dict(run) if run else None,
        "conclusive": dict(conclusive) if conclusive else None,
        "waiting": waiting.single_value(),
        "questions": questions,
        "table": table,
        "query": datasette.urls.query(ours.DATABASE, "needs_a_person"),
    }
