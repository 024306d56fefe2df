"""What one look means: the wrong word here sends a maintainer after a page that is well."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import marks, verdict
from verifier.records import (
    Failure,
    Fetched,
    Hop,
    NoReply,
    Reading,
    Reply,
    Seen,
    Source,
    Truncated,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAGE = b"<html><head><title>Report</title></head><body><p>The report itself.</p></body></html>"
PADDING = b"<p>" + b"long enough to be a page " * 400


def hop(
    url: str,
    status: int = 200,
    body: bytes = PAGE,
    truncated: Truncated | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Hop:
    """One hop; header names are given with underscores."""
    return Hop(
        url=url,
        requested_at=NOW,
        request=b"GET / HTTP/1.1\r\n\r\n",
        peer="192.0.2.1",
        version="HTTP/1.1",
        status=status,
        reason=b"",
        headers=tuple(
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ),
        body=body,
        truncated=truncated,
    )


def reply(*hops: Hop, undecoded: str = "", retry_after: datetime | None = None) -> Reply:
    """An answer whose content is the last hop's body."""
    return Reply(hops=hops, content=hops[-1].body, undecoded=undecoded, retry_after=retry_after)


def silence(failure: Failure, retry_after: datetime | None = None) -> NoReply:
    """No answer came."""
    return NoReply(
        url="https://a.example/page",
        failure=failure,
        detail="as it was",
        requested_at=NOW,
        retry_after=retry_after,
    )


def chain(*steps: tuple[str, int], quote_found: bool = False) -> Reading:
    """The reading of a chain of ``(address, status)``."""
    return verdict.read(
        reply(*(hop(url, status) for url, status in steps)), "Report", quote_found=quote_found
    )


def page(
    status: int = 200,
    body: bytes = PAGE,
    title: str = "Report",
    *,
    quote_found: bool = False,
    **headers: str,
) -> Reading:
    """The reading of one page that answers at once."""
    only = hop("https://a.example/page", status, body, headers=headers)
    return verdict.read(reply(only), title, quote_found=quote_found)


# ---- statuses ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 203, 206])
def test_a_page_that_comes_is_alive(status: int) -> None:
    """
    The plain case must not depend on anything but a page being there.
    """
    reading = page(status)

    assert (reading.seen, reading.rule) == (Seen.ALIVE, f"http-{status}")
    assert not reading.transport
    assert reading.suggested_url == ""


@pytest.mark.parametrize("status", [401, 402, 403, 407, 429, 451, 999, 412, 428, 440, 449])
def test_a_server_that_refuses_us_is_blocked_and_never_failing(status: int) -> None:
    """
    A refusal is about us: readers in a browser may see the page, so it never counts a strike.
    """
    reading = page(status, b"")

    assert (reading.seen, reading.rule) == (Seen.BLOCKED, f"http-{status}")


def test_gone_is_told_apart_from_not_found() -> None:
    """
    410 has its own, shorter way to the grave; 404 has not.
    """
    assert page(410).seen is Seen.GONE
    assert (page(404).seen, page(404).rule) == (Seen.FAILING, "http-404")


@pytest.mark.parametrize("status", [503, 509, 511])
def test_a_server_that_is_out_of_service_decides_nothing(status: int) -> None:
    """
    503 is maintenance, 511 is the network of a hotel: neither says anything of the page.
    """
    assert page(status).seen is Seen.UNDECIDED


@pytest.mark.parametrize("status", [400, 404, 408, 414, 500, 501, 502, 504, 520, 530])
def test_an_error_of_the_server_is_a_failure_but_none_of_transport(status: int) -> None:
    """
    A server that answers proves our network: its errors must not close the round's gate.
    """
    reading = page(status)

    assert (reading.seen, reading.rule) == (Seen.FAILING, f"http-{status}")
    assert not reading.transport


def test_a_quotation_on_an_error_page_does_not_make_it_alive() -> None:
    """
    An archive's "this page is gone" may repeat the words; the status is what the server means.
    """
    assert page(404, quote_found=True).seen is Seen.FAILING
    assert page(403, quote_found=True).seen is Seen.BLOCKED


# ---- no page -----------------------------------------------------------------------------


