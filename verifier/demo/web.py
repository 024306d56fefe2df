"""The small web: all hosts of the story on one port, as they are on the day that is played."""

from __future__ import annotations

from verifier.demo.story import Page, Stage
from verifier.demo.wire import Answer, Request


def answered(stage: Stage, request: Request) -> Answer:
    """What a host of the small web answers."""
    host = request.host.removesuffix(".localhost")
    return as_answer(stage, stage.answer(host, request.target.partition("?")[0]))


def as_answer(stage: Stage, page: Page) -> Answer:
    """A page as it goes over the wire."""
    if page.silent:
        return Answer(status=None)
    headers = [("Content-Type", page.content_type), *page.headers]
    if page.location is not None:
        headers.append(("Location", stage.address(*page.location)))
    return Answer(status=page.status, headers=tuple(headers), body=page.body)
