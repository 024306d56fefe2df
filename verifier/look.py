"""One look at an address: what a fetch means, with the second looks that the rules ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from verifier import sight
from verifier.records import Baseline, Fetched, NoReply, Probe, Reply, Second, Wanted
from verifier.sight import Judged, Quoting

SECOND_LOOKS = 6
"""Second looks that one look may take: a rule that asks again and again is not heard again."""


class Get(Protocol):
    """What fetches: see :class:`verifier.fetch.Fetcher`."""

    async def get(self, url: str, *, verified: bool = True) -> Fetched: ...


class Judge(Protocol):
    """What a fetch means: :func:`verifier.sight.judge`, somewhere off the event loop.

    The judgement may come without the page's words.
    """

    async def __call__(
        self,
        fetched: Fetched,
        wanted: Sequence[Quoting],
        *,
        baseline: Baseline | None = None,
        probes: Sequence[Probe] = (),
        like: bool = False,
    ) -> Judged: ...


async def in_a_thread(
    fetched: Fetched,
    wanted: Sequence[Quoting],
    *,
    baseline: Baseline | None = None,
    probes: Sequence[Probe] = (),
    like: bool = False,
) -> Judged:
    """:func:`verifier.sight.judge` while the event loop goes on."""
    judging = partial(sight.judge, baseline=baseline, probes=probes, like=like)
    judged = await asyncio.to_thread(judging, fetched, wanted)
    return sight.without_words(judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """All that one look at an address gave.

    Attributes:
        fetched: With the pages that only sent their readers on among its hops.
        probes: What was seen beside the page.
        baseline: What the page is like, where that is to be remembered.
    """

    address: str
    fetched: Fetched
    judged: Judged
    probes: tuple[Probe, ...] = ()
    baseline: Baseline | None = None


class Looker:
    """Looks at addresses for a round.

    Args:
        fetcher: Asks for pages.
        judge: Says what came of it.
        quoted: What the sources of each address quote.
        known: The baseline of an address, None where it has none yet.
        settled: Addresses of which every source has a baseline: none is made for them.
        pause: Seconds before a second look, so that no host is asked without a rest.
        name: A name that nobody gave to anything, another one each time.
    """

    def __init__(
        self,
        fetcher: Get,
        judge: Judge,
        *,
        quoted: Mapping[str, Sequence[Quoting]],
        known: Callable[[str], Awaitable[Baseline | None]],
        settled: Callable[[str], bool],
        pause: float,
        name: Callable[[], str],
    ) -> None:
        self._fetcher, self._judge, self._quoted = fetcher, judge, quoted
        self._known, self._settled, self._pause, self._name = known, settled, pause, name

    async def look(self, address: str, fetched: Fetched) -> Looked:
        """What the address is, given what was fetched of it.

        The second looks are made within the turn of whoever called: the host is theirs, and
        is asked again only after its pause.
        """
        quoted, baseline = self._quoted[address], await self._known(address)
        like = not self._settled(address)
        probes: tuple[Probe, ...] = ()
        judged = await self._judge(fetched, quoted, baseline=baseline, like=like)
        for _ in range(SECOND_LOOKS):
            if judged.wanted is None:
                break
            await asyncio.sleep(self._pause)
            match judged.wanted.why:
                case Second.FOLLOW:
                    fetched = await self._follow(fetched, judged.wanted.url)
                case Second.UNVERIFIED:
                    came = await self._unverified(fetched, address)
                    if came is fetched:
                        break
                    fetched = came
                case Second.SIBLING:
                    probes = (*probes, await self._sibling(judged.wanted))
            judged = await self._judge(fetched, quoted, baseline=baseline, probes=probes, like=like)
        return Looked(
            address=address,
            fetched=fetched,
            judged=judged,
            probes=probes,
            baseline=judged.likeness if judged.good else None,
        )

    async def _follow(self, fetched: Fetched, url: str) -> Fetched:
        """What stands where a page sends its readers, with the way there."""
        came = await self._fetcher.get(url)
        return replace(came, hops=(*fetched.hops, *came.hops), attempts=fetched.attempts)

    async def _unverified(self, fetched: Fetched, address: str) -> Fetched:
        """What stands behind a bad certificate; *fetched* itself where nothing does."""
        came = await self._fetcher.get(address, verified=False)
        match fetched, came:
            case NoReply(), Reply():
                return replace(
                    came,
                    unverified=fetched.failure,
                    detail=fetched.detail,
                    attempts=fetched.attempts,
                )
            case _:
                return fetched

    async def _sibling(self, wanted: Wanted) -> Probe:
        """What a name beside the page is answered with that nobody gave to anything."""
        url = f"{wanted.url}{self._name()}{wanted.after}"
        came = await self._fetcher.get(url)
        match came:
            case NoReply():
                return Probe(
                    url=url,
                    final_url=came.url,
                    probed_at=came.requested_at,
                    failure=came.failure,
                )
            case Reply():
                judged = await self._judge(came, (), like=True)
                return Probe(
                    url=url,
                    final_url=came.last.url,
                    probed_at=came.hops[0].requested_at,
                    status=came.last.status,
                    likeness=judged.likeness if 200 <= came.last.status < 300 else None,
                )