def test_a_page_without_a_byte_is_failing() -> None:
    """
    "200, nothing" supports no citation, and is what broken sites answer.
    """
    reading = page(200, b"")

    assert (reading.seen, reading.rule, reading.transport) == (Seen.FAILING, "empty-page", False)


def test_a_compressed_nothing_is_nothing_too() -> None:
    """
    Twenty bytes of gzip around no content are an empty page like any other.
    """
    last = hop("https://a.example/", body=b"\x1f\x8b and so on")

    assert verdict.read(Reply(hops=(last,), content=b"")).rule == "empty-page"
    assert verdict.read(Reply(hops=(last,), content=b"", undecoded="broken-encoding")).seen is (
        Seen.ALIVE
    )


@pytest.mark.parametrize("truncated", [Truncated.TIME, Truncated.DISCONNECT])
def test_a_page_of_which_nothing_came_in_time_is_a_failure_in_transport(
    truncated: Truncated,
) -> None:
    """
    Our own network can do that: then it must count for the round's gate.
    """
    reading = verdict.read(reply(hop("https://a.example/", body=b"", truncated=truncated)))

    assert (reading.seen, reading.transport) == (Seen.FAILING, True)
    assert str(truncated) in reading.reason


def test_a_page_that_was_cut_off_is_there_all_the_same() -> None:
    """
    Larger than our cap is no fault of the page.
    """
    reading = verdict.read(reply(hop("https://a.example/", truncated=Truncated.LENGTH)))

    assert reading.seen is Seen.ALIVE


_INVALID = {Failure.NO_ADDRESS, Failure.NOT_A_WEB_ADDRESS, Failure.FORBIDDEN_ADDRESS}
_UNKNOWN = {Failure.RESOLVER_FAILED, Failure.NETWORK_DOWN, Failure.UNEXPECTED}
_NOT_TRANSPORT = {
    Failure.UNEXPECTED, Failure.BAD_REPLY, Failure.TOO_MANY_REDIRECTS, Failure.BAD_REDIRECT,
    *_INVALID,
}  # fmt: skip


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_has_a_meaning_and_a_reason_of_its_own(failure: Failure) -> None:
    """
    A failure without a rule would end the round; one with the wrong rule would kill a page.
    """
    reading = verdict.read(silence(failure))

    expected = (
        Seen.INVALID
        if failure in _INVALID
        else Seen.UNDECIDED
        if failure in _UNKNOWN
        else Seen.FAILING
    )
    assert reading.seen is expected
    assert reading.rule == failure
    assert verdict.why(reading).startswith(f"{failure}: ")
    assert reading.transport is (failure not in _NOT_TRANSPORT)


def test_a_row_without_an_address_is_invalid_even_when_it_names_what_to_fetch() -> None:
    """
    An empty url is a claim that still needs a source, whatever fetch_url says.
    """
    for source in (Source(id="a"), Source(id="a", fetch_url="https://a.example/")):
        reading = verdict.invalid(source)

        assert reading is not None
        assert (reading.seen, reading.rule) == (Seen.INVALID, "no-address")


def test_a_row_with_a_fault_is_invalid_and_says_which() -> None:
    """
    The rule's name and the words stand apart: the first is for queries, the second for people.
    """
    reading = verdict.invalid(Source(id="a", url="x", fault="no-scheme: it begins with neither"))

    assert reading is not None
    assert (reading.rule, reading.reason) == ("no-scheme", "it begins with neither")
    assert verdict.invalid(Source(id="a", url="https://a.example/")) is None


# ---- redirects ---------------------------------------------------------------------------

A, B, C, D = (f"https://{name}.example/page" for name in "abcd")


@pytest.mark.parametrize("status", [301, 308])
def test_a_permanent_redirect_to_a_living_page_is_moved(status: int) -> None:
    """
    The page can be cited at its new address, and should.
    """
    reading = chain((A, status), (B, 200))

    assert (reading.seen, reading.rule) == (Seen.MOVED, f"http-{status}")
    assert reading.suggested_url == B


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_temporary_redirect_is_alive_where_it_was(status: int) -> None:
    """
    Who redirects for now wants the old address to be cited.
    """
    reading = chain((A, status), (B, 200))

    assert (reading.seen, reading.suggested_url) == (Seen.ALIVE, "")


