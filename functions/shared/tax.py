"""Which tax an invoice bears: by the countries and VAT ids of seller and buyer, at a date, out of a table of rates.

The table (tax.yaml, JSON subset of YAML) has standard rates with the day from which each counts, its source and the day
it was checked. What is sold is an electronically supplied service: in the EU it is taxed where the buyer is. This is a
table with rules and no advice: what it does not know (regional exceptions, thresholds, US sales tax) a plan's own
`tax_rate` says.
"""

import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from functions.shared.money import NANOS, Rate, exact_json

REVERSED_IN_EU: Final = "Reverse charge: the recipient owes the VAT (Articles 44 and 196 of Directive 2006/112/EC)."
OUTSIDE_EU: Final = "Not subject to EU VAT: the place of supply is outside the EU (Articles 44 and 58, 2006/112/EC)."
REVERSED: Final = "Reverse charge: the recipient accounts for the tax."
EXPORT: Final = "No tax is charged: the service is supplied to a recipient abroad."


class StandardRate(BaseModel):
    """A rate in 10⁻⁹ and the first day on which it counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    since: date = Field(alias="from")
    rate: Rate = Field(le=NANOS)


class Country(BaseModel):
    """One country. `vat_id` is the form of its VAT ids; without rates it has no such tax."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    eu: bool = False
    tax: str = "VAT"
    vat_id: str | None = None
    rates: tuple[StandardRate, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        days = [one.since for one in self.rates]
        if days != sorted(set(days)):
            raise ValueError(f"the rates of {self.name} follow each other by day")
        if self.vat_id is not None:
            re.compile(self.vat_id)
        return self

    def rate_on(self, day: date) -> int:
        """The standard rate on a day; 0 before the first."""
        return next((one.rate for one in reversed(self.rates) if one.since <= day), 0)


class Table(BaseModel):
    """All countries, with where the figures are from and when they were compared."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    about: str
    source: str
    checked: date
    countries: dict[str, Country]


class Tax(NamedTuple):
    """What an invoice bears: a rate in 10⁻⁹, what to call it, and the sentence that the law or clarity asks for."""

    rate: int = 0
    reverse_charge: bool = False
    name: str = "Tax"
    note: str | None = None


@lru_cache(maxsize=1)
def table() -> Table:
    """The table that ships with this version."""
    return Table.model_validate(exact_json(Path(__file__).with_name("tax.yaml").read_text("utf-8")))


def is_vat_id(country: str, vat_id: str) -> bool:
    """Whether it has the form of that country's VAT ids; one of a country with no known form has any. It may still not
    exist: nobody is asked."""
    known = table().countries.get(country)
    return known is None or known.vat_id is None or re.fullmatch(known.vat_id, vat_id) is not None


def tax_on(
    seller_country: str | None,
    seller_vat_id: str | None,
    buyer_country: str | None,
    buyer_vat_id: str | None,
    day: date,
) -> Tax:
    """The tax of a supply on a day.

    Who has no VAT id charges no tax. At home, and for a buyer whose country is not known, the home rate. Within the EU
    a business, which has a VAT id of its country, owes the tax itself, and anybody else pays the rate of their own
    country (One-Stop Shop). Over any other border no tax is charged, and the invoice says why.
    """
    countries = table().countries
    home = countries.get(seller_country or "")
    if home is None or not seller_vat_id or not home.rates:
        return Tax()
    if buyer_country is None or buyer_country == seller_country:
        return Tax(home.rate_on(day), name=f"{home.tax} ({seller_country})")
    there = countries.get(buyer_country)
    in_eu = there is not None and there.eu
    business = buyer_vat_id is not None and is_vat_id(buyer_country, buyer_vat_id)
    if home.eu and in_eu:
        assert there is not None
        if business:
            return Tax(reverse_charge=True, name="VAT", note=REVERSED_IN_EU)
        return Tax(there.rate_on(day), name=f"{there.tax} ({buyer_country})")
    if home.eu:
        return Tax(name=home.tax, note=OUTSIDE_EU)
    if in_eu and business:
        return Tax(reverse_charge=True, name=home.tax, note=REVERSED_IN_EU)
    if there is not None and there.rates and business:
        return Tax(reverse_charge=True, name=home.tax, note=REVERSED)
    return Tax(name=home.tax, note=EXPORT)


def highest_rate(seller_country: str | None, seller_vat_id: str | None, day: date) -> int:
    """The highest rate that any buyer could have to pay on a day: never below `tax_on`, whoever it is."""
    countries = table().countries
    home = countries.get(seller_country or "")
    if home is None or not seller_vat_id or not home.rates:
        return 0
    return max([home.rate_on(day), *(one.rate_on(day) for one in countries.values() if home.eu and one.eu)])
