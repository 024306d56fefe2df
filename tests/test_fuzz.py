"""What `make fuzz` does for minutes, for a moment; and what it found, for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

FOUND = sorted((Path(__file__).parent / "fuzz" / "found").glob("*"))

pieces = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda words: words.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [b"<p>", b"<!--", b"</", b"&#x0;", b"<![CDATA[", b"\0", b'"', b"\r\n", b",", b"http://",
         b"//", b"[::1]", b"@", b"%0d", b"gzip", b"charset=", b"\x1f\x8b\x08", b"\xff\xfe",
         b"1 0 obj", b"\xe2\x80\xae",
         "ß".encode(), "ﬁ".encode(), b"[\xe2\x80\xa6]", b"-" * 9, b"9" * 400, b"xn--"]
    ),
)  # fmt: skip
contents = st.lists(pieces, max_size=12).map(b"".join)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(content=contents)
@example(content=b"")
def test_nothing_that_reads_a_strangers_bytes_raises(name: str, content: bytes) -> None:
    """
    A reader that raises costs its page at best, and the whole round at worst.
    """
    TARGETS[name](content)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_fuzzing_found_stays_mended(path: Path) -> None:
    """
    The file is named for its target: an input that once broke it, or that was feared to.
    """
    TARGETS[path.name.partition("-")[0]](path.read_bytes())