def test_the_new_address_ends_with_the_unbroken_permanent_run() -> None:
    """
    What follows the first temporary hop is where the page is today, not where it is for good.
    """
    assert chain((A, 301), (B, 308), (C, 200)).suggested_url == C
    assert chain((A, 301), (B, 302), (C, 200)).suggested_url == B
    assert chain((A, 301), (B, 302), (C, 301), (D, 200)).suggested_url == B


def test_a_temporary_hop_first_makes_the_rest_of_the_chain_temporary() -> None:
    """
    302 then 301 is live: the contract says so.
    """
    reading = chain((A, 302), (B, 301), (C, 200))

    assert (reading.seen, reading.suggested_url) == (Seen.ALIVE, "")


def test_a_page_that_redirects_to_itself_has_not_moved() -> None:
    """
    Sites do so to set a cookie; "cite the same address instead" is no news.
    """
    assert chain((A, 301), (A, 200)).seen is Seen.ALIVE
    assert chain((A, 301), (B, 301), (A, 200)).seen is Seen.ALIVE


def test_a_permanent_redirect_to_a_dead_page_has_not_moved() -> None:
    """
    The page at the end must be alive, or we suggest a dead address for a dead address.
    """
    assert chain((A, 301), (B, 404)).seen is Seen.FAILING
    assert chain((A, 301), (B, 403)).seen is Seen.BLOCKED
    assert chain((A, 301), (B, 503)).seen is Seen.UNDECIDED


@pytest.mark.parametrize(
    ("asked", "ended"),
    [
        ("https://a.example/2019/report.pdf", "https://a.example/"),
        ("https://a.example/2019/report.pdf", "https://www.a.example/index.html"),
        ("http://www.a.example/2019/report", "https://a.example/home"),
        ("https://a.example/x", "https://a.example/default.aspx"),
    ],
)
@pytest.mark.parametrize("status", [301, 302])
def test_a_deep_page_that_redirects_to_the_front_page_is_a_soft_404(
    asked: str, ended: str, status: int
) -> None:
    """
    The commonest way of sites to hide that a page is gone.
    """
    assert chain((asked, status), (ended, 200)).rule == "soft-404-home"
    assert chain((asked, status), (ended, 200)).seen is Seen.FAILING
    assert chain((asked, status), (ended, 200), quote_found=True).seen in (Seen.ALIVE, Seen.MOVED)


@pytest.mark.parametrize(
    ("asked", "ended"),
    [
        ("http://a.example/", "https://www.a.example/"),
        ("https://a.example", "https://a.example/"),
        ("https://a.example/index.php", "https://a.example/"),
        ("https://a.example/deep", "https://a.example/?page=deep"),
        ("https://a.example/deep", "https://a.example/en/"),
        ("https://short.example/x1", "https://other.example/"),
    ],
)
def test_a_front_page_is_no_soft_404_where_it_may_be_meant(asked: str, ended: str) -> None:
    """
    Front pages are cited, too, and a short address may lead to one elsewhere.
    """
    assert chain((asked, 302), (ended, 200)).seen is Seen.ALIVE


@pytest.mark.parametrize(
    "ended",
    [
        "https://a.example/404",
        "https://a.example/errors/404.html",
        "https://a.example/NotFound",
        "https://a.example/page-not-found/",
        "https://a.example/error?aspxerrorpath=/report",
    ],
)
def test_a_redirect_to_an_address_for_lost_pages_is_a_soft_404(ended: str) -> None:
    """
    The server says "not found" in the address and "fine" in the status.
    """
    assert chain((A, 302), (ended, 200)).rule == "soft-404-address"
    assert chain((A, 301), (ended, 200)).seen is Seen.FAILING
    assert chain((A, 302), (ended, 200), quote_found=True).seen is Seen.ALIVE


def test_a_page_about_404_is_no_soft_404() -> None:
    """
    Encyclopaedias have an article on it, which is cited at just such an address.
    """
    article = "https://a.example/wiki/404"

    assert chain((article, 200)).seen is Seen.ALIVE
    assert chain((article.replace("https", "http"), 301), (article, 200)).seen is Seen.MOVED


