"""How an invoice speaks to its customer: texts in their language, amounts and dates as their country writes them.

A locale is a language and perhaps a country, `de` or `de-AT`. Babel is imported when something is written, which only
happens where an invoice is printed.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from functions.shared.money import format_decimal, format_minor, minor_digits

if TYPE_CHECKING:
    from babel import Locale

DEFAULT: Final = "en"
_ANYWHERE: Final = "en_001"
"""English of no country in particular: 2 January 2027."""
_BLANKS: Final = str.maketrans("\u202f\u2009", "\u00a0\u00a0")


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(Path(__file__).with_name("invoice_texts.json").read_text("utf-8"))
    return data


def languages() -> frozenset[str]:
    """The languages that invoices are written in."""
    return frozenset(_data()["texts"])


def default_locale(country: str | None) -> str:
    """The locale of an invoice whose customer has chosen none: their country's language where there are texts in it."""
    for language, countries in _data()["countries"].items():
        if country in countries.split():
            return f"{language}-{country}"
    return f"{DEFAULT}-{country}" if country else DEFAULT


class Wording:
    """The texts and forms of one locale. An unknown one is English as it is written anywhere."""

    def __init__(self, tag: str | None) -> None:
        language = (tag or DEFAULT).partition("-")[0]
        self.language = language if language in languages() else DEFAULT
        self._texts: Mapping[str, Any] = _data()["texts"][self.language]
        self._locale = _locale(self.language, (tag or "").partition("-")[2])

    def say(self, key: str, **values: str) -> str:
        """A text with its values. Raises KeyError for one that there is not."""
        text: str = self._texts[key]
        return text.format(**values)

    def counted(self, key: str, number: int) -> str:
        """A text that depends on a number, in the form that the language wants for it."""
        forms: Mapping[str, str] = self._texts[key]
        form = forms.get(self._locale.plural_form(number), forms["other"])
        return form.format(count=self.whole(number))

    def whole(self, number: int) -> str:
        """A whole number, grouped."""
        return self._written(str(number), 0)

    def minor(self, minor: int, currency: str) -> str:
        """An amount in minor units with the currency's decimals, without its code."""
        return self._written(format_minor(minor, currency), minor_digits(currency))

    def nanos(self, nanos: int, digits: int) -> str:
        """An amount in nanos that has at most so many decimals."""
        return self._written(format_decimal(nanos), digits)

    def share(self, nanos: int) -> str:
        """A rate in 10⁻⁹ as a percentage with the decimals it needs."""
        exact = format_decimal(nanos * 100)
        return self._written(exact, len(exact.partition(".")[2])) + "\u00a0%"

    def _written(self, exact: str, digits: int) -> str:
        from babel.numbers import format_decimal as written

        # The text goes in as it is: no float comes near it.
        pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
        return str(written(exact, format=pattern, locale=self._locale)).translate(_BLANKS)

    def country(self, code: str) -> str:
        """A country by its name, or its code where there is none."""
        return str(self._locale.territories.get(code, code))

    def date(self, day: datetime | date) -> str:
        """A day, written out; of a moment the UTC day."""
        from babel.dates import format_date

        plain = day.astimezone(UTC).date() if isinstance(day, datetime) else day
        return str(format_date(plain, format="long", locale=self._locale)).translate(_BLANKS)

    def month(self, month: str) -> str:
        """A month, `2026-11`, by its name."""
        from babel.dates import format_skeleton

        first = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
        return str(format_skeleton("yMMMM", first, locale=self._locale)).translate(_BLANKS)


def _locale(language: str, country: str) -> "Locale":
    from babel import Locale
    from babel.core import UnknownLocaleError

    for name in (f"{language}_{country}", _ANYWHERE if language == DEFAULT else language):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(DEFAULT)
