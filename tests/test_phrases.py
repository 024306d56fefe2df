"""Words that say that something is gone, and words that only sound so."""

from __future__ import annotations

import pytest

from verifier.marks import load
from verifier.phrases import LOOSE, is_notice, says_asked, says_gone

GONE = {
    "en": "Sorry, this video is no longer available.",
    "de": "Dieser Artikel ist leider nicht mehr verfügbar",
    "fr": "Cet article n'est plus en ligne",
    "es": "El artículo ya no está disponible",
    "pt": "Esta notícia não está mais disponível",
    "it": "L'articolo non è più disponibile",
    "nl": "Deze vacature is niet meer beschikbaar",
    "sv": "Artikeln har tagits bort",
    "da": "Artiklen findes ikke længere",
    "nb": "Vi finner ikke siden",
    "fi": "Hakemaasi artikkelia ei löytynyt",
    "pl": "Artykuł został usunięty",
    "cs": "Článek nebyl nalezen",
    "sk": "Príspevok bol odstránený",
    "hu": "A keresett cikk nem található",
    "ro": "Articolul nu a fost găsit",
    "ru": "Запрошенной темы не существует",
    "uk": "Матеріал не знайдено",
    "bg": "Статията не е намерена",
    "sr": "Тражена страница не постоји",
    "el": "Το άρθρο δεν βρέθηκε",
    "tr": "Bu haber artık mevcut değil",
    "ar": "عذرا، تم حذف هذا الموضوع",
    "he": "הכתבה לא נמצאה",
    "fa": "مطلب مورد نظر یافت نشد",
    "hi": "यह लेख उपलब्ध नहीं है",
    "vi": "Bài viết không tồn tại hoặc đã bị xóa",
    "id": "Berita yang Anda cari tidak ditemukan",
    "ja": "この記事は削除されました",
    "ko": "삭제되었거나 존재하지 않는 기사입니다",
    "zh": "抱歉，指定的主题不存在或已被删除",
    "th": "ไม่พบบทความที่คุณต้องการ",
}


@pytest.mark.parametrize("lang", GONE)
def test_a_page_says_in_its_own_words_that_something_is_gone(lang: str) -> None:
    """
    No list has all sentences; what they are made of is a few hundred words a language.
    """
    assert says_gone(GONE[lang])


def test_every_language_of_the_list_has_a_test() -> None:
    """
    A word that nobody tried is a guess.
    """
    languages = {name for name, entry in load("gone").items() if isinstance(entry, dict)}

    assert languages - {"notice", "lacks"} == GONE.keys()


@pytest.mark.parametrize(
    "words",
    [
        "Why the page was removed",
        "The page that could not be found in the archive",
        "Page not found: how we lost the order book",
        "Video removed after complaints",
        "This document is not available in English",
        "Das Dorf existiert nicht mehr",
        "Manuscrito no encontrado en el molino",
        "Дом не сохранился",
        "此桥今已不存在",
        "建物は現存しません",
        "Gone",
        "",
        "The article " + "of the treaty " * 40 + "has been removed",
    ],
)
def test_a_line_that_says_anything_else_is_about_something_else(words: str) -> None:
    """
    Headlines speak of removed videos and lost villages; the page is there.
    """
    assert not says_gone(words)
    assert not says_asked(words)


def test_beside_the_visitors_wish_other_words_may_stand() -> None:
    """
    Only a page that has nothing else speaks of what the visitor asked for.
    """
    words = "The position you are looking for has expired; have a look at our other vacancies"

    assert says_asked(words)
    assert says_gone(words, most=LOOSE)
    assert not says_gone(words)
    assert not says_asked("This comment has been removed by its author.")


def test_many_things_at_once_count_only_where_they_are_asked_for() -> None:
    """
    A list of deleted articles is a page; "all pages were deleted" on an empty one is none.
    """
    assert not says_gone("All pages were deleted")
    assert says_gone("All pages were deleted", many=True)


@pytest.mark.parametrize("heading", ["Information", "Hinweis:", "提示信息", "Информация"])
def test_headings_of_notices_are_nobodys_own(heading: str) -> None:
    """
    Forums put the same word over everything they have to say.
    """
    assert is_notice(heading)
    assert not is_notice(f"{heading} 1921")