@pytest.mark.parametrize(
    "gate",
    [
        "https://a.example/login?next=/page",
        "https://sso.a.example/SSO/start",
        "https://consent.a.example/consent",
        "https://a.example/wp-login.php",
    ],
)
def test_a_temporary_redirect_to_a_gate_is_blocked(gate: str) -> None:
    """
    Login and consent stand before a page that may be well.
    """
    assert (chain((A, 302), (gate, 200)).seen, chain((A, 302), (gate, 200)).rule) == (
        Seen.BLOCKED,
        "login-redirect",
    )


def test_a_gate_behind_a_permanent_hop_is_a_gate() -> None:
    """
    http to https for good, then to the login: the login page is not where the page moved.
    """
    reading = chain(("http://a.example/page", 301), (A, 302), ("https://a.example/login", 200))

    assert reading.seen is Seen.BLOCKED


def test_a_permanent_redirect_to_a_login_is_a_gate_too() -> None:
    """
    A login page is nobody's new address, whatever the status says: "moved" would suggest it.
    """
    assert chain((A, 301), ("https://a.example/login", 200)).seen is Seen.BLOCKED


def test_a_page_about_logins_is_no_gate() -> None:
    """
    What was cited is what came: only a gate that nobody asked for is one.
    """
    cited = "https://a.example/docs/login"

    assert chain((cited, 200)).seen is Seen.ALIVE
    assert chain((cited, 302), (f"{cited}/", 200)).seen is Seen.ALIVE
    assert chain((A, 302), ("https://a.example/login", 200), quote_found=True).seen is Seen.ALIVE


# ---- walls -------------------------------------------------------------------------------

_MOMENT = b"<title>Just a moment...</title><a href='https://www.cloudflare.com/'>Cloudflare</a>"
_FRAME = b'<html><body><iframe id="main-iframe" src="/_Incapsula_Resource?SWUDNSAI=1"></iframe>'


def markup(title: str = "", body: str = "", head: str = "") -> bytes:
    """A page of the web with this title and body."""
    return f"<!doctype html><html><head><title>{title}</title>{head}</head>{body}</html>".encode()


def wall(status: int, title: str = "", body: str = "", **headers: str) -> dict[str, object]:
    """What :func:`page` takes for a wall with this title and body."""
    return {"status": status, "body": markup(title, body), "title": title, **headers}


