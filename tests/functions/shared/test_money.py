"""Amounts are exact, rounding is half away from zero, parts add up to the whole."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.shared.money import (
    MAX_NANOS,
    MILLION,
    MINOR_DIGITS,
    NANOS,
    CurrencyMismatch,
    Money,
    MoneyError,
    UnknownCurrency,
    allocate,
    divide,
    divide_up,
    exact_json,
    format_amount,
    format_decimal,
    format_minor,
    minor_digits,
    minor_to_nanos,
    minor_unit,
    parse_decimal,
    rated,
    round_to_minor,
    same_currency,
    share,
)

amounts = st.integers(-MAX_NANOS, MAX_NANOS)
currencies = st.sampled_from(["USD", "EUR", "JPY", "KWD", "CLF"])


@given(amounts, st.integers(0, 9))
def test_an_amount_survives_its_text(nanos: int, digits: int) -> None:
    text = format_decimal(nanos, digits)
    assert parse_decimal(text) == nanos
    assert len(text.partition(".")[2]) >= digits


@pytest.mark.parametrize(
    "text", ["", "1.", ".5", "1e3", "+1", "01", "1,000", " 1", "1 ", "1.0000000001", "NaN", "--1", "٣", "1\n", "9" * 18]
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_decimal(text)


@pytest.mark.parametrize(
    ("amount", "currency", "canonical", "nanos"),
    [
        ("12.3", "USD", "12.30", 12_300_000_000),
        ("12", "JPY", "12", 12_000_000_000),
        ("1.5", "KWD", "1.500", 1_500_000_000),
        ("0.000031", "USD", "0.000031", 31_000),
        ("-0", "USD", "0.00", 0),
        ("-7.50", "EUR", "-7.50", -7_500_000_000),
    ],
)
def test_money_has_one_spelling(amount: str, currency: str, canonical: str, nanos: int) -> None:
    money = Money(amount=amount, currency=currency)
    assert money.amount == canonical
    assert money.nanos == nanos
    assert money == Money.of_nanos(nanos, currency)
    assert Money.model_validate_json(money.model_dump_json()) == money


@pytest.mark.parametrize(
    "document",
    [
        {"amount": 12.34, "currency": "USD"},
        {"amount": 12, "currency": "USD"},
        {"amount": "12.34"},
        {"amount": "12.34", "currency": "usd"},
        {"amount": "12.34", "currency": "XYZ"},
        {"amount": "1e2", "currency": "USD"},
        {"amount": "12.34", "currency": "USD", "unit": "cents"},
        {"amount": "9999999999", "currency": "USD"},
    ],
)
def test_money_takes_nothing_but_a_decimal_string_and_a_known_currency(document: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate(document)


def test_minor_units_are_whole_or_refused() -> None:
    assert Money(amount="12.34", currency="USD").minor == 1234
    assert Money.of_minor(1234, "KWD").amount == "1.234"
    with pytest.raises(MoneyError):
        _ = Money(amount="12.345", currency="USD").minor


def test_currencies_know_their_coins() -> None:
    assert (minor_digits("USD"), minor_digits("JPY"), minor_digits("KWD"), minor_digits("CLF")) == (2, 0, 3, 4)
    assert minor_unit("USD") == 10_000_000
    assert len(MINOR_DIGITS) > 150
    with pytest.raises(UnknownCurrency):
        minor_digits("XXX")  # ISO 4217 for no currency at all.
    assert same_currency("USD", "USD") == "USD"
    with pytest.raises(CurrencyMismatch):
        same_currency("USD", "EUR")
    with pytest.raises(MoneyError):
        same_currency()


@given(amounts, st.integers(1, 10**15), st.booleans())
def test_rounding_is_half_away_from_zero(numerator: int, denominator: int, negative: bool) -> None:
    denominator = -denominator if negative else denominator
    result = divide(numerator, denominator)
    exact = Fraction(numerator, denominator)
    assert abs(result - exact) <= Fraction(1, 2)
    if abs(result - exact) == Fraction(1, 2):
        assert abs(result) > abs(exact)
    assert divide(-numerator, denominator) == -result


@pytest.mark.parametrize(("nanos", "cents"), [(5_000_000, 1), (4_999_999, 0), (-5_000_000, -1), (15_000_000, 2)])
def test_half_a_cent_is_a_cent(nanos: int, cents: int) -> None:
    assert round_to_minor(nanos, "USD") == cents


@given(amounts, currencies)
def test_rounding_agrees_with_the_decimal_module(nanos: int, currency: str) -> None:
    step = Decimal(1).scaleb(-minor_digits(currency))
    expected = Decimal(format_decimal(nanos)).quantize(step, ROUND_HALF_UP)
    assert Decimal(format_minor(round_to_minor(nanos, currency), currency)) == expected
    assert abs(minor_to_nanos(round_to_minor(nanos, currency), currency) - nanos) * 2 <= minor_unit(currency)


def test_nothing_is_divided_by_zero_or_bounded_by_less_than_nothing() -> None:
    with pytest.raises(MoneyError):
        divide(1, 0)
    with pytest.raises(MoneyError):
        divide_up(-1, 2)
    assert divide_up(7, 2) == 4


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any))
def test_parts_add_up_to_the_whole(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
        assert weight or not part
    assert allocate(-total, weights) == [-part for part in parts]


@given(st.integers(0, 10**6), st.lists(st.integers(-1000, 1000), min_size=1, max_size=8).filter(lambda w: sum(w) != 0))
def test_parts_of_charges_and_credits_add_up_too(total: int, weights: list[int]) -> None:
    assert sum(allocate(total, weights)) == total


def test_the_earlier_of_equal_parts_gets_the_odd_cent() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(0, [0, 0]) == [0, 0]
    with pytest.raises(MoneyError):
        allocate(1, [0, 0])


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**11)), max_size=5))
def test_tokens_are_rated_exactly_and_rounded_once(parts: list[tuple[int, int]]) -> None:
    exact = sum(Fraction(quantity * price, MILLION) for quantity, price in parts)
    assert abs(rated(parts) - exact) <= Fraction(1, 2)


def test_a_share_is_rounded_once() -> None:
    assert share(12_340_000_000, 200_000_000) == 2_468_000_000
    assert share(3, NANOS // 2) == 2


def test_amounts_keep_the_decimals_they_need() -> None:
    assert format_amount(12_300_000_000, "USD") == "12.30"
    assert format_amount(31_000, "USD") == "0.000031"
    assert format_amount(5_000_000_000, "JPY") == "5"


def test_data_files_may_not_hold_a_number_with_a_point() -> None:
    assert exact_json('{"price": "0.5"}') == {"price": "0.5"}
    with pytest.raises(MoneyError):
        exact_json('{"price": 0.5}')
