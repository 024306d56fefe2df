"""What an address says before anybody asks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.hosts import LONGEST, fault_of, host_of


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "http://example.org:8080/a?b=c#d",
        "HTTPS://Example.ORG/",
        "https://bücher.example/straße",
        "https://fa.wikipedia.org/wiki/می\u200cخواهم",
        "http://127.0.0.1:9/",
        "http://[2001:db8::1]:80/",
        "http://localhost/",
        "http://host:/",
        "https://under_score.example/",
        "https://user:word@example.org/",
        "https://example.org./",
        "https://http/",
        "https://example.org/" + "a" * 10_000,
        "https://example.org/a{b}|c\\d",
    ],
)
def test_a_web_address_has_no_fault(url: str) -> None:
    """A rule that is too strict would leave a good source unchecked."""
    assert fault_of(url) == ""


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("", "no-address"),
        ("  ", "no-address"),
        ("example.org/page", "no-scheme"),
        ("www.example.org", "no-scheme"),
        ("//example.org/", "no-scheme"),
        ("example.org:8080/page", "no-scheme"),
        ("localhost:8080", "no-scheme"),
        ("ftp://example.org/", "unsupported-scheme"),
        ("htp://example.org/", "unsupported-scheme"),
        ("mailto:a@example.org", "unsupported-scheme"),
        ("doi:10.1000/182", "unsupported-scheme"),
        ("file:///etc/passwd", "unsupported-scheme"),
        ("javascript:alert(1)", "unsupported-scheme"),
        ("http://exa mple/", "space"),
        ("https://example.org/a\u00a0b", "space"),
        ("https://example.org/a\nb", "control-character"),
        ("https://example.org/a\tb", "control-character"),
        ("https://example.org/\x00", "control-character"),
        ("https://example.org/\u200b", "control-character"),
        ("https://example.org/\u202egpj.exe", "control-character"),
        ("https://", "no-host"),
        ("https:///path", "no-host"),
        ("http:example.org", "no-host"),
        ("http:/example.org", "no-host"),
        ("http://:80/", "no-host"),
        ("http://user@/", "no-host"),
        ("http://[::1", "bad-host"),
        ("http://[::1]x/", "bad-host"),
        ("http://[not-six]/", "bad-host"),
        ("http://a..example/", "bad-host"),
        ("http://.example/", "bad-host"),
        ("http://./", "bad-host"),
        ("http://" + "a" * 64 + ".example/", "bad-host"),
        ("http://" + "a." * 130 + "example/", "bad-host"),
        ("http://good.example\\@evil.example/", "bad-host"),
        ("http://exa%20mple.org/", "bad-host"),
        ("https://https://example.org/", "bad-host"),
        ("http://http//example.org/", "bad-host"),
        ("http://a:99999/", "bad-port"),
        ("http://a:0/", "bad-port"),
        ("http://a:-1/", "bad-port"),
        ("http://a:٣/", "bad-port"),
        ("http://a:b:80/", "bad-port"),
        ("http://a:" + "9" * 10_000 + "/", "bad-port"),
        ("https://example.org/" + "a" * LONGEST, "too-long"),
        ("https://example.org/" + "a" * 1_000_000, "too-long"),
    ],
)
def test_a_fault_begins_with_the_name_of_its_rule(url: str, rule: str) -> None:
    """Each fault has its own cure; the name is what reports and the CSV reader go by."""
    fault = fault_of(url)

    assert fault.startswith(f"{rule}: ")
    assert len(fault) < 200
    assert "\n" not in fault


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://example.org/a", "example.org:443"),
        ("http://EXAMPLE.org", "example.org:80"),
        ("https://example.org:443/", "example.org:443"),
        ("https://example.org:/", "example.org:443"),
        ("http://example.org:443/", "example.org:443"),
        ("http://example.org:0080?x", "example.org:80"),
        ("https://example.org.#top", "example.org:443"),
        ("https://Bücher.example/", "xn--bcher-kva.example:443"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example:443"),
        ("https://user:w@example.org:8443/@x", "example.org:8443"),
        ("http://[2001:DB8:0::1]/", "[2001:db8::1]:80"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("", ""),
        ("example.org", ""),
        ("ftp://example.org/", ""),
        ("http://[::1", ""),
        ("http://a:99999/", ""),
        ("https:///x", ""),
    ],
)
def test_two_spellings_of_one_server_are_one_host(address: str, host: str) -> None:
    """Politeness counts requests by host: two names for one server would double them."""
    assert host_of(address) == host


_PIECES = st.sampled_from(
    ["http://", "https:", "[", "]", "::1", ":", "@", "/", "\\", "#", "?", ".", "a", "ü", "80", "%"]
)


@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)))
def test_no_text_makes_the_check_raise(text: str) -> None:
    """One strange row must never end a round."""
    fault = fault_of(text)
    host = host_of(text)

    assert fault == "" or ": " in fault
    if not fault:
        assert host.rpartition(":")[2].isdigit()
        assert host == host.lower()


def test_an_address_of_a_megabyte_is_answered_like_any_other() -> None:
    """IDNA and regular expressions are known for quadratic time; a cell may be this long."""
    for url in ("http://" + "ü" * 1_000_000, "http://" + "a." * 500_000, "a" * 1_000_000):
        assert fault_of(url).startswith("too-long")
        host_of(url)