WALLS: dict[str, dict[str, object]] = {
    "cloudflare-challenge": {"status": 403, "cf_mitigated": "challenge"},
    "cloudflare-challenge by title": {"status": 503, "body": _MOMENT, "title": "Just a moment..."},
    "cloudflare-challenge in German": wall(
        403, "Nur einen Moment…", "<script>window._cf_chl_opt={cvId:'3'}</script>"
    ),
    "cloudflare-challenge by its script": wall(
        200, "shop.example", "<p>shop.example</p><script>window._cf_chl_opt={cvId:'3'}</script>"
    ),
    "cloudflare-block 1020": wall(
        403,
        "Access denied | shop.example used Cloudflare to restrict access",
        '<div id="cf-wrapper"><h1>Access denied</h1><p>Error code 1020</p>'
        '<span class="cf-error-code">1020</span> error 1020</div>',
    ),
    "cloudflare-block by heading": wall(
        403, "Attention", "<h1>Sorry, you have been blocked</h1><p>Unable to access a.example</p>"
    ),
    "cloudflare-block 1015 as text": {"status": 429, "body": b"error code: 1015", "title": ""},
    "aws-waf": {"status": 202, "body": b"", "x_amzn_waf_action": "challenge"},
    "aws-waf by script": wall(
        202, "", '<script>window.awsWafCookieDomainList=[];</script><div id="challenge"></div>'
    ),
    "rimon": {"status": 200, "Rimon": "RWC_BLOCK"},
    "reblaze": wall(200, "", "<script>window.rbzns = {}; winsocks(true);</script>"),
    "akamai": {"status": 503, "body": b"<h1>Access Denied</h1>", "Server": "AkamaiGHost"},
    "akamai with status 200": wall(
        200,
        "Access Denied",
        "<h1>Access Denied</h1>You don't have permission to access it. Reference #18.2d351ab8",
    ),
    "akamai by its frame": wall(200, "", '<div id="sec-if-cpt-container"></div>'),
    "aws-elb": {"status": 503, "body": b"<h1>503</h1>", "Server": "awselb/2.0"},
    "cloudfront": {"status": 503, "X_Cache": "Error from cloudfront"},
    "cloudfront by country": wall(
        200,
        "ERROR: The request could not be satisfied",
        "<p>The distribution is configured to block access from your country. "
        "Generated by cloudfront",
    ),
    "sucuri": {"status": 200, "X_Sucuri_Block": "GEO02"},
    "sucuri by title": wall(
        403, "Sucuri WebSite Firewall - Access Denied", "<p>Sucuri blocked it. Block ID: GEO02"
    ),
    "datadome": {"status": 405, "X_DataDome": "protected"},
    "datadome by script": wall(
        200,
        "shop.example",
        "<p>Please enable JS</p><script>var dd={'rt':'c'}</script>"
        '<script src="https://ct.captcha-delivery.com/c.js"></script>',
    ),
    "perimeterx": {"status": 403, "body": b"<div id='px-captcha'></div>"},
    "perimeterx with status 200": wall(
        200,
        "Human check",
        '<h1>Press &amp; Hold to confirm you are a human</h1><div id="px-captcha"></div>',
    ),
    "imperva": {"status": 200, "body": _FRAME},
    "imperva in words": wall(
        200,
        "",
        '<iframe src="/_Incapsula_Resource?CWUDNSAI=9&incident_id=1"></iframe>'
        "Request unsuccessful. Incapsula incident ID: 1-2",
    ),
    "kasada": {"status": 429, "x_kpsdk_ct": "0abc", "body": b""},
    "anubis": {
        "status": 200,
        "title": "Making sure you're not a bot!",
        "body": markup("Making sure you're not a bot!", "<h1>Making sure …</h1>"),
    },
    "anubis in German": wall(
        200,
        "Es wird sichergestellt, dass Sie kein Bot sind!",
        '<script id="anubis_challenge" type="application/json">{}</script>',
    ),
    "go-away": wall(
        418,
        "Checking",
        '<link href="/.well-known/.git.gammaspectra.live/git/go-away/assets/style.css">',
    ),
    "proof-of-work": wall(
        503, "Checking your browser", "<p>One second</p><script src='/x.js'></script>"
    ),
    "proof-of-work in Chinese": wall(200, "人机验证", "<p>请稍候</p><script></script>"),
    "proof-of-work in Russian": wall(200, "Вы не робот?", "<form><p>Нажмите</p></form>"),
    "captcha": wall(
        200,
        "a.example",
        "<p>Please verify you are human</p><div class='h-captcha'></div>"
        "<script src='https://js.hcaptcha.com/1/api.js'></script>",
    ),
    "captcha in Spanish": wall(
        200,
        "a.example",
        "<p>Confirma que no eres un robot</p><div class='g-recaptcha'></div>",
    ),
    "google-sorry": wall(
        429,
        "https://a.example/page",
        "<form id='captcha-form' action='index' method='post'></form>"
        "<p>Our systems have detected unusual traffic from your computer network.</p>"
        "<a href='//www.google.com/sorry/index'>x</a>",
    ),
    "ddos-guard": {"status": 403, "Server": "ddos-guard", "body": b"<h1>403</h1>"},
    "wordfence": wall(
        503, "Blocked", "<p>Your access to this site has been limited by the site owner</p>"
    ),
    "modsecurity": wall(
        406,
        "Not Acceptable!",
        "<h1>Not Acceptable!</h1><p>An appropriate representation of the requested resource "
        "could not be found on this server. This error was generated by Mod_Security.</p>",
    ),
    "imperva by nothing but its script": wall(
        200, "", '<script src="/_Incapsula_Resource?SWJIYLWA=1"></script>'
    ),
    "f5 by script": wall(
        200, "", '<script>window["bobcmn"]="1"</script><script src="/TSPD/08ab?type=11"></script>'
    ),
    "radware": wall(
        200, "Radware Bot Manager Captcha", "<p>Your behavior made us think that you are a bot.</p>"
    ),
    "variti": wall(200, "Проверка браузера", "<p>Подождите, идёт проверка вашего браузера</p>"),
    "yandex-captcha in words": wall(
        200, "Вы не робот?", "<h1>Подтвердите, что запросы отправляли вы, а не робот</h1>"
    ),
    "fortinet as a filter": wall(
        200, "Web filter", "<h1>This site is blocked</h1><p>Category: politics. FortiGuard</p>"
    ),
    "stackpath under 404": wall(
        404, "Site verification", "<p>This site is using a security service to protect itself.</p>"
    ),
    "aliyun by its punishment": wall(
        200, "Check of visitors", '<script src="//g.example/sd/punish/punish.js"></script>'
    ),
    "cookie-script": wall(
        200, "", '<script>document.cookie="__test="+toHex(slowAES.decrypt(c,2,a,b))</script>'
    ),
    "f5": wall(
        200,
        "Request Rejected",
        "The requested URL was rejected. Please consult with your administrator."
        "<br>Your support ID is: 123",
    ),
    "fortinet": wall(200, "Blocked", "<p>Web Page Blocked!</p><i>FortiWeb</i>"),
    "barracuda": wall(
        200, "x", "<p>The page you requested has been blocked</p><b>Barracuda</b> Networks"
    ),
    "sonicwall": wall(200, "SonicWall - Policy Violation", "<p>This site is blocked</p>"),
    "stackpath": wall(200, "StackPath", "<p>Please wait</p><script></script>"),
    "vercel": {"status": 429, "x_vercel_mitigated": "challenge"},
    "vercel by title": wall(200, "Vercel Security Checkpoint", "<p>Verifying</p>"),
    "azure-waf": wall(403, "Azure WAF", "<p>Checking</p>"),
    "fastly": {"status": 403, "body": b"Fastly error: blocked", "title": ""},
    "varnish": wall(403, "403 no", "<h1>Guru Meditation:</h1>"),
    "aliyun": wall(405, "405", '<img src="https://errors.aliyun.com/images/x.png">'),
    "tencent": wall(200, "x", '<script src="/TencentEdgeOne/a.js"></script>'),
    "baidu": wall(200, "百度安全验证", "<p>请完成下方验证后继续操作</p>"),
    "yandex-captcha": wall(
        200, "x", '<form action="/checkcaptcha"><div class="CheckboxCaptcha"></div></form>'
    ),
    "qrator": wall(401, "", '<script src="/__qrator/qauth_utm_v2.js"></script>'),
    "arvancloud": wall(403, "x", "<p>Transferring to the website...</p>ArvanCloud"),
    "slow-bot-check": wall(200, "x", "<p>您的访问被拦截</p>"),
    "slow-bot-check in Persian": wall(200, "خطا", "<p>دسترسی شما به این سایت مسدود است</p>"),
    "slow-bot-check in Russian": wall(200, "Ошибка", "<p>Слишком много запросов</p>"),
    "geo-block": wall(200, "News", "<p>This content is not available in your country/region.</p>"),
    "geo-block in Turkish": wall(200, "Haber", "<p>Bu içerik ülkenizde kullanılamıyor.</p>"),
    "geo-block of newspapers": wall(
        200,
        "News",
        "<p>We recognize you are attempting to access this website from a country belonging to "
        "the European Economic Area (EEA) and cannot grant you access at this time.</p>",
    ),
    "national-block": wall(200, "M", '<iframe src="http://peyvandha.ir/"></iframe>'),
    "national-block in Russian": wall(
        200, "x", "<h1>Доступ к запрашиваемому ресурсу ограничен</h1>"
    ),
    "linkedin": wall(200, "Sign Up | LinkedIn", "<form></form>"),
    "facebook": wall(200, "Log into Facebook", "<form></form>"),
    "instagram": wall(200, "Login • Instagram", "<div></div>"),
    "consent": wall(
        200,
        "Bevor Sie zu Google weitergehen",
        "<form action='https://consent.google.com/save'><p>Wir verwenden Cookies</p></form>",
    ),
    "consent in words": wall(200, "Zeitung", "<p>Mit Werbung und Cookies weiterlesen</p>"),
    "login": wall(200, "Login required", "<p>You need an account.</p>"),
    "login in Japanese": wall(200, "サイト", "<p>ログインしてください</p>"),
    "login beside a form": wall(
        200,
        "The club",
        "<p>For members only.</p><form><input name=u><input type=password></form>",
    ),
    "login for a post": wall(200, "Minutes", "<p>This content is password protected.</p>"),
    "login at a MediaWiki": wall(
        200, "Connexion nécessaire — Wiki du port", "<body class='mediawiki ltr'><p>Entrez.</p>"
    ),
    "login at a DokuWiki": wall(
        200, "log [Wiki]", "<div id='dokuwiki__top'><h1>Доступ запрещён</h1></div>"
    ),
    "paywall": wall(200, "Subscribe to continue reading", "<p>Two offers.</p>"),
    "paywall in a part of the title": wall(200, "Subscribe to read | Ledger", "<p>Offers.</p>"),
    "paywall in words": wall(200, "Ledger", "<p>You have reached your limit of free articles.</p>"),
    "siteground": {"status": 202, "body": b"", "sg_captcha": "challenge"},
    "script-check": wall(
        200,
        "Chirp",
        "<noscript><h1>JavaScript is not available.</h1><p>Please switch to a supported browser."
        "</noscript><div id=root></div>",
    ),
    "robot-check": wall(503, "Kontroll", "<h1>Kontrollerar att du inte är en robot</h1>"),
    "robot-check in words": wall(403, "Stopp", "<p>Uvanlig trafikk fra nettet ditt.</p>"),
    "access-denied": {"status": 503, "title": " Access Denied "},
    "access-denied in French": wall(403, "Accès refusé", "<p>Non.</p>"),
    "access-denied with status 200": wall(200, "403 Forbidden", "<h1>403 Forbidden</h1>nginx"),
}


