"""Which Datasettes show our audit database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from weakref import WeakSet

from verifier import copies

DATABASE = "audit"
PLUGIN = "verifier"
_TABLES = frozenset({"audit", "sources", "runs", "checks", "captures", "ledger"})

_recognised: WeakSet[Any] = WeakSet()
_with_copies: WeakSet[Any] = WeakSet()


async def recognise(datasette: Any) -> None:
    """Note whether *datasette* has the database "audit" with our tables.

    Somebody else's database may be called "audit" too; its tables then are others.
    """
    database = datasette.databases.get(DATABASE)
    if database is not None and set(await database.table_names()) >= _TABLES:
        _recognised.add(datasette)
        if "file" in await database.table_columns("captures"):
            _with_copies.add(datasette)


def is_ours(datasette: Any) -> bool:
    """True when *datasette* was recognised as showing our tables."""
    return datasette in _recognised


def keeps_copies(datasette: Any) -> bool:
    """True when the tables say where our copies lie; those that were published don't."""
    return datasette in _with_copies


def is_built_by_us(datasette: Any) -> bool:
    """True when the whole Datasette is ours, not only one of its databases."""
    return bool(_settings(datasette).get("whole_site"))


def warc_folder(datasette: Any) -> Path:
    """Where the WARC files are: as set by `settings`, else beside the database."""
    folder = _settings(datasette).get("warc")
    return Path(folder or Path(datasette.databases[DATABASE].path).parent / "warc")


def copies_good_for(datasette: Any) -> timedelta:
    """How old a capture that the archive's index has may be, as set by `settings`."""
    days = _settings(datasette).get("copy_days")
    return copies.GOOD_FOR if days is None else timedelta(days=days)


def settings(database: Path, warc: Path, *, good_for: timedelta) -> dict[str, Any]:
    """The plugin settings of a Datasette that is ours as a whole.

    The folder is named only where it isn't the usual one: settings can be read by visitors.
    """
    usual = database.parent / "warc"
    told = {"whole_site": True} | ({} if warc == usual else {"warc": str(warc)})
    return told | ({} if good_for == copies.GOOD_FOR else {"copy_days": good_for.days})


def _settings(datasette: Any) -> dict[str, Any]:
    return datasette.plugin_config(PLUGIN) or {}
