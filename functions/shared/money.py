"""Money is an integer, so that no sum depends on the order of its parts: nanos inside, decimal strings at the edge.

    nanos   int, 10⁻⁹ of the currency's unit; what events, tallies and the ledger hold (12.34 USD = 12_340_000_000)
    minor   int, the currency's smallest coin; what an invoice line, a payment and a bank know (1234 in USD, 12 in JPY)
    Money   {"amount": "12.34", "currency": "USD"}; what the API shows and takes

There is no float and no Decimal here. Rounding is half away from zero everywhere, and happens in `divide` alone.
"""

import json
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

NANOS: Final = 1_000_000_000
MILLION: Final = 1_000_000
# Firestore and BigQuery hold 64-bit integers: a larger amount could not be stored, so it is refused where it comes in.
MAX_NANOS: Final = 2**63 - 1

_DECIMAL = re.compile(r"(-?)(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,9}))?", re.ASCII)

# ISO 4217: the currencies whose smallest coin is a hundredth, then those that differ.
_TWO_DIGITS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP "
    "CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES "
    "KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK "
    "NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB "
    "TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_OTHER_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
MINOR_DIGITS: Final[dict[str, int]] = dict.fromkeys(_TWO_DIGITS.split(), 2) | {
    code: digits for digits, codes in _OTHER_DIGITS.items() for code in codes.split()
}


class MoneyError(ValueError):
    """An amount, a currency or a division that cannot be what was meant; the text may be shown to the caller."""

    code = "invalid_money"


class UnknownCurrency(MoneyError):
    """The code is not in ISO 4217, or not one that money is kept in."""

    code = "unknown_currency"


class CurrencyMismatch(MoneyError):
    """Two currencies met in one calculation. There is no exchange rate anywhere in this system."""

    code = "currency_mismatch"


def minor_digits(currency: str) -> int:
    """Decimals of the currency's smallest coin: 2 for USD, 0 for JPY, 3 for KWD. Raises UnknownCurrency."""
    try:
        return MINOR_DIGITS[currency]
    except KeyError:
        raise UnknownCurrency(f"{currency!r} is not a currency code of ISO 4217") from None


