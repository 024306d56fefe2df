"""``verifier fixity`` and ``verifier doctor``: is all well with what is stored, and for a round?"""

from __future__ import annotations

from verifier import damage, fixity
from verifier.console import Bar
from verifier.errors import IntegrityError
from verifier.start import Common, show


def check_fixity(common: Common, *, heads: tuple[str, ...], form: str) -> int:
    """``verifier fixity``: everything that is stored is read again."""
    examined = fixity.examine(common.archive, heads=heads, progress=Bar(counted=""))
    show(damage.as_json(examined) if form == "json" else damage.text(examined))
    return IntegrityError.exit_code if examined.found else 0