@pytest.mark.parametrize("name", WALLS)
def test_a_wall_is_known_by_its_marks(name: str) -> None:
    """
    Walls answer with any status; taken for the page, one becomes a baseline or kills a source.
    """
    reading = page(**WALLS[name])  # type: ignore[arg-type]

    assert (reading.seen, reading.rule) == (Seen.BLOCKED, f"wall-{name.partition(' ')[0]}")


def test_every_wall_in_the_list_has_a_test() -> None:
    """
    A mark that nobody tried is a guess.
    """
    tried = {name.partition(" ")[0] for name in WALLS}

    assert {wall.name for wall in verdict._WALLS} == tried
    assert all(entry["origin"] for entry in marks.load("walls")["wall"])


@pytest.mark.parametrize(
    "well",
    [
        {"title": "Just a moment... how Cloudflare's challenge works", "body": _MOMENT},
        {"title": "Just a moment...", "body": b"<h1>Just a moment...</h1> a poem"},
        {"body": b"<p>Sites show a div with id px-captcha to robots."},
        {"body": b"<p>It loads <code>&lt;iframe src=/_Incapsula_Resource&gt;</code>."},
        {"body": PAGE + b"<script src='/_Incapsula_Resource?SWJIYLWA=2'></script>"},
        {"Server": "AkamaiGHost"},
        {"Server": "awselb/2.0", "body": b"short"},
        {"X_Cache": "Hit from cloudfront"},
        {"X_DataDome": "protected"},
        {"title": "Access denied"},
        {"title": "Making sure you're not a bot! A history of proof of work"},
        {"cf_mitigated": "none"},
    ],
)
def test_a_page_about_a_wall_or_behind_one_is_alive(well: dict[str, str]) -> None:
    """
    The same words and headers stand on pages that are well: one mark alone is no wall.
    """
    assert page(**well).seen is Seen.ALIVE  # type: ignore[arg-type]


