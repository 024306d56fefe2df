"""The report as CSV for spreadsheets, whose cells nobody's words can turn into formulas."""

from __future__ import annotations

import csv
import io
import re

from verifier.attention import address_to_use, group_of, needs_reader, plain
from verifier.bulletin import Bulletin
from verifier.records import AuditRow
from verifier.rows import of_audit

# The signs with which a spreadsheet's formula begins, also in the wide forms that some
# locales' spreadsheets take for them. Tab and carriage return begin one as well; `plain`
# makes spaces of these, and takes them away at a cell's ends. Where numbers have a decimal
# comma, spreadsheets cut a line at semicolons: a formula may stand behind one, in any cell.
_FORMULA = re.compile(r"(?:^|;[\s\"']*)(?=[=+\-@＝＋－＠])")


def as_csv(bulletin: Bulletin) -> str:
    """A header and a line a source, in the order of sources.csv; UTF-8, CRLF (RFC 4180).

    The columns are ``group``, ``needs_reader`` and ``use_instead`` after ``id``, then those of
    the table ``audit``. Of a report since some day only the sources of which an answer is news.

    Each cell is one line of printable text; what a spreadsheet would take for a formula has an
    apostrophe before it. Datasette's CSV has the cells as they are.
    """
    changed = {change.source_id for change in bulletin.changes}
    file = io.StringIO()
    writer = None
    for row in bulletin.rows:
        if bulletin.since is not None and row.id not in changed:
            continue
        cells = _cells_of(row)
        writer = writer or _begun(file, list(cells))
        writer.writerow({name: harmless(value) for name, value in cells.items()})
    if writer is None:
        _begun(file, list(_cells_of(AuditRow(id=""))))
    return file.getvalue()


def _begun(file: io.StringIO, names: list[str]) -> csv.DictWriter[str]:
    writer = csv.DictWriter(file, names)
    writer.writeheader()
    return writer


def _cells_of(row: AuditRow) -> dict[str, object]:
    group = group_of(row)
    told: dict[str, object] = {
        "id": row.id,
        "group": group.name if group is not None else "sound",
        "needs_reader": "; ".join(needs_reader(row)),
        "use_instead": address_to_use(row),
    }
    return told | of_audit(row) | {"tags": " ".join(row.tags)}


def harmless(value: object) -> str:
    """A cell that shows *value* and does nothing; "" for None.

    Source: OWASP, CSV Injection.
    """
    if isinstance(value, int):
        return str(value)  # of ours
    words = "" if value is None else plain(str(value))
    return _FORMULA.sub(r"\g<0>'", words)
