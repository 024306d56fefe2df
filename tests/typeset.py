"""PDF files made by hand: any words in any script, broken into lines as a typesetter breaks them.

No font is embedded and none is needed: a reader of text asks only what each code stands for
(ISO 32000-1, section 9.10) and where it stands. So a ligature is one code for several letters.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Sequence
from itertools import count

LEADING = 16
"""Points from one line to the next."""

_MIRRORED = dict(zip("()[]«»<>", ")(][»«><", strict=True))
_LEFT_TO_RIGHT = re.compile(r"[0-9٠-٩۰-۹A-Za-z]+(?:[.,:/-][0-9٠-٩۰-۹A-Za-z]+)*")
_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def pdf(
    *pages: Sequence[str] | None,
    title: str = "",
    ligatures: Sequence[str] = (),
    password: bytes | None = None,
) -> bytes:
    """A PDF file.

    Args:
        pages: The lines of each page, from the top; None is a page that holds but a picture.
        ligatures: Groups of letters that are set as one sign.
        password: What opens the file; ``b""`` asks nobody, but the file is encrypted all the same.
    """
    font = _Font(ligatures)
    objects: dict[int, bytes] = {}
    numbers = count(8)
    kids = []
    for lines in pages:
        page, content = next(numbers), next(numbers)
        kids.append(page)
        objects[page] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
            b"/Resources<</Font<</F 3 0 R>>/XObject<</I 7 0 R>>>>>>" % content
        )
        objects[content] = _stream(
            b"q 500 0 0 700 40 70 cm /I Do Q" if lines is None else font.shown(lines)
        )
    objects[1] = b"<</Type/Catalog/Pages 2 0 R>>"
    objects[2] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (
        len(kids),
        b" ".join(b"%d 0 R" % kid for kid in kids),
    )
    objects[3] = (
        b"<</Type/Font/Subtype/Type0/BaseFont/Typeset/Encoding/Identity-H"
        b"/DescendantFonts[4 0 R]/ToUnicode 5 0 R>>"
    )
    objects[4] = (
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont/Typeset/DW 500"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        b"/FontDescriptor<</Type/FontDescriptor/FontName/Typeset/Flags 4/Ascent 800/Descent -200"
        b"/CapHeight 700/ItalicAngle 0/StemV 80/FontBBox[0 -200 1000 800]>>>>"
    )
    objects[5] = _stream(font.meanings())
    objects[6] = b"<</Title<FEFF%s>>>" % title.encode("utf-16-be").hex().encode()
    grey = zlib.compress(bytes(range(256)) * 16)
    objects[7] = _stream(
        grey,
        b"/Type/XObject/Subtype/Image/Width 64/Height 64/ColorSpace/DeviceGray"
        b"/BitsPerComponent 8/Filter/FlateDecode",
    )
    trailer = b"/Root 1 0 R"
    if password is None:
        trailer += b"/Info 6 0 R"
    else:
        del objects[6]
        trailer += _encrypt(objects, password)
    return _file(objects, trailer)


def printed(*pages: Sequence[str], title: str = "") -> bytes:
    """A PDF file whose letters can also be seen: Latin ones, in a font that every reader has."""
    objects: dict[int, bytes] = {}
    numbers = count(5)
    kids = []
    for lines in pages:
        page, content = next(numbers), next(numbers)
        kids.append(page)
        objects[page] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
            b"/Resources<</Font<</F 3 0 R>>>>>>" % content
        )
        shows = b"".join(b"<%s>Tj T*\n" % line.encode("cp1252").hex().encode() for line in lines)
        objects[content] = _stream(b"BT /F 12 Tf %d TL 60 760 Td\n%sET" % (LEADING, shows))
    objects[1] = b"<</Type/Catalog/Pages 2 0 R>>"
    objects[2] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (
        len(kids),
        b" ".join(b"%d 0 R" % kid for kid in kids),
    )
    objects[3] = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    objects[4] = b"<</Title<FEFF%s>>>" % title.encode("utf-16-be").hex().encode()
    return _file(objects, b"/Root 1 0 R/Info 4 0 R")


class _Font:
    """Codes for what is shown, given as they are needed."""

    def __init__(self, ligatures: Sequence[str]) -> None:
        self._ligatures = sorted(ligatures, key=len, reverse=True)
        self._codes: dict[str, int] = {}

    def shown(self, lines: Sequence[str]) -> bytes:
        """The operators that show *lines* below each other."""
        shows = b"".join(b"<%s>Tj T*\n" % self._coded(line) for line in lines)
        return b"BT /F 12 Tf %d TL 40 800 Td\n%sET" % (LEADING, shows)

    def meanings(self) -> bytes:
        """The CMap that tells what each code stands for."""
        rows = b"".join(
            b"1 beginbfchar <%04X> <%s> endbfchar\n"
            % (code, text.encode("utf-16-be").hex().encode())
            for text, code in self._codes.items()
        )
        return (
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
            b"/CMapName /Typeset def /CMapType 2 def\n"
            b"1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
            + rows
            + b"endcmap CMapName currentdict /CMap defineresource pop end end"
        )

    def _coded(self, line: str) -> bytes:
        line = _visual(line)
        codes = b""
        while line:
            sign = next((group for group in self._ligatures if line.startswith(group)), line[0])
            codes += b"%04X" % self._codes.setdefault(sign, len(self._codes) + 1)
            line = line[len(sign) :]
        return codes


def _visual(line: str) -> str:
    """The signs of *line* from left to right: as they stand on paper, whatever the script."""
    if not any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in line):
        return line
    turned = "".join(_MIRRORED.get(sign, sign) for sign in reversed(line))
    # Numbers and foreign words still run to the right.
    return _LEFT_TO_RIGHT.sub(lambda run: run[0][::-1], turned)


def _stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(content), content)


def _file(objects: dict[int, bytes], trailer: bytes) -> bytes:
    whole = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    places = {}
    for number, content in sorted(objects.items()):
        places[number] = len(whole)
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    size = max(objects) + 1
    table = b"".join(
        b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n"
        for number in range(size)
    )
    return whole + b"xref\n0 %d\n%strailer\n<</Size %d%s>>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        table,
        size,
        trailer,
        len(whole),
    )


def _encrypt(objects: dict[int, bytes], password: bytes) -> bytes:
    """Encrypts all streams (ISO 32000-1, section 7.6, revision 2); what the trailer needs for it.

    Strings outside of streams stay as they are: there are none that matter.
    """
    padded = (password + _PADDING)[:32]
    owner = _rc4(hashlib.md5((b"owner" + _PADDING)[:32]).digest()[:5], padded)
    allowed = (0xFFFFFFFC).to_bytes(4, "little")
    key = hashlib.md5(padded + owner + allowed + b"I" * 16).digest()[:5]
    for number, content in objects.items():
        head, found, rest = content.partition(b"stream\n")
        if found:
            body = rest.removesuffix(b"\nendstream")
            own = hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]
            objects[number] = head + found + _rc4(own, body) + b"\nendstream"
    entries = (owner.hex().encode(), _rc4(key, _PADDING).hex().encode(), b"49" * 16, b"49" * 16)
    return b"/Encrypt<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P -4>>/ID[<%s><%s>]" % entries


def _rc4(key: bytes, text: bytes) -> bytes:
    state = list(range(256))
    other = 0
    for place in range(256):
        other = (other + state[place] + key[place % len(key)]) % 256
        state[place], state[other] = state[other], state[place]
    out, other = bytearray(), 0
    for turn, byte in enumerate(text, 1):
        place = turn % 256
        other = (other + state[place]) % 256
        state[place], state[other] = state[other], state[place]
        out.append(byte ^ state[(state[place] + state[other]) % 256])
    return bytes(out)