def test_a_not_found_from_behind_a_wall_is_not_found() -> None:
    """
    CloudFront and Akamai pass the origin's 404 on, with their own header.
    """
    assert page(404, X_Cache="Error from cloudfront").seen is Seen.FAILING
    assert page(404, b"no", Server="AkamaiGHost").seen is Seen.FAILING


def test_a_long_answer_of_the_edge_is_the_sites_own() -> None:
    """
    The edge's own refusals are short; a long 503 is the site's maintenance page.
    """
    assert page(503, PADDING, Server="AkamaiGHost").seen is Seen.UNDECIDED


def test_a_page_that_says_the_quoted_words_is_no_wall() -> None:
    """
    Any verified page with the quotation wins over every mark.
    """
    assert page(200, _FRAME, quote_found=True).seen is Seen.ALIVE


# ---- trying again ------------------------------------------------------------------------


def again(fetched: Fetched, attempts: int = 1) -> float | None:
    return verdict.retry_in(fetched, attempts=attempts, pause=2.0, now=NOW)


def status(code: int, after: timedelta | None = None) -> Reply:
    return reply(hop(A, code), retry_after=NOW + after if after is not None else None)


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 520, 524])
def test_what_may_pass_is_tried_three_times_more_with_growing_pauses(code: int) -> None:
    """
    Most failures of a moment are over in seconds; more than three tries are a nuisance.
    """
    assert [again(status(code), tries) for tries in (1, 2, 3, 4)] == [2.0, 4.0, 8.0, None]


