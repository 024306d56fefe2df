"""What the environment and verifier.toml say, checked, in one record."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from verifier.errors import InputError
from verifier.hosts import fault_of

PREFIX = "VERIFIER_"

CANARIES = ("https://www.iana.org/", "https://www.wikipedia.org/", "https://www.debian.org/")
"""Asked before each round; one that answers proves a network. Any three neutral hosts do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, as the contract names it; times in seconds.

    Attributes:
        processes: Over how many a large round is spread; 0: as many as there are cores.
        copy_days: How old a capture that the archive's index has may be, to count as a copy.
        notify: Channels for news, as Apprise writes them.
        site_sql: Visitors of the site may ask in SQL.
        site_path: The path below which a proxy shows the site.
        ping_url: Where a GET says that a round did its work; "" tells nobody.
        save_pause, poll_pause: None: the archive's stated limits (``preserve.Pace``).
    """

    wayback_url: str = "https://web.archive.org"
    ia_access_key: str = field(default="", repr=False)
    ia_secret_key: str = field(default="", repr=False)
    canaries: tuple[str, ...] = CANARIES
    allow_private: bool = False
    contact: str = ""
    per_host: int = 1
    host_pause: float = 1.0
    concurrency: int = 100
    processes: int = 0
    deadline: float = 60.0
    retry_pause: float = 2.0
    save_pause: float | None = None
    poll_pause: float | None = None
    preserve_budget: float = 600.0
    copy_days: int = 180
    site_sql: bool = True
    site_path: str = "/"
    notify: tuple[str, ...] = field(default=(), repr=False)
    ping_url: str = field(default="", repr=False)


def load(config: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings: the environment's word counts, then the file's, then the default.

    Args:
        config: The TOML file; None when there is none.

    Raises:
        InputError: The file can't be read, or a setting is unknown or makes no sense.
    """
    told: dict[str, Any] = {}
    known = {setting.name for setting in fields(Settings)}
    for name, value in (_file(config) if config is not None else {}).items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            cure = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(sorted(known))}"
            raise InputError(str(config), f"there is no setting {name!r}", cure)
        told[name] = _checked(name, value, f"{config}, {name}")
    for name in known:
        variable = PREFIX + name.upper()
        if variable in environment:
            told[name] = _checked(name, environment[variable].strip(), variable)
    return Settings(**told)


def with_words(told: Settings, place: str, **values: str) -> Settings:
    """*told* with what an option says instead, checked as the file's would be.

    Raises:
        InputError: It makes no sense; *place* names the option.
    """
    checked = {name: _checked(name, value, place) for name, value in values.items()}
    return replace(told, **checked)  # type: ignore[arg-type]


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "See --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"it is no TOML: {error}", "See docs/operating.md") from error


def _checked(name: str, value: object, place: str) -> object:
    return _CHECKS.get(name, _text)(value, place)


def _text(value: object, place: str) -> str:
    # All texts go into headers of requests; the value is not shown, since some are secrets.
    if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
        cure = "Letters, digits and signs of ASCII, on one line"
        raise InputError(place, "it cannot stand in a request's header", cure)
    return value


def _address(value: object, place: str) -> str:
    if not isinstance(value, str) or fault_of(value):
        raise InputError(place, f"{value!r} is no web address", "It begins with https://")
    return value.rstrip("/")


def _addresses(value: object, place: str) -> tuple[str, ...]:
    listed = value.split() if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise InputError(place, f"{value!r} is no list of addresses", "Put spaces between them")
    for item in listed:
        _address(item, place)
    return tuple(listed)


def _channels(value: object, place: str) -> tuple[str, ...]:
    # none of the values is shown: they hold passwords and keys
    listed = value.split() if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise InputError(place, "it is no list of channels", 'Such as ["mailto://…", "ntfys://…"]')
    for item in listed:
        name, colon, rest = item.partition("://") if isinstance(item, str) else ("", "", "")
        if not (name.isascii() and name.isalnum() and colon and rest):
            cure = "Such as mailto://user:password@example.org; see docs/operating.md"
            raise InputError(place, "one of them is no channel's address", cure)
    return tuple(listed)


def _ping(value: object, place: str) -> str:
    if value == "":
        return ""
    if not isinstance(value, str) or fault_of(value):
        raise InputError(place, "it is no web address", "It begins with https://")
    return value


def _switch(value: object, place: str) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"": False, "0": False, "false": False, "no": False, "off": False}
    if str(value).lower() not in words:
        raise InputError(place, f"{value!r} is neither yes nor no", "Say 1 or 0")
    return words[str(value).lower()]


def _path(value: object, place: str) -> str:
    parts = value.strip("/").split("/") if isinstance(value, str) else [""]
    if value in ("", "/"):
        return "/"
    if not all(re.fullmatch(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*", part) for part in parts):
        raise InputError(place, f"{value!r} is no path", "Such as /sources/")
    return f"/{'/'.join(parts)}/"


def _number(value: object) -> float:
    try:
        return -1.0 if isinstance(value, bool) else float(str(value))
    except ValueError:
        return -1.0


def _whole(value: object, place: str) -> int:
    number = _number(value)
    if not 1 <= number <= 10_000 or number != int(number):
        raise InputError(place, f"{value!r} is no whole number", "From 1 to 10000")
    return int(number)


def _number_of_processes(value: object, place: str) -> int:
    number = _number(value)
    if not 0 <= number <= 256 or number != int(number):
        raise InputError(place, f"{value!r} is no number of processes", "From 0 (the cores) to 256")
    return int(number)


def _seconds(value: object, place: str) -> float:
    number = _number(value)
    if not 0 <= number <= 1e7:  # NaN fails this too
        raise InputError(place, f"{value!r} is no number of seconds", "Zero or more")
    return number


def _positive(value: object, place: str) -> float:
    number = _seconds(value, place)
    if not number:
        raise InputError(place, "a page needs some time to come", "More than zero seconds")
    return number


_CHECKS: dict[str, Callable[[object, str], object]] = {
    "wayback_url": _address,
    "canaries": _addresses,
    "notify": _channels,
    "ping_url": _ping,
    "allow_private": _switch,
    "site_sql": _switch,
    "site_path": _path,
    "copy_days": _whole,
    "per_host": _whole,
    "concurrency": _whole,
    "processes": _number_of_processes,
    "host_pause": _seconds,
    "deadline": _positive,
    "retry_pause": _seconds,
    "save_pause": _seconds,
    "poll_pause": _seconds,
    "preserve_budget": _seconds,
}
