"""Every language has every text, and amounts, dates and plurals are as the country writes them."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.billing.wording import Wording, _data, default_locale, languages
from functions.shared.money import format_minor

NBSP = "\u00a0"
TEXTS = _data()["texts"]


def values(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", sorted(languages()))
def test_a_language_has_every_text_with_the_same_values(language: str) -> None:
    assert TEXTS[language].keys() == TEXTS["en"].keys()
    for key, text in TEXTS["en"].items():
        mine = TEXTS[language][key]
        if isinstance(text, dict):
            assert "other" in mine
            assert {frozenset(values(form)) for form in mine.values()} == {frozenset({"count"})}
        else:
            assert values(mine) == values(text), key
            assert mine.strip() == mine != ""


def test_the_languages_are_those_that_were_promised() -> None:
    assert languages() == {"en", "de", "fr", "es", "it", "nl", "pt", "pl"}


@pytest.mark.parametrize(
    ("country", "locale"),
    [("DE", "de-DE"), ("CH", "de-CH"), ("BR", "pt-BR"), ("MX", "es-MX"), ("BE", "nl-BE"), ("US", "en-US"),
     ("CZ", "en-CZ"), (None, "en")],
)  # fmt: skip
def test_without_a_choice_a_customer_reads_their_countrys_language(country: str | None, locale: str) -> None:
    assert default_locale(country) == locale


@pytest.mark.parametrize(
    ("tag", "amount", "date", "month"),
    [
        ("en-US", "1,234.50", "November 5, 2026", "November 2026"),
        ("en-CZ", f"1{NBSP}234,50", "5 November 2026", "November 2026"),
        ("en-XX", "1,234.50", "5 November 2026", "November 2026"),
        ("de-DE", "1.234,50", "5. November 2026", "November 2026"),
        ("de-CH", "1'234.50", "5. November 2026", "November 2026"),
        ("fr-FR", f"1{NBSP}234,50", "5 novembre 2026", "novembre 2026"),
        ("pl-PL", f"1{NBSP}234,50", "5 listopada 2026", "listopad 2026"),
        ("pt-BR", "1.234,50", "5 de novembro de 2026", "novembro de 2026"),
        ("nl-NL", "1.234,50", "5 november 2026", "november 2026"),
        ("it-IT", "1.234,50", "5 novembre 2026", "novembre 2026"),
    ],
)
def test_amounts_and_dates_are_as_the_country_writes_them(tag: str, amount: str, date: str, month: str) -> None:
    wording = Wording(tag)
    moment = datetime(2026, 11, 5, 23, 59, tzinfo=UTC)
    assert (wording.minor(123_450, "EUR"), wording.date(moment), wording.month("2026-11")) == (amount, date, month)


def test_a_number_has_the_form_of_its_language() -> None:
    polish = Wording("pl")
    assert [polish.counted("tokens", number) for number in (1, 2, 5, 22)] == [
        "1 token", "2 tokeny", "5 tokenów", "22 tokeny"
    ]  # fmt: skip
    assert (Wording("en").counted("messages", 1), Wording("en").counted("messages", 0)) == ("1 message", "0 messages")
    assert Wording("ja").language == "en"


@given(
    st.integers(-(10**17), 10**17),
    st.sampled_from(["USD", "JPY", "KWD", "CLF"]),
    st.sampled_from(["en-US", "de-DE", "pl-PL"]),
)
def test_no_digit_of_an_amount_is_lost(minor: int, currency: str, tag: str) -> None:
    def digits(text: str) -> str:
        return "".join(char for char in text if char.isdigit())

    written = Wording(tag).minor(minor, currency)
    assert digits(written) == digits(format_minor(minor, currency))
    assert written.startswith("-") == (minor < 0)


def test_a_share_has_the_decimals_that_it_needs() -> None:
    assert Wording("de").share(190_000_000) == f"19{NBSP}%"
    assert Wording("de").share(81_000_000) == f"8,1{NBSP}%"
