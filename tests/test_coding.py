"""verifier.coding: content codings undone, faults and bombs included."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.coding import MAX_LAYERS, decode

TEXT = b"".join(b"%d bottles of beer on the wall, " % number for number in range(3000))
GZIPPED = gzip.compress(TEXT)
BROTLI = brotli.compress(TEXT)
LIMIT = 1_000_000


def bare_deflate(body: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(body) + machine.flush()


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda body: brotli.compress(body, quality=5),  # its best takes seconds
}


@pytest.mark.parametrize("coding", ENCODERS)
def test_each_coding_is_undone(coding: str) -> None:
    """Servers send what they like, whatever was asked for."""
    decoded = decode(ENCODERS[coding](TEXT), coding, limit=LIMIT)

    assert decoded.content == TEXT
    assert decoded.problem == ""


def test_deflate_without_its_wrapper_is_undone() -> None:
    """Old servers took the name "deflate" at its word."""
    assert decode(bare_deflate(TEXT), "deflate", limit=LIMIT).content == TEXT


@pytest.mark.parametrize("field", ["", "identity", " Identity , ", ","])
def test_no_coding_leaves_the_body_alone(field: str) -> None:
    """An empty field is no reason to lose a page."""
    decoded = decode(b"plain", field, limit=LIMIT)

    assert (decoded.content, decoded.problem) == (b"plain", "")


def test_codings_are_undone_from_the_last_to_the_first() -> None:
    """RFC 9110 lists them in the order in which they were applied."""
    body = brotli.compress(gzip.compress(gzip.compress(TEXT)))

    decoded = decode(body, "gzip, GZIP ,br", limit=LIMIT)

    assert (decoded.content, decoded.problem) == (TEXT, "")


def test_more_layers_than_anyone_applies_by_mistake_stay_on() -> None:
    """Each layer is work that a stranger makes us do."""
    body = TEXT
    for _ in range(MAX_LAYERS + 1):
        body = gzip.compress(body)

    decoded = decode(body, ",".join(["gzip"] * (MAX_LAYERS + 1)), limit=LIMIT)

    assert (decoded.content, decoded.problem) == (body, "unknown-encoding")


def test_gzip_members_are_joined_and_padding_after_them_is_ignored() -> None:
    """Log rotators and some CDNs concatenate members; tapes and some servers pad."""
    body = gzip.compress(TEXT[:1000]) + gzip.compress(b"") + gzip.compress(TEXT[1000:]) + bytes(9)

    decoded = decode(body, "gzip", limit=LIMIT)

    assert (decoded.content, decoded.problem) == (TEXT, "")


def test_an_empty_body_is_whole_whatever_its_header_says() -> None:
    """Redirects and 304s carry Content-Encoding without a body."""
    assert decode(b"", "gzip", limit=LIMIT).problem == ""


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_cut_stream_gives_what_came_before_the_cut(coding: str) -> None:
    """Half a page still shows whether the quotation stands in that half."""
    body = ENCODERS[coding](TEXT)

    decoded = decode(body[: len(body) // 2], coding, limit=LIMIT)

    assert decoded.problem == "broken-encoding"
    assert len(decoded.content) > len(TEXT) // 10
    assert TEXT.startswith(decoded.content)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_fault_in_the_middle_gives_what_came_before_it(coding: str) -> None:
    """A machine that meets a fault drops what it held; it is fed again, carefully."""
    body = ENCODERS[coding](TEXT)
    half = len(body) // 2

    decoded = decode(body[:half] + b"\xff" * 40 + body[half + 40 :], coding, limit=LIMIT)

    assert decoded.problem == "broken-encoding"
    assert len(decoded.content) > len(TEXT) // 4
    assert decoded.content[: len(TEXT) // 4] == TEXT[: len(TEXT) // 4]


def test_a_wrong_checksum_keeps_the_whole_text() -> None:
    """Only the last eight bytes are wrong; the text above them came through."""
    body = gzip.compress(TEXT)[:-8] + b"\0" * 8

    decoded = decode(body, "gzip", limit=LIMIT)

    assert (decoded.content, decoded.problem) == (TEXT, "broken-encoding")


def test_a_fault_in_the_second_member_keeps_the_first() -> None:
    """The first member proved itself with its checksum."""
    broken = gzip.compress(b"second")
    body = gzip.compress(TEXT) + broken[:10] + b"\xff" * 8

    decoded = decode(body, "gzip", limit=LIMIT)

    assert decoded.content.startswith(TEXT)
    assert decoded.problem == "broken-encoding"


def test_brotli_followed_by_junk_is_whole() -> None:
    """The stream says itself where it ends."""
    decoded = decode(brotli.compress(TEXT) + b"junk", "br", limit=LIMIT)

    assert (decoded.content, decoded.problem) == (TEXT, "")


def test_a_plain_body_that_calls_itself_gzip_is_kept_as_it_is() -> None:
    """Misconfigured servers do; the words are there to be read."""
    decoded = decode(b"<html>plain</html>", "gzip", limit=LIMIT)

    assert (decoded.content, decoded.problem) == (b"<html>plain</html>", "broken-encoding")


def test_an_unknown_coding_leaves_the_body_as_it_came() -> None:
    """Evidence first: what cannot be read today is stored for whoever can."""
    decoded = decode(b"\x28\xb5\x2f\xfd", "zstd", limit=LIMIT)

    assert (decoded.content, decoded.problem) == (b"\x28\xb5\x2f\xfd", "unknown-encoding")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_bomb_stops_at_the_limit(coding: str) -> None:
    """Fifty kilobytes that unfold to fifty megabytes cost one limit of memory."""
    bomb = ENCODERS[coding](bytes(50_000_000))
    assert len(bomb) < 60_000

    decoded = decode(bomb, coding, limit=100_000)

    assert (decoded.content, decoded.problem) == (bytes(100_000), "cap")


def test_a_nested_bomb_stops_at_the_limit() -> None:
    """The outer layer is harmless, the inner one unfolds to a thousand times the limit."""
    bomb = gzip.compress(gzip.compress(bytes(50_000_000)))

    decoded = decode(bomb, "gzip, gzip", limit=100_000)

    assert (decoded.content, decoded.problem) == (bytes(100_000), "cap")


def test_a_bomb_between_two_codings_stops_at_the_limit() -> None:
    """The text would be small, what has to be unfolded on the way to it is not."""
    stored = zlib.compressobj(0, zlib.DEFLATED, 31)
    huge = stored.compress(bytes(3_000_000)) + stored.flush()

    decoded = decode(gzip.compress(huge), "gzip, gzip", limit=100_000)

    assert decoded.problem == "cap"
    assert len(decoded.content) <= 100_000


def test_members_share_one_limit() -> None:
    """Many small members make a bomb as well."""
    decoded = decode(gzip.compress(bytes(60_000)) * 50, "gzip", limit=100_000)

    assert (decoded.content, decoded.problem) == (bytes(100_000), "cap")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_text_of_exactly_the_limit_is_whole(coding: str) -> None:
    """The cap is for more than the limit, not for as much."""
    decoded = decode(ENCODERS[coding](TEXT), coding, limit=len(TEXT))

    assert (decoded.content, decoded.problem) == (TEXT, "")
    assert decode(ENCODERS[coding](TEXT), coding, limit=len(TEXT) - 1).problem == "cap"


def test_an_uncoded_body_has_the_same_limit() -> None:
    """Whoever reads the content may rely on its size."""
    decoded = decode(b"12345", "", limit=4)

    assert (decoded.content, decoded.problem) == (b"1234", "cap")


@settings(deadline=None)
@given(
    text=st.binary(max_size=3000), layers=st.lists(st.sampled_from(sorted(ENCODERS)), max_size=4)
)
def test_whatever_was_coded_comes_back(text: bytes, layers: list[str]) -> None:
    """The same law for every text and every stack of codings."""
    body = text
    for coding in layers:
        body = ENCODERS[coding](body)

    decoded = decode(body, ", ".join(layers), limit=LIMIT)

    assert (decoded.content, decoded.problem) == (text, "")


@settings(deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=300).map(lambda tail: GZIPPED[:200] + tail),
        st.binary(max_size=300).map(lambda tail: BROTLI[:200] + tail),
    ),
    codings=st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd", "identity"]), max_size=6),
    limit=st.integers(min_value=0, max_value=500),
)
def test_no_bytes_raise_or_exceed_the_limit(body: bytes, codings: list[str], limit: int) -> None:
    """A body is somebody else's; one bad page never ends a round."""
    decoded = decode(body, ",".join(codings), limit=limit)

    assert len(decoded.content) <= limit
    assert decoded.problem in ("", "cap", "broken-encoding", "unknown-encoding")
