"""Pages that look alive and aren't, and pages that only look as if they weren't."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from verifier import lookalikes, marks, verdict
from verifier.baseline import baseline_of
from verifier.records import Hop, Reading, Reply, Seen, Truncated

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
URL = "https://site.example/2019/report"
SENTENCES = (
    "The committee met on Tuesday and heard three witnesses, who described in some detail how the "
    "river had changed since the dam was built and what it meant for the villages below. ",
    "According to the figures that were published last spring, the harvest fell by a fifth in two "
    "years, while the price of bread rose by more than a third in the same time. ",
    "None of the experts who were asked could say with certainty whether the decline would go on, "
    "but most of them agreed that nobody had prepared the region for another dry summer. ",
)
ARTICLE = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES * 3)
MENU = "<nav>" + "<a href='/x'>Section of the site</a> " * 60 + "</nav>"
FOOTER = "<footer><p>" + "All rights reserved by the owners of this site. " * 6 + "</p></footer>"


def page(title: str = "", body: str = "", head: str = "", lang: str = "en") -> bytes:
    """A page of the web."""
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>'
        f"{head}</head><body>{body}</body></html>"
    ).encode()


def hop(url: str, status: int, body: bytes, kind: str, truncated: Truncated | None = None) -> Hop:
    """One hop."""
    return Hop(
        url=url,
        requested_at=NOW,
        request=b"GET / HTTP/1.1\r\n\r\n",
        peer="192.0.2.1",
        version="HTTP/1.1",
        status=status,
        reason=b"",
        headers=((b"Content-Type", kind.encode()),),
        body=body,
        truncated=truncated,
    )


def seen(
    body: bytes,
    *,
    asked: str = URL,
    ended: str = "",
    kind: str = "text/html; charset=utf-8",
    quote_found: bool | None = None,
    status: int = 200,
) -> Reading:
    """What a page that answers with 200 is taken for; *ended* is where it redirected to."""
    hops = [hop(asked, 302, b"", kind)] if ended else []
    hops.append(hop(ended or asked, status, body, kind))
    return verdict.read(Reply(hops=tuple(hops), content=body), quote_found=quote_found)


# ---- lost pages ----------------------------------------------------------------------------

TITLES = {
    "en": "Page not found | The Gazette",
    "de": "Seite nicht gefunden – Stadt Beispiel",
    "fr": "Page introuvable - Ministère",
    "es": "Página no encontrada | Diario",
    "pt": "Página não encontrada – Jornal",
    "it": "Pagina non trovata - Comune",
    "nl": "Pagina niet gevonden | Gemeente",
    "sv": "Sidan kunde inte hittas - Myndigheten",
    "da": "Siden blev ikke fundet | Avisen",
    "nb": "Fant ikke siden – Avisa",
    "fi": "Sivua ei löytynyt | Lehti",
    "pl": "Nie znaleziono strony – Urząd",
    "cs": "Stránka nenalezena | Úřad",
    "sk": "Stránka sa nenašla | Úrad",
    "hu": "Az oldal nem található - Hivatal",
    "ro": "Pagina nu a fost găsită – Primăria",
    "bg": "Страницата не е намерена | Община",
    "ru": "Страница не найдена — Газета",
    "uk": "Сторінку не знайдено | Газета",
    "sr": "Страница није пронађена | Новине",
    "sl": "Strani ni mogoče najti | Občina",
    "lt": "Puslapis nerastas - Savivaldybė",
    "lv": "Lapa nav atrasta | Dome",
    "et": "Lehte ei leitud – Vald",
    "el": "Η σελίδα δεν βρέθηκε | Εφημερίδα",
    "tr": "Sayfa bulunamadı - Belediye",
    "ar": "الصفحة غير موجودة | الصحيفة",
    "he": "הדף לא נמצא | העיתון",
    "fa": "صفحه مورد نظر یافت نشد | روزنامه",
    "ur": "صفحہ نہیں ملا | اخبار",
    "hi": "पृष्ठ नहीं मिला | समाचार",
    "bn": "পৃষ্ঠাটি পাওয়া যায়নি | খবর",
    "th": "ไม่พบหน้า | ข่าว",
    "vi": "Không tìm thấy trang - Báo",
    "id": "Halaman tidak ditemukan - Koran",
    "ja": "ページが見つかりません | 新聞",
    "ko": "페이지를 찾을 수 없습니다 - 신문",
    "zh": "页面不存在 - 报纸",
    "zh-hant": "找不到頁面 | 報紙",
}


@pytest.mark.parametrize("lang", TITLES)
def test_a_title_that_says_not_found_is_believed_in_any_language(lang: str) -> None:
    """
    Sites answer 200 and say in the title that there is nothing; most aren't in English.
    """
    reading = seen(page(TITLES[lang], MENU + "<h1>…</h1>" + FOOTER, lang=lang))

    assert (reading.seen, reading.rule) == (Seen.FAILING, "soft-404-title")
    assert reading.reason


@pytest.mark.parametrize("lang", TITLES)
def test_a_heading_that_says_not_found_is_believed_in_any_language(lang: str) -> None:
    """
    Some kits give every page the site's title; then the heading says it.
    """
    heading = TITLES[lang].partition(" | ")[0].partition(" – ")[0].partition(" — ")[0]
    heading = heading.partition(" - ")[0]

    reading = seen(page("The site", MENU + f"<h1>{heading}!</h1>" + FOOTER, lang=lang))

    assert (reading.seen, reading.rule) == (Seen.FAILING, "soft-404-heading")


@pytest.mark.parametrize(
    "title",
    [
        "404",
        "404 Not Found",
        "404 – Page not found",
        "Error 404: Page Not Found",
        "HTTP 404 | Site",
        "Page Not Found (404)",
        "Oops! That page can&rsquo;t be found. – Blog",
        "Site :: Page not found",
        "Not Found · Site",
        "Erreur 404 : page introuvable",
        "Fehler 404 - Seite nicht gefunden",
        "Ошибка 404 | Сайт",
        "Σφάλμα 404",
        "خطای 404 - صفحه یافت نشد",
        "404错误 - 网站",
        "404 - 페이지를 찾을 수 없습니다",
        "404エラー",
    ],
)
def test_the_number_may_stand_beside_the_words_or_alone(title: str) -> None:
    """
    "404" is part of the phrase, before it, behind it, or all of it.
    """
    assert seen(page(title, MENU + FOOTER)).rule == "soft-404-title"


TEXTS = {
    "en": "Sorry, the page you are looking for could not be found. Please use the search.",
    "en-2": "The page you were looking for may have been moved or deleted.",
    "de": "Die von Ihnen aufgerufene Seite konnte leider nicht gefunden werden.",
    "fr": "La page que vous recherchez n'existe pas ou a été déplacée.",
    "es": "Lo sentimos, la página que buscas no existe.",
    "pt": "A página que você procura não foi encontrada.",
    "it": "La pagina che stai cercando non esiste.",
    "nl": "De pagina die u zoekt bestaat niet meer.",
    "pl": "Strona, której szukasz, nie istnieje.",
    "cs": "Stránka, kterou hledáte, neexistuje.",
    "ru": "Запрашиваемая вами страница не существует или была удалена.",
    "uk": "Сторінка, яку ви шукаєте, не існує.",
    "tr": "Aradığınız sayfa bulunamadı ya da kaldırılmış olabilir.",
    "ar": "عذراً، الصفحة التي تبحث عنها غير موجودة.",
    "he": "הדף שחיפשת לא נמצא באתר.",
    "fa": "متاسفانه صفحه‌ای که به دنبال آن هستید وجود ندارد.",
    "ja": "お探しのページは見つかりませんでした。移動または削除された可能性があります。",
    "ko": "요청하신 페이지를 찾을 수 없습니다.",
    "zh": "抱歉，您访问的页面不存在或已被删除。",
    "id": "Maaf, halaman yang Anda cari tidak ditemukan.",
}


@pytest.mark.parametrize("lang", TEXTS)
def test_a_short_page_that_says_so_in_a_sentence_is_lost(lang: str) -> None:
    """
    With nothing but menus beside it, the sentence is what the page is.
    """
    reading = seen(page("The site", f"<div>Home News About</div><p>{TEXTS[lang]}</p>", lang=lang))

    assert (reading.seen, reading.rule) == (Seen.FAILING, "soft-404-text")


@pytest.mark.parametrize("lang", TEXTS)
def test_an_article_that_says_so_somewhere_is_alive(lang: str) -> None:
    """
    People write about lost pages, and comment on them.
    """
    assert seen(page("A report", f"{ARTICLE}<p>{TEXTS[lang]}</p>")).seen is Seen.ALIVE


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("HTTP 404 - Wikipedia", "HTTP 404"),
        ("404 Not Found - MDN", "404 Not Found"),
        ("Page not found", "Page not found: why links rot"),
        ("Error 404 – a history of the web's best known page", "Error 404"),
        ("Seite nicht gefunden: Warum Links sterben", "Seite nicht gefunden"),
        ("Страница не найдена — история ошибки 404", "Страница не найдена"),
    ],
)
def test_an_article_about_404_is_alive(title: str, heading: str) -> None:
    """
    Its title is the very phrase; what tells it from a lost page is that there is text.
    """
    assert seen(page(title, f"{MENU}<h1>{heading}</h1>{ARTICLE}")).seen is Seen.ALIVE


@pytest.mark.parametrize(
    "title",
    [
        "Page not found errors and how to mend them",
        "How to design a 404 page",
        "Room 404",
        "Peugeot 404",
        "404 Media",
        "Area code 404",
        "Lost and found",
        "Not found in translation",
        "Missing persons",
        "Nicht gefundenes Fressen",
        "Form 404: notice of change",
        "The page that could not be found in the archive",
    ],
)
def test_a_title_that_is_longer_than_the_phrase_is_a_title(title: str) -> None:
    """
    Short pages have such titles, too: only the whole phrase counts.
    """
    assert seen(page(title, f"<h1>{title}</h1><p>A few words.</p>")).seen is Seen.ALIVE


def test_who_cites_a_page_about_errors_gets_it() -> None:
    """
    Documentation has short pages with exactly such titles, at addresses that say so.
    """
    asked = "https://docs.example/reference/errors/not-found"
    body = "<h1>Not Found</h1><p>" + SENTENCES[0] + SENTENCES[1] + "</p>"

    assert seen(page("Not Found | Docs", body), asked=asked).seen is Seen.ALIVE
    assert seen(page("Not Found | Docs", body)).rule == "soft-404-title"


def test_a_page_that_always_had_the_title_still_is_what_it_was() -> None:
    """
    The first good look knew it so: no title can speak against itself.
    """
    content = page("404", "<h1>404</h1><p>A poem in one line.</p>")
    then = baseline_of(URL, "404", "en", "A poem in one line.")
    reply = Reply(hops=(hop(URL, 200, content, "text/html"),), content=content)

    assert verdict.read(reply).seen is Seen.FAILING
    assert verdict.read(reply, baseline=then).seen is Seen.ALIVE


def test_the_quotation_outranks_every_likeness() -> None:
    """
    The words stand there: the page is alive, whatever it looks like.
    """
    for body in (
        page("Page not found", "<p>The words.</p>"),
        page("example.com is for sale", "<h1>site.example is for sale</h1>"),
        page("Welcome to nginx!", "<p>If you see this page …</p>"),
        page("", "<div id=root></div><script src=a.js></script>"),
    ):
        assert seen(body, quote_found=True).seen is Seen.ALIVE
        assert seen(body, quote_found=False).seen is not Seen.ALIVE


@pytest.mark.parametrize(
    ("says", "html"),
    [
        ("MediaWiki", "<p>There is currently no text in this page. You can search for it.</p>"),
        ("MediaWiki", "<p>Diese Seite enthält momentan noch keinen Text. Du kannst suchen</p>"),
        ("MediaWiki", "<p>На данный момент содержимое на этой странице отсутствует. Вы</p>"),
        ("MediaWiki", "<p>現在このページには内容がありません。他のページを検索できます</p>"),
        ("MediaWiki by its class", '<div class="noarticletext mw-content-ltr">…</div>'),
        ("DokuWiki", "<h1>This topic does not exist yet</h1><p>You've followed a link</p>"),
        ("DokuWiki", "<h1>Dieses Thema existiert noch nicht</h1><p>Sie sind einem Link</p>"),
        ("DokuWiki", "<h1>该主题尚不存在</h1><p>您访问的页面并不存在。</p>"),
        ("MoinMoin", "<p>This page does not exist yet. You can create a new empty page, or</p>"),
        ("Foswiki", "<p>Note: This topic does not exist</p>"),
    ],
)
def test_a_wikis_empty_page_is_no_page(says: str, html: str) -> None:
    """
    Wikis answer with 200 and a form to write the page with.
    """
    assert seen(page("Report - Wiki", MENU + html + FOOTER)).rule == "soft-404-wiki", says


def test_a_wikis_page_about_its_messages_is_alive() -> None:
    """
    Handbooks of wikis explain what an empty page says.
    """
    body = f"<h1>Empty pages</h1>{ARTICLE}<p>There is currently no text in this page.</p>"

    assert seen(page("Help: Empty pages", body)).seen is Seen.ALIVE


# ---- places without a page -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "title", "body"),
    [
        ("default-page", "Welcome to nginx!", "<h1>Welcome to nginx!</h1><p>If you see this</p>"),
        ("default-page", "Apache2 Ubuntu Default Page: It works", "<p>This is the default</p>"),
        ("default-page", "Apache2 Debian Default Page: It works", "<p>This is the default</p>"),
        ("default-page", "", "<h1>It works!</h1>"),
        (
            "default-page",
            "IIS Windows Server",
            '<a href="http://go.microsoft.com/fwlink/?linkid=1"><img src="iis-85.png"></a>',
        ),
        (
            "default-page",
            "Apache Tomcat/9.0.1",
            "<b>If you're seeing this, you've successfully installed Tomcat. Congratulations!</b>",
        ),
        ("default-page", "Domain Default page", "<p>If you are seeing this message, Plesk</p>"),
        ("default-page", "Caddy works!", "<p>Congratulations</p>"),
        (
            "default-page",
            "Welcome page",
            "<p>You should replace this page with your own web pages as soon as possible.</p>",
        ),
        ("suspended", "Account Suspended", "<h1>This Account has been suspended.</h1>"),
        ("suspended", "Сайт отключён", "<p>Сайт отключён за неуплату</p>"),
        ("no-site", "Site not found · GitHub Pages", "<h1>404</h1>"),
        ("no-site", "", "<p>Looks like this domain isn't connected to a website yet!</p>"),
        ("no-site", "404: NOT_FOUND", "<p>DEPLOYMENT_NOT_FOUND</p>"),
        ("error-page", "404 Not Found", "<center><h1>404 Not Found</h1></center><hr>nginx"),
        ("error-page", "502 Bad Gateway", "<h1>502 Bad Gateway</h1>"),
        ("error-page", "x", "<p>Fatal error: Uncaught Error: Call to undefined function</p>"),
    ],
)
def test_a_place_without_the_page_is_no_page(rule: str, title: str, body: str) -> None:
    """
    The host answers and the site is gone: servers as installed, suspended accounts, no such app.
    """
    reading = seen(page(title, body))

    assert (reading.seen, reading.rule) == (Seen.FAILING, f"soft-404-{rule}")


def test_an_object_that_is_not_in_the_storage_is_no_page() -> None:
    """
    S3 and its likes say so in XML, and proxies before them turn the status into 200.
    """
    body = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>no</Message></Error>"

    assert seen(body, kind="application/xml").rule == "soft-404-no-site"
    assert seen(b"404 page not found\n", kind="text/plain").rule.startswith("soft-404-")


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Welcome to nginx! A tutorial", ARTICLE),
        ("Apache HTTP Server Test Page", ARTICLE * 5),
        ("How to fix “It works!”", "<p>It works! is what Apache says when it is new.</p>"),
        ("Suspended", f"<h1>Suspended</h1>{ARTICLE}"),
        ("IIS Windows Server", "<p>Notes on IIS by a colleague.</p>"),
    ],
)
def test_a_page_about_a_server_is_alive(title: str, body: str) -> None:
    """
    One mark alone is no default page.
    """
    assert seen(page(title, body)).seen is Seen.ALIVE


def test_an_empty_folder_is_no_page_and_a_full_one_is() -> None:
    """
    Whoever cites a listing cites what is in it.
    """
    asked = "https://site.example/files/"
    parent = '<a href="?C=N;O=D">Name</a> <a href="/">Parent Directory</a>'
    empty = page("Index of /files", f"<h1>Index of /files</h1>{parent}")
    full = page("Index of /files", f'<h1>Index of /files</h1>{parent}<a href="a.pdf">a.pdf</a>')

    assert seen(empty, asked=asked).rule == "soft-404-empty-listing"
    assert seen(full, asked=asked).seen is Seen.ALIVE


# ---- parked and for sale -------------------------------------------------------------------

SALES = {
    "en": "site.example is for sale",
    "en-2": "Buy this domain",
    "de": "Diese Domain steht zum Verkauf",
    "fr": "Ce nom de domaine est à vendre",
    "es": "Este dominio está en venta",
    "pt": "Este domínio está à venda",
    "it": "Questo dominio è in vendita",
    "nl": "Deze domeinnaam is te koop",
    "sv": "Domänen är till salu",
    "da": "Dette domæne er til salg",
    "fi": "Tämä verkkotunnus on myynnissä",
    "pl": "Ta domena jest na sprzedaż",
    "cs": "Tato doména je na prodej",
    "hu": "Ez a domain eladó",
    "ru": "Этот домен продаётся",
    "uk": "Цей домен продається",
    "tr": "Bu alan adı satılıktır",
    "ar": "هذا النطاق للبيع",
    "he": "הדומיין הזה למכירה",
    "fa": "این دامنه به فروش می‌رسد",
    "zh": "此域名可出售",
    "ja": "このドメインは売りに出されています",
    "ko": "이 도메인은 판매 중입니다",
    "vi": "Tên miền này đang được rao bán",
}


@pytest.mark.parametrize("lang", SALES)
def test_a_name_that_is_for_sale_is_somebody_elses(lang: str) -> None:
    """
    The page that was cited is not there, and what is there must not be archived as if it were.
    """
    reading = seen(page("site.example", f"<h1>{SALES[lang]}</h1><p>site.example</p>", lang=lang))

    assert (reading.seen, reading.rule) == (Seen.HIJACKED, "parked")


@pytest.mark.parametrize("lang", SALES)
def test_an_article_about_names_for_sale_is_alive(lang: str) -> None:
    """
    The unforgivable error is to call a good page hijacked.
    """
    body = f"<h1>The trade with names</h1>{ARTICLE}<p>{SALES[lang]}</p>"

    assert seen(page("The trade with names", body)).seen is Seen.ALIVE


@pytest.mark.parametrize(
    "body",
    [
        "<p>A note: this domain is for sale, said the letter that we got.</p>",
        "<p>Minutes: the board will buy this domain next year.</p>",
        "<li>Our services: hosting, mail, domain parking</li>",
        "<p>other.example is for sale</p>",
    ],
)
def test_a_short_page_that_speaks_of_some_name_is_alive(body: str) -> None:
    """
    Without the page's own name or a mark of a parking service, it may be anybody's sentence.
    """
    assert seen(page("Notes of the club", body)).seen is Seen.ALIVE


@pytest.mark.parametrize(
    "body",
    [
        '<script src="https://img.sedoparking.com/js/park.js"></script>',
        '<html data-adblockkey="MFww"><div id="target"></div>',
        '<script>window.onload=function(){window.location.href="/lander"}</script>',
        '<iframe src="https://www.bodis.com/feed"></iframe>',
        '<script src="https://www.google.com/adsense/domains/caf.js"></script>related links',
    ],
)
def test_a_parking_services_own_marks_are_enough(body: str) -> None:
    """
    Many parked pages have no words at all until their scripts have run.
    """
    assert seen(page("site.example", body)).rule == "parked"


@pytest.mark.parametrize(
    "ended",
    [
        "https://www.hugedomains.com/domain_profile.cfm?d=site.example",
        "https://sedo.com/search/details/?domain=site.example",
        "http://ww1.sedoparking.com/",
    ],
)
def test_a_redirect_to_a_parking_service_is_somebody_elses(ended: str) -> None:
    """
    No page of the web moves there.
    """
    reading = seen(page("Offer", ARTICLE), ended=ended)

    assert (reading.seen, reading.rule) == (Seen.HIJACKED, "parked")


def test_a_page_of_a_domain_dealer_can_be_cited() -> None:
    """
    They publish reports on prices, too.
    """
    asked = "https://sedo.com/report"

    assert seen(page("Market report", ARTICLE), asked=asked).seen is Seen.ALIVE
    assert seen(page("R", ARTICLE), asked=asked, ended="https://sedo.com/r/1").seen is Seen.ALIVE


# ---- shells, refreshes, nothing ------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        '<div id="root"></div><script src="/main.js"></script>',
        '<noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div>'
        '<script src="/main.js"></script>',
        '<div id="app">Loading…</div><script src="/main.js"></script>',
        "<app-root>Загрузка...</app-root><script src=m.js></script>",
        "<p>Please enable JavaScript to view this page.</p><script src=m.js></script>",
        "<p>正在加载...</p><script src=m.js></script>",
    ],
)
def test_a_scripts_shell_is_named_and_not_judged(body: str) -> None:
    """
    It answers 200 to any address; without running its scripts nobody knows what is there.
    """
    reading = seen(page("The app", body))

    assert (reading.seen, reading.rule) == (Seen.UNDECIDED, "script-shell")


@pytest.mark.parametrize(
    "body",
    [
        "<p>Short, but text.</p><script src=m.js></script>",
        '<img src="scan.png"><script src=m.js></script>',
        '<frameset><frame src="a.html"></frameset>',
        f'<div id="root">{ARTICLE}</div><script src=m.js></script>',
        f"<noscript>Enable JavaScript</noscript>{ARTICLE}<script src=m.js></script>",
    ],
)
def test_a_page_with_something_to_see_is_no_shell(body: str) -> None:
    """
    Nearly every page has scripts, and many are rendered before they are sent.
    """
    assert seen(page("Report", body)).seen is Seen.ALIVE


def test_a_meta_refresh_is_named_with_its_target() -> None:
    """
    UN document symbols answer with one: a person can put its target into fetch_url.
    """
    head = '<meta http-equiv="Refresh" content="0; URL=/doc/en/1.pdf">'

    reading = seen(page("A/RES/1", "", head))

    assert (reading.seen, reading.rule) == (Seen.UNDECIDED, "meta-refresh")
    assert "https://site.example/doc/en/1.pdf" in reading.reason


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        ("/login?next=/x", "login-redirect"),
        ("/404.html", "soft-404-address"),
        ("/", "soft-404-home"),
        ("https://www.hugedomains.com/x", "parked"),
    ],
)
def test_a_meta_refresh_is_judged_like_a_redirect(target: str, rule: str) -> None:
    """
    Where it leads tells the same as a Location field would.
    """
    head = f"<meta http-equiv=refresh content='1;url={target}'>"

    assert seen(page("x", "<p>Redirecting</p>", head)).rule == rule


@pytest.mark.parametrize(
    "html",
    [
        page("News", ARTICLE, "<meta http-equiv=refresh content='300'>"),
        page("News", ARTICLE, f"<meta http-equiv=refresh content='300;url={URL}'>"),
        page("News", ARTICLE, "<meta http-equiv=refresh content='0;url=/other'>"),
        page("News", ARTICLE, "<noscript><meta http-equiv=refresh content='0;url=/n'></noscript>"),
        page("x", "<p>Words.</p><noscript><meta http-equiv=refresh content='0;url=/n'></noscript>"),
        page("News", "<p>Short.</p>", "<meta http-equiv=refresh content='60'>"),
    ],
)
def test_a_page_that_only_renews_itself_is_alive(html: bytes) -> None:
    """
    News pages do, and pages for browsers without scripts.
    """
    assert seen(html).seen is Seen.ALIVE


def test_a_page_with_nothing_to_read_or_see_is_empty() -> None:
    """
    "200, nothing" in more bytes.
    """
    assert seen(b"<html><head></head><body> </body></html>").rule == "empty-page"
    assert seen(b"<html><body><img src=a.png></body></html>").seen is Seen.ALIVE


# ---- logins, and where redirects lead ------------------------------------------------------

LOGINS = [
    "Log in | Site", "Anmelden – Seite", "Connexion - Site", "Iniciar sesión | Sitio",
    "Вход — Сайт", "登录 - 网站", "تسجيل الدخول | الموقع", "ورود | سایت", "Giriş Yap | Site",
    "ログイン | サイト", "로그인", "Accedi | Sito",
]  # fmt: skip
FORM = "<form action=/x><input name=u><input type=password name=p><button>OK</button></form>"


@pytest.mark.parametrize("title", LOGINS)
def test_a_login_in_the_place_of_the_page_is_a_wall(title: str) -> None:
    """
    The page may be well behind it.
    """
    assert seen(page(title, FORM)).rule == "wall-login"


def test_a_login_beside_a_page_is_none() -> None:
    """
    Forums have the form on every page; and who cites a login page cites it.
    """
    assert seen(page("A thread | Forum", f"{FORM}{ARTICLE}")).seen is Seen.ALIVE
    assert seen(page("Log in | Site", f"{FORM}{ARTICLE}")).seen is Seen.ALIVE
    asked = "https://site.example/login"
    assert seen(page("Log in | Site", FORM), asked=asked).seen is Seen.ALIVE


@pytest.mark.parametrize(
    "ended",
    [
        "https://accounts.google.com/v3/x",
        "https://consent.youtube.com/m?continue=x",
        "https://guce.yahoo.com/x",
        "https://login.site.example/realm",
        "https://www.linkedin.com/authwall?trk=x",
        "https://site.example/oauth2/authorize?client=1",
        "https://myprivacy.dpgmedia.nl/consent",
    ],
)
def test_a_redirect_to_a_gate_is_blocked(ended: str) -> None:
    """
    It wants something of us first.
    """
    assert seen(page("x", ARTICLE), ended=ended).rule == "login-redirect"


def test_where_a_redirect_leads_is_told_from_sections_of_the_same_name() -> None:
    """
    A gate stands at the end of an address; a register of ships stands before its ships.
    """
    asked = "https://site.example/ships/albion"
    ends = {
        "https://site.example/register": "login-redirect",
        "https://site.example/register/albion": "http-200",
        "https://site.example/error": "soft-404-address",
        "https://site.example/error/albion": "http-200",
        "https://site.example/maintenance.html": "out-of-service",
        "https://site.example/errors/403.html": "login-redirect",
        "https://site.example/consent-x?to=http://[&back=%2Fships%2Falbion": "login-redirect",
        "https://site.example/list?to=http://[": "http-200",
    }

    rules = {end: seen(page("Ships", ARTICLE), asked=asked, ended=end).rule for end in ends}
    assert rules == ends


@pytest.mark.parametrize(
    ("asked", "ended", "lost", "unquoted"),
    [
        ("https://old.site.example/2019/report.pdf", "https://www.site.example/", True, True),
        ("https://site.example/a/item.php?id=4", "https://four.example/", True, True),
        ("https://site.example/2019/report", "https://other.example/", True, False),
        ("https://site.example/2019/report", "https://site.example/en/", True, False),
        ("https://site.example/2019/report", "https://site.example/de/index.html", True, False),
        ("https://site.example/projects/mill1", "https://mill.example/", True, False),
        ("https://site.example/r1", "https://other.example/", False, False),
        ("https://site.example/a/en", "https://site.example/en", False, False),
        ("https://site.example/2019/report", "https://other.example/2019/report", False, False),
    ],
)
def test_a_front_page_elsewhere_counts_when_nothing_else_explains_it(
    asked: str, ended: str, lost: bool, unquoted: bool
) -> None:
    """
    Short addresses are made to lead to front pages, and projects get sites of their own; but a
    report's quotation is not on one, and no file or record is a front page.
    """
    body = page("Site", ARTICLE)

    rules = [
        seen(body, asked=asked, ended=ended, quote_found=found).rule for found in (False, None)
    ]
    assert [rule == "soft-404-home" for rule in rules] == [lost, unquoted]


CONTACT = (
    "<h1>Contact us</h1><form><textarea></textarea><div class='g-recaptcha'></div>"
    "<button>Send</button></form><p>Write to us about any question.</p>"
    "<script src='https://www.google.com/recaptcha/api.js'></script>"
)


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Contact", CONTACT),
        ("Contact", CONTACT.replace("g-recaptcha", "h-captcha")),
        ("Contact", "<div class='cf-turnstile'></div><p>Leave a message.</p>"),
        ("Attention Required! A guide", f"{ARTICLE}<p>Sorry, you have been blocked</p>"),
        ("Access denied", f"<h1>Access denied</h1>{ARTICLE}Reference #18"),
        ("Just a moment...", f"{ARTICLE}<a href='https://www.cloudflare.com'>x</a>"),
        ("How captchas work", f"{ARTICLE}<p>Please verify you are human</p>"),
        ("Checking your browser", f"{ARTICLE}<script></script>"),
        ("Report", f"{ARTICLE}<div id='px-captcha'></div>"),
        ("Report", f"{ARTICLE}<p>This content is not available in your country.</p>"),
        ("Report", f"<div>We use cookies. Accept all cookies to continue.</div>{ARTICLE}"),
        ("Report", f"{ARTICLE}<p>Please log in to continue.</p><input type=password>"),
        ("Report", f"{ARTICLE}<script>window._pxAppId='x'</script>"),
        ("Доступ запрещён", f"<h1>Доступ запрещён: роман</h1>{ARTICLE}"),
        ("Privacy notice", "<p>We tell you here what we keep, and for how long.</p>"),
    ],
)
def test_a_page_that_speaks_of_walls_or_stands_beside_one_is_alive(title: str, body: str) -> None:
    """
    Contact forms have captchas, and people write about being locked out.
    """
    assert seen(page(title, body)).seen is Seen.ALIVE


@pytest.mark.parametrize("status", [200, 202, 401, 403, 404, 405, 406, 429, 503, 999])
def test_a_challenge_is_a_wall_whatever_its_status(status: int) -> None:
    """
    A challenge that came with a 404 would count a strike against a page that is well.
    """
    body = page("Just a moment...", "<script>window._cf_chl_opt={}</script>cloudflare")

    assert seen(body, status=status).seen is Seen.BLOCKED


@pytest.mark.parametrize("status", [520, 521, 522, 523, 525, 526, 527, 530])
def test_an_origin_that_is_down_behind_its_edge_is_failing_and_no_wall(status: int) -> None:
    """
    Cloudflare's 52x and 530 tell of the site, not of us.
    """
    body = page(f"site.example | {status}: down", '<div id="cf-wrapper">Cloudflare</div>')

    assert seen(body, status=status).seen is Seen.FAILING


# ---- what isn't judged ---------------------------------------------------------------------


def test_a_body_that_is_cut_or_half_decoded_is_not_judged() -> None:
    """
    What is missing may be the page.
    """
    body = page("Page not found", "")
    whole = hop(URL, 200, body, "text/html")
    cut = hop(URL, 200, body, "text/html", Truncated.TIME)

    assert verdict.read(Reply(hops=(whole,), content=body)).seen is Seen.FAILING
    assert verdict.read(Reply(hops=(cut,), content=body)).seen is Seen.ALIVE
    assert verdict.read(Reply(hops=(whole,), content=body, undecoded="cap")).seen is Seen.ALIVE


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"%PDF-1.7 Page not found", "application/pdf"),
        (b"%PDF-1.7 Page not found", "text/html"),
        (b'{"title": "Page not found"}', "application/json"),
        (b"\x89PNG\r\n\x1a\n Page not found", "image/png"),
        (b"\x00\x01Page not found", "text/plain"),
    ],
)
def test_what_is_no_page_of_the_web_is_not_judged_by_its_words(body: bytes, kind: str) -> None:
    """
    The rules are about pages; a data set may hold any words.
    """
    assert seen(body, kind=kind).seen is Seen.ALIVE


def test_a_large_page_is_judged_by_its_title_and_first_heading_all_the_same() -> None:
    """
    Kits put 100 kB of menus around "not found"; reading every large page would cost too much.
    """
    heavy = "<nav>" + "<a href='/x'>Section</a>" * 3_000 + "</nav>"

    assert len(heavy) > verdict.CHEAP
    assert seen(page("Page not found | Site", heavy)).rule == "soft-404-title"
    assert seen(page("Site", f"{heavy}<h1>Page not found</h1>")).rule == "soft-404-heading"
    assert seen(page("Site", f"{heavy}<h1>Report</h1>")).seen is Seen.ALIVE


# ---- the lists -----------------------------------------------------------------------------


def test_every_list_says_where_it_is_from() -> None:
    """
    A mark without an origin can't be checked by anybody.
    """
    assert all(entry["origin"] for entry in marks.load("lost")["said"].values())
    for name, key in (("walls", "wall"), ("places", "place"), ("wikis", "wiki")):
        assert all(entry["origin"] for entry in marks.load(name)[key])
    for name in ("gates", "parked", "shells"):
        assert marks.load(name)["origin"]


def test_the_lists_speak_many_languages() -> None:
    """
    The issue asks for twelve at least.
    """
    said = marks.load("lost")["said"]

    assert len(said) >= 50
    assert all(entry["names"] for entry in said.values())


@pytest.mark.parametrize("lang", marks.load("lost")["said"])
def test_every_name_of_the_list_is_known_as_a_title(lang: str) -> None:
    """
    A phrase that the folding of titles changes would stand in the list for nothing.
    """
    for name in marks.load("lost")["said"][lang]["names"]:
        assert lookalikes.is_suspicious(name.capitalize(), ""), name


@pytest.mark.parametrize(
    "body",
    [
        page("Erreur — Wiki", "<div class='mediawiki ltr'>La version nº 12 n’existe pas.</div>"),
        page("mill [Wiki]", "<div id='dokuwiki__top'><h1>Такой версии не существует</h1></div>"),
    ],
)
def test_a_wikis_version_that_is_not_there_is_none(body: bytes) -> None:
    """
    Who cites one version of a page cites that; wikis say with 200 that they haven't it.
    """
    assert seen(body, asked="https://wiki.example/index.php?oldid=12").seen is Seen.FAILING


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Side axe | Museum", "<h1>Side axe</h1><p>Image not available</p><p>Iron</p>"),
        ("Oars - Forum", "<h1>Oars</h1><p>This post has been deleted.</p><p>Sold.</p>"),
        ("404 | Hotel", "<h1>404</h1><p>A double room, £90.</p>"),
        ("Video removed after complaints", "<h1>Video removed after complaints</h1><p>No.</p>"),
        ("Tools", "<h1>Tools</h1><p>Oak lasts.</p><p>You must be logged in to view comments.</p>"),
        ("Maintenance mode", "<h1>Maintenance mode</h1><p>Switch it on first.</p>"),
        ("Page not found · Issue 16 · docs", "<h1>Page not found</h1><p>Since May.</p>"),
        ("Security check", "<h1>Security check</h1><p>Lock the gate.</p>" + 9 * "<a href=/>m</a>"),
    ],
)
def test_short_pages_that_sound_lost_are_there(title: str, body: str) -> None:
    """
    An alive page that is called dead is the worst that can be done to a source.
    """
    asked = "https://site.example/404/maintenance-mode"

    assert seen(page(title, body), asked=asked).seen is Seen.ALIVE