def minor_unit(currency: str) -> int:
    """The smallest coin in nanos: 10_000_000 for USD."""
    return int(NANOS // 10 ** minor_digits(currency))


def same_currency(*currencies: str) -> str:
    """The one currency of all. Raises CurrencyMismatch when they differ, MoneyError when there is none."""
    if not currencies:
        raise MoneyError("no currency was named")
    if len(set(currencies)) > 1:
        raise CurrencyMismatch(f"{' and '.join(sorted(set(currencies)))} cannot be mixed")
    return currencies[0]


def divide(numerator: int, denominator: int) -> int:
    """The quotient rounded half away from zero; the only rounding there is. Raises MoneyError on a zero denominator."""
    if denominator == 0:
        raise MoneyError("division by zero")
    magnitude = (2 * abs(numerator) + abs(denominator)) // (2 * abs(denominator))
    return magnitude if (numerator < 0) == (denominator < 0) else -magnitude


def divide_up(numerator: int, denominator: int) -> int:
    """The quotient rounded up, for bounds that must not be passed; both must be non-negative."""
    if denominator <= 0 or numerator < 0:
        raise MoneyError("a bound is a non-negative amount over a positive one")
    return -(-numerator // denominator)


def round_to_minor(nanos: int, currency: str) -> int:
    """The amount in minor units, rounded half away from zero: 12_345_000_000 USD nanos are 1235 cents."""
    return divide(nanos, minor_unit(currency))


def minor_to_nanos(minor: int, currency: str) -> int:
    """The exact amount in nanos of so many minor units."""
    return minor * minor_unit(currency)


def rated(parts: Iterable[tuple[int, int]]) -> int:
    """Nanos for pairs of (tokens, nanos per million tokens): added up exactly, rounded once at the end."""
    return divide(sum(quantity * per_million for quantity, per_million in parts), MILLION)


def share(nanos: int, rate: int) -> int:
    """So much of an amount, rounded once; the rate is in 10⁻⁹ (200_000_000 is 20 %)."""
    return divide(nanos * rate, NANOS)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split a total by weights so that the parts add up to it exactly (largest remainder).

    Each part is less than one unit away from its exact share; of equal remainders the earlier part wins, so the same
    input gives the same parts. Weights may be negative (a credit among charges), as long as their sum is not zero.
    Raises MoneyError when there is something to split and nothing to split it by.
    """
    whole = sum(weights)
    if whole == 0:
        if total == 0:
            return [0] * len(weights)
        raise MoneyError("an amount cannot be split by weights that add up to nothing")
    if total < 0:
        return [-part for part in allocate(-total, weights)]
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [value.numerator // value.denominator for value in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def parse_decimal(text: str) -> int:
    """The nanos of a plain decimal string such as "-12.34", without loss.

    Raises MoneyError for anything else: exponents, signs before a plus, blanks, separators, leading zeros, more than
    nine decimals, or an amount beyond 64 bits.
    """
    match = _DECIMAL.fullmatch(text)
    if not match:
        raise MoneyError("an amount is a decimal string with at most 9 decimals, such as 12.34")
    sign, units, decimals = match.groups()
    nanos = int(units) * NANOS + int((decimals or "").ljust(9, "0"))
    if nanos > MAX_NANOS:
        raise MoneyError("the amount is too large")
    return -nanos if sign else nanos


def format_decimal(nanos: int, digits: int = 0) -> str:
    """The exact decimal string, with as many decimals as the value needs and at least `digits`."""
    units, rest = divmod(abs(nanos), NANOS)
    decimals = f"{rest:09d}".rstrip("0").ljust(digits, "0")
    return f"{'-' if nanos < 0 else ''}{units}{'.' if decimals else ''}{decimals}"


def format_amount(nanos: int, currency: str) -> str:
    """The exact amount with at least the currency's decimals: "12.30", "0.000031", "-5" in JPY."""
    return format_decimal(nanos, minor_digits(currency))


def format_minor(minor: int, currency: str) -> str:
    """Minor units as a decimal string with exactly the currency's decimals: 1230 US cents are "12.30"."""
    return format_amount(minor_to_nanos(minor, currency), currency)


def exact_json(text: str) -> Any:
    """Read a data file. Raises MoneyError on a number with a point: amounts in it are strings, which lose nothing."""

    def refuse(number: str) -> object:
        raise MoneyError(f"{number} must be written as a string: a number with a point is not exact")

    return json.loads(text, parse_float=refuse)


def _nanos_of(value: object) -> object:
    return parse_decimal(value) if isinstance(value, str) else value


def _checked_amount(text: str) -> str:
    parse_decimal(text)
    return text


def _checked_currency(code: str) -> str:
    minor_digits(code)
    return code


# A currency code that is known, wherever one is stored.
Currency = Annotated[str, AfterValidator(_checked_currency)]
# An amount in nanos that a data file may write as a decimal string; a JSON number with a point is refused.
Nanos = Annotated[int, BeforeValidator(_nanos_of), Field(strict=True, ge=-MAX_NANOS, le=MAX_NANOS)]
# A price, a rate or a percentage: the same, never negative.
Rate = Annotated[int, BeforeValidator(_nanos_of), Field(strict=True, ge=0, le=MAX_NANOS)]


class Money(BaseModel):
    """An amount at the edge. Whatever decimals came in, it holds the shortest exact form with all of the currency's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    amount: Annotated[str, AfterValidator(_checked_amount)] = Field(
        pattern=r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?$", examples=["12.34"]
    )
    currency: Currency = Field(pattern=r"^[A-Z]{3}$", examples=["USD"])

    @model_validator(mode="after")
    def _canonical(self) -> Self:
        # Two spellings of one amount must be equal, have one ETag and one idempotency digest.
        object.__setattr__(self, "amount", format_amount(parse_decimal(self.amount), self.currency))
        return self

    @classmethod
    def of_nanos(cls, nanos: int, currency: str) -> Self:
        """The exact edge form of an amount in nanos. Raises MoneyError beyond 64 bits."""
        return cls(amount=format_amount(nanos, currency), currency=currency)

    @classmethod
    def of_minor(cls, minor: int, currency: str) -> Self:
        """The edge form of an amount in minor units."""
        return cls.of_nanos(minor_to_nanos(minor, currency), currency)

    @property
    def nanos(self) -> int:
        """The exact amount in nanos."""
        return parse_decimal(self.amount)

    @property
    def minor(self) -> int:
        """The amount in minor units. Raises MoneyError when it is no whole number of them: nothing is rounded."""
        minor, rest = divmod(self.nanos, minor_unit(self.currency))
        if rest:
            raise MoneyError(f"{self.amount} {self.currency} cannot be paid: it has more decimals than the currency")
        return minor