@pytest.mark.parametrize("code", [200, 301, 401, 403, 404, 410, 451, 501, 999])
def test_what_is_an_answer_is_not_asked_again(code: int) -> None:
    """
    A clear answer does not get better by insisting.
    """
    assert again(status(code)) is None


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (Failure.RESOLVER_FAILED, 3),
        (Failure.CONNECTION_REFUSED, 3),
        (Failure.DISCONNECTED, 3),
        (Failure.CONNECTION_TIMEOUT, 1),
        (Failure.DEADLINE, 1),
        (Failure.TLS_FAILED, 1),
        (Failure.NAME_NOT_FOUND, 0),
        (Failure.TLS_EXPIRED, 0),
        (Failure.FORBIDDEN_ADDRESS, 0),
        (Failure.TOO_MANY_REDIRECTS, 0),
    ],
)
def test_silence_is_tried_again_as_often_as_it_may_pass(failure: Failure, tries: int) -> None:
    """
    What costs a deadline each time is tried once more; what is certain, not at all.
    """
    waits = [again(silence(failure), attempts) for attempts in range(1, 6)]

    assert [wait is not None for wait in waits] == [True] * tries + [False] * (5 - tries)


def test_a_servers_wish_is_obeyed_up_to_a_minute() -> None:
    """
    A longer wish is remembered for the next round, never slept through, never ignored.
    """
    assert again(status(429, timedelta(seconds=45))) == 45.0
    assert again(status(503, timedelta(seconds=60))) == 60.0
    assert again(status(503, timedelta(seconds=61))) is None
    assert again(status(429, timedelta(seconds=1)), 3) == 8.0
    assert again(status(503, timedelta(days=-1))) == 2.0
    wish = silence(Failure.DISCONNECTED, NOW + timedelta(hours=2))
    assert again(wish) is None


# ---- the list as a whole ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "leaving", "listed", "too_many"),
    [
        (0, 0, 0, False),
        (10, 5, 5, False),
        (10, 6, 4, True),
        (10, 10, 10, True),
        (3, 1, 2, False),
        (100, 100, 0, True),
        (1, 1, 0, True),
        (1, 1, 1, False),
        (2, 2, 2, False),
    ],
    ids=str,
)
def test_a_list_that_lost_most_of_its_rows_is_likelier_broken_than_meant(
    known: int, leaving: int, listed: int, too_many: bool
) -> None:
    """
    An empty or truncated export must not retire everybody; a newcomer who mends the address of
    the only row, which has no id, must not be stopped.
    """
    assert verdict.retires_too_many(known, leaving, listed) is too_many


# ---- whatever comes ----------------------------------------------------------------------

_paths = st.sampled_from(["", "/", "/page", "/login", "/404", "/a/b", "/index.html", "?q=1"])
_addresses = st.builds(
    lambda host, path: f"https://{host}.example{path}", st.sampled_from("abc"), _paths
)
_redirect = st.sampled_from([301, 302, 303, 307, 308])


@given(
    st.lists(st.tuples(_addresses, _redirect), max_size=5),
    _addresses,
    st.integers(100, 999),
    st.booleans(),
)
def test_moved_is_said_only_as_the_contract_says(
    redirects: list[tuple[str, int]], end: str, code: int, quote_found: bool
) -> None:
    """
    Whatever the chain: moved needs a permanent first hop and a page, and names a step of it.
    """
    reading = chain(*redirects, (end, code), quote_found=quote_found)

    assert verdict.why(reading).startswith(f"{reading.rule}: ")
    addresses = [*(url for url, _ in redirects), end]
    run = len(list(takewhile(lambda step: step[1] in (301, 308), redirects)))
    if reading.seen is Seen.MOVED:
        assert run > 0
        assert 200 <= code < 300
        assert reading.suggested_url == addresses[run] != addresses[0]
    else:
        assert reading.suggested_url == ""
