"""News of a round to mail, chat and other channels, and a sign of life to a dead man's switch."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit

from verifier.errors import LockedError

PATIENCE = 10.0
"""Seconds that the dead man's switch may take to answer."""


def unknown(channels: Sequence[str]) -> list[str]:
    """A sentence for each channel that can't be sent to, without its address."""
    import apprise

    _keep_quiet()
    return [
        f"{_name(number, address)} is none that Apprise knows"
        for number, address in enumerate(channels, 1)
        if not apprise.Apprise().add(address)
    ]


def _name(number: int, address: str) -> str:
    return f"channel {number} ({address.partition(':')[0]})"


def _keep_quiet() -> None:
    # its warnings name addresses, and addresses are keys here
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)


def send(channels: Sequence[str], *, title: str, words: str) -> list[str]:
    """Send *words* to each channel, whatever becomes of the others.

    Args:
        channels: Addresses as Apprise has them, such as ``mailto://…``; they hold secrets.

    Returns:
        A sentence for each channel that did not take them, without its address.
    """
    import apprise  # a third of a second: only where there is something to send

    _keep_quiet()
    asset = apprise.AppriseAsset(
        app_id="Verifier", app_desc="Cited sources", async_mode=False, plugin_paths=[]
    )
    troubles = []
    for number, address in enumerate(channels, 1):
        name = _name(number, address)
        channel = apprise.Apprise(asset=asset)
        try:
            if not channel.add(address):
                troubles.append(f"{name} is none that Apprise knows")
            elif not channel.notify(title=title, body=words, body_format="text"):
                troubles.append(f"{name} did not take the news")
        except Exception as error:  # noqa: BLE001 - a hundred plugins of others; the round stands
            troubles.append(f"{name} failed: {type(error).__name__}")
    return troubles


def ping(address: str, *, failed: bool = False) -> list[str]:
    """Tell the dead man's switch that a round did its work, or that it failed.

    Args:
        address: Where a GET is a sign of life; "" when there is none.
        failed: ``/fail`` is added to the path, as healthchecks.io and others have it.

    Returns:
        A sentence if it did not answer, without its address.
    """
    if not address:
        return []
    parts = urlsplit(address)
    path = f"{parts.path.rstrip('/')}/fail" if failed else parts.path
    request = urllib.request.Request(  # noqa: S310 - settings take http and https only
        urlunsplit(parts._replace(path=path)), headers={"User-Agent": "verifier"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310 - as above
            return []
    except (OSError, ValueError) as error:  # HTTPError and URLError are OSErrors
        code = f" (HTTP {error.code})" if isinstance(error, HTTPError) else ""
        return [f"the dead man's switch did not answer{code}"]


@contextmanager
def watched(address: str) -> Iterator[None]:
    """A round that fails tells the dead man's switch; one that found another running does not."""
    try:
        yield
    except LockedError:
        raise
    except Exception:
        ping(address, failed=True)
        raise
