"""PDF files of plain lines, for the demonstration's small web."""

from __future__ import annotations

from collections.abc import Sequence

_TOP, _LEFT, _LEADING = 780, 70, 18  # points


def pdf(pages: Sequence[Sequence[str]], *, title: str) -> bytes:
    """A PDF with these lines on its pages, in Helvetica; Latin letters only.

    Source: ISO 32000-1, sections 7.5 and 9.4.
    """
    kids = [4 + 2 * number for number in range(len(pages))]
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids)),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    }
    for kid, lines in zip(kids, pages, strict=True):
        objects[kid] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F 3 0 R >> >> >>" % (kid + 1)
        )
        shown = b"".join(b"(%s) Tj T* " % _escaped(line) for line in lines)
        content = b"BT /F 12 Tf %d TL %d %d Td %sET" % (_LEADING, _LEFT, _TOP, shown)
        objects[kid + 1] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)
    information = max(objects) + 1
    objects[information] = b"<< /Title (%s) >>" % _escaped(title)
    return _file(objects, information)


def _file(objects: dict[int, bytes], information: int) -> bytes:
    """The objects, the table of where they stand, and the trailer."""
    told = b"%PDF-1.4\n"
    places = []
    for number in sorted(objects):
        places.append(len(told))
        told += b"%d 0 obj\n%s\nendobj\n" % (number, objects[number])
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return told + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, table, len(objects) + 1, information, len(told))
    )


def _escaped(line: str) -> bytes:
    raw = line.encode("cp1252")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
