"""The tax of an invoice follows from two countries, two VAT ids and a day."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.money import NANOS, parse_decimal
from functions.shared.tax import (
    EXPORT,
    OUTSIDE_EU,
    REVERSED,
    REVERSED_IN_EU,
    highest_rate,
    is_vat_id,
    table,
    tax_on,
)

DAY = date(2026, 11, 30)
IDS = {
    "AT": "ATU12345678",
    "BE": "BE0123456789",
    "CH": "CHE123456789MWST",
    "CZ": "CZ12345678",
    "DE": "DE123456789",
    "ES": "ESX1234567X",
    "FR": "FRXX123456789",
    "GB": "GB123456789",
    "GR": "EL123456789",
    "IE": "IE1234567WA",
    "NL": "NL123456789B01",
    "NO": "NO123456789MVA",
    "PL": "PL1234567890",
    "SE": "SE123456789001",
}
EU = sorted(code for code, country in table().countries.items() if country.eu)
countries = st.sampled_from([None, *table().countries, "JP"])


@pytest.mark.parametrize(
    ("seller", "buyer", "buyer_id", "rate", "reverse_charge", "note"),
    [
        ("DE", "DE", None, "0.19", False, None),
        ("DE", "DE", IDS["DE"], "0.19", False, None),
        ("DE", None, None, "0.19", False, None),
        ("DE", "AT", IDS["AT"], "0", True, REVERSED_IN_EU),
        ("DE", "AT", None, "0.2", False, None),
        ("DE", "AT", IDS["DE"], "0.2", False, None),  # an id of another country is none of the buyer's
        ("DE", "GR", IDS["GR"], "0", True, REVERSED_IN_EU),
        ("DE", "CH", IDS["CH"], "0", False, OUTSIDE_EU),
        ("DE", "US", None, "0", False, OUTSIDE_EU),
        ("DE", "JP", None, "0", False, OUTSIDE_EU),
        ("GB", "GB", None, "0.2", False, None),
        ("GB", "DE", IDS["DE"], "0", True, REVERSED_IN_EU),
        ("GB", "DE", None, "0", False, EXPORT),
        ("GB", "NO", IDS["NO"], "0", True, REVERSED),
        ("CH", "CH", IDS["CH"], "0.081", False, None),
        ("US", "US", None, "0", False, None),
        ("US", "DE", IDS["DE"], "0", False, None),
        ("JP", "DE", IDS["DE"], "0", False, None),
    ],
)
def test_by_hand(
    seller: str, buyer: str | None, buyer_id: str | None, rate: str, reverse_charge: bool, note: str | None
) -> None:
    found = tax_on(seller, "SOME1234", buyer, buyer_id, DAY)
    assert (found.rate, found.reverse_charge, found.note) == (parse_decimal(rate), reverse_charge, note)


@given(countries, countries, st.sampled_from([None, *IDS.values()]), st.dates(date(2026, 1, 1), date(2030, 1, 1)))
def test_whoever_meets_there_is_a_rate_or_a_reason(
    seller: str | None, buyer: str | None, buyer_id: str | None, day: date
) -> None:
    found = tax_on(seller, "SOME1234", buyer, buyer_id, day)
    assert 0 <= found.rate < NANOS // 3
    assert not (found.reverse_charge and found.rate)
    assert tax_on(seller, None, buyer, buyer_id, day).rate == 0
    if seller in EU and buyer in EU:
        assert found.rate or found.reverse_charge
    if found.reverse_charge:
        assert found.note


@pytest.mark.parametrize(
    ("country", "day", "rate"),
    [
        ("EE", date(2025, 6, 30), "0.22"),
        ("EE", date(2025, 7, 1), "0.24"),
        ("RO", date(2025, 7, 31), "0.19"),
        ("RO", date(2025, 8, 1), "0.21"),
        ("SK", date(2024, 12, 31), "0.2"),
        ("SK", date(2025, 1, 1), "0.23"),
        ("FI", date(2024, 9, 1), "0.255"),
        ("SK", date(2000, 1, 1), "0"),
    ],
)
def test_a_rate_counts_from_its_day(country: str, day: date, rate: str) -> None:
    assert table().countries[country].rate_on(day) == parse_decimal(rate)


def test_all_states_of_the_eu_are_there_with_a_rate_of_today() -> None:
    assert len(EU) == 27
    assert all(parse_decimal("0.15") <= table().countries[code].rate_on(DAY) <= parse_decimal("0.27") for code in EU)
    assert table().checked >= date(2026, 11, 1)
    assert table().source


@pytest.mark.parametrize(("country", "vat_id"), sorted(IDS.items()))
def test_an_id_has_the_form_of_its_country_and_of_no_other(country: str, vat_id: str) -> None:
    known = {code for code, one in table().countries.items() if one.vat_id}
    assert {code for code in known if is_vat_id(code, vat_id)} - {"LI"} == {country}
    assert not is_vat_id(country, vat_id + "00000")


def test_a_country_without_a_known_form_takes_any_id() -> None:
    assert is_vat_id("JP", "T1234567890123")
    assert is_vat_id("US", "12345")


@given(countries, st.sampled_from([None, *IDS.values()]), countries, st.sampled_from([None, *IDS.values()]), st.dates())
def test_no_buyer_pays_more_than_the_highest_rate(
    seller: str | None, seller_id: str | None, buyer: str | None, buyer_id: str | None, day: date
) -> None:
    assert tax_on(seller, seller_id, buyer, buyer_id, day).rate <= highest_rate(seller, seller_id, day)


def test_the_highest_rate_is_one_that_somebody_pays() -> None:
    found = {code: highest_rate(code, IDS[code], DAY) for code in ("DE", "CH", "GB")}
    assert found == {"DE": parse_decimal("0.27"), "CH": parse_decimal("0.081"), "GB": parse_decimal("0.2")}
    assert highest_rate("DE", None, DAY) == highest_rate(None, "X", DAY) == 0
