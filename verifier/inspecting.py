"""``verifier fixity`` and ``verifier doctor``: is all well with what is stored, and for a round?"""

from __future__ import annotations

import asyncio
import os
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from verifier import damage, doctor, fixity
from verifier.attention import plain
from verifier.console import Bar
from verifier.doctor import Finding, Patient
from verifier.errors import IntegrityError
from verifier.settings import Settings
from verifier.start import Common, archive_of, plan_of, show
from verifier.wayback import ia_ini_places

_FILES = 128
"""Descriptors that a round has open besides its connections."""


def check_fixity(common: Common, *, heads: tuple[str, ...], form: str) -> int:
    """``verifier fixity``: everything that is stored is read again."""
    examined = fixity.examine(common.archive, heads=heads, progress=Bar(counted=""))
    show(damage.as_json(examined) if form == "json" else damage.text(examined))
    return IntegrityError.exit_code if examined.found else 0


def see_doctor(common: Common) -> int:
    """``verifier doctor``: one line for each thing that a round needs."""
    told = common.settings()
    plan = plan_of(common, told)
    archive = archive_of(told)
    patient = Patient(
        sources=common.sources,
        folder=common.archive,
        scout=plan.scout,
        archive=lambda: archive,
        canaries=told.canaries,
        wanted_files=_FILES + 4 * told.concurrency,
        contact=told.contact,
        allow_private=told.allow_private,
        proxies=tuple(_proxies()),
        secret_files=tuple(_secret_files(common, told)),
        channels=told.notify,
    )
    return asyncio.run(_seen(patient))


async def _seen(patient: Patient) -> int:
    findings: list[Finding] = []
    async for finding in doctor.examine(patient, now=datetime.now(UTC)):
        findings.append(finding)
        show(f"{finding.state:<5} {plain(f'{finding.what}: {finding.said}')}\n")
    return doctor.exit_code(findings)


def _proxies() -> list[str]:
    """The proxies in use, without the credentials that may stand in their addresses."""
    found = urllib.request.getproxies()
    hosts = [urlsplit(found[scheme]) for scheme in ("http", "https") if scheme in found]
    return sorted({f"{part.scheme}://{part.hostname}:{part.port or ''}" for part in hosts})


def _secret_files(common: Common, told: Settings) -> list[Path]:
    config = common.config_file
    secret = config is not None and "ia_secret_key" in config.read_text("utf-8")
    files = [config] if secret and config is not None else []
    by_ia = not (told.ia_access_key or "VERIFIER_IA_ACCESS_KEY" in os.environ)
    return files + [path for path in ia_ini_places(Path.home()) if by_ia and path.is_file()]
