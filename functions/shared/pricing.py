"""What a provider takes for tokens: the price book, and the one function that turns a call's usage into cost.

The book is data (prices.yaml) with versions and effective dates. An event is rated with the price in force when it
occurred, and carries that version. A version that does not name a model leaves the model's price and version alone.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from functions.shared.money import MILLION, NANOS, Currency, MoneyError, Rate, divide_up, exact_json, rated

# The endpoint without a regional surcharge; an event without region means the same.
GLOBAL_REGION: Final = "global"

Count = Annotated[int, Field(strict=True, ge=0)]


class UnknownModel(LookupError):
    """No price is in force for this model at this time: an error before the call, never a free turn."""

    code = "unknown_model"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Usage(_Frozen):
    """Tokens of one model call in exclusive buckets: cached input is not in input, reasoning is not in output.

    None means that the provider has not reported the bucket: pending, which is not zero.
    """

    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None

    @property
    def pending(self) -> tuple[str, ...]:
        """The buckets that nobody has reported yet; a later correction prices them."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is None)

    @property
    def total_input(self) -> int:
        """Input tokens that are known, cached or not; what decides the long-context tier."""
        return (self.input_tokens or 0) + (self.cached_input_tokens or 0)

    def __add__(self, other: "Usage") -> "Usage":
        """The buckets of both; pending and a number give the number, since only what is known can be shown."""
        names = type(self).model_fields
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in names}
        return Usage(**{n: None if a is None and b is None else (a or 0) + (b or 0) for n, (a, b) in pairs.items()})


class Tier(_Frozen):
    """Nanos per million tokens of each bucket, for calls with more than `over_input_tokens` of input."""

    over_input_tokens: Count = 0
    input: Rate
    cached_input: Rate
    output: Rate
    reasoning: Rate

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, data: Any) -> Any:
        # Providers bill thoughts as output, and cached input as input where they have no price for it.
        if isinstance(data, dict):
            data = dict(data)
            data.setdefault("cached_input", data.get("input"))
            data.setdefault("reasoning", data.get("output"))
        return data

    @property
    def answers(self) -> bool:
        """Whether its model writes: what an embedding model gives back costs nothing, while what it reads does."""
        return self.output > 0 or self.input == 0

    def uplifted(self, uplift: int) -> "Tier":
        """The same with a factor in 10⁻⁹ applied. Raises MoneyError unless each price stays a whole number of nanos."""
        prices = {}
        for name in ("input", "cached_input", "output", "reasoning"):
            price, rest = divmod(getattr(self, name) * uplift, NANOS)
            if rest:
                raise MoneyError("a regional price has more than 9 decimals")
            prices[name] = price
        return Tier(over_input_tokens=self.over_input_tokens, **prices)

    def parts(self, usage: Usage) -> list[tuple[int, int]]:
        """(tokens, nanos per million) for each bucket that is known."""
        return [
            (usage.input_tokens or 0, self.input),
            (usage.cached_input_tokens or 0, self.cached_input),
            (usage.output_tokens or 0, self.output),
            (usage.reasoning_tokens or 0, self.reasoning),
        ]


class Price(_Frozen):
    """The price of one model in one region at one time, surcharges included; `version` is what events carry."""

    provider: str
    model: str
    region: str
    version: str
    effective_from: datetime
    currency: Currency
    tiers: tuple[Tier, ...]
    demonstration: bool

    def tier(self, total_input: int) -> Tier:
        """The tier for a call's input; a long prompt reprices the whole call, not only its excess."""
        if len(self.tiers) == 1 and not self.tiers[0].over_input_tokens:
            return self.tiers[0]
        return [tier for tier in self.tiers if total_input > tier.over_input_tokens or not tier.over_input_tokens][-1]


class ModelPrice(Tier):
    """One model in a version of the book."""

    provider: str
    model: str
    long_context: Tier | None = None
    regional_uplift: Rate = NANOS
    demonstration: bool = False
    source: str
    checked: date | None
    """When the price was last compared with its source; None while nothing has confirmed it."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.over_input_tokens:
            raise ValueError("the first tier starts at zero")
        if self.long_context and not self.long_context.over_input_tokens:
            raise ValueError("the long-context tier says from how many tokens on")
        if self.regional_uplift < NANOS:
            raise ValueError("a regional uplift is a factor of at least 1")
        # A regional price that is no whole number of nanos must fail when the book ships, not in somebody's turn.
        self.tiers("any region")
        return self

    def tiers(self, region: str) -> tuple[Tier, ...]:
        """Both tiers as they are in that region."""
        uplift = NANOS if region == GLOBAL_REGION else self.regional_uplift
        tiers = (self, self.long_context) if self.long_context else (self,)
        return tuple(tier.uplifted(uplift) for tier in tiers)


class BookVersion(_Frozen):
    """What changes from `effective_from` on."""

    version: str
    effective_from: datetime
    published: date
    note: str
    models: tuple[ModelPrice, ...]


class PriceBook(_Frozen):
    """All versions, oldest first; valid as a whole or not at all."""

    about: str = ""
    currency: Currency
    versions: tuple[BookVersion, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        starts = [version.effective_from for version in self.versions]
        if any(start.tzinfo is None for start in starts):
            raise ValueError("effective_from needs a time zone")
        if starts != sorted(set(starts)) or len({version.version for version in self.versions}) != len(starts):
            raise ValueError("versions follow each other by time, each under its own name")
        for version in self.versions[1:]:
            # Instances start and stop at any time: with a day's notice all of them know a version before it counts.
            if version.effective_from < datetime.combine(version.published, datetime.min.time(), UTC) + timedelta(1):
                raise ValueError(f"version {version.version} takes effect less than a day after it was published")
        for version in self.versions:
            if len({(price.provider, price.model) for price in version.models}) != len(version.models):
                raise ValueError(f"version {version.version} names a model twice")
        return self

    @cached_property
    def _history(self) -> dict[tuple[str, str], list[tuple[BookVersion, ModelPrice]]]:
        history: dict[tuple[str, str], list[tuple[BookVersion, ModelPrice]]] = {}
        for version in self.versions:
            for price in version.models:
                history.setdefault((price.provider, price.model), []).append((version, price))
        return history

    def price_at(self, provider: str, model: str, region: str | None, occurred_at: datetime) -> Price:
        """The price in force. Raises UnknownModel when the book has none for that time."""
        for version, price in reversed(self._history.get((provider, model), [])):
            if version.effective_from <= occurred_at:
                return Price(
                    provider=provider,
                    model=model,
                    region=region or GLOBAL_REGION,
                    version=version.version,
                    effective_from=version.effective_from,
                    currency=self.currency,
                    tiers=price.tiers(region or GLOBAL_REGION),
                    demonstration=price.demonstration,
                )
        raise UnknownModel(f"there is no price for {provider} {model} at {occurred_at.isoformat()}")

    def prices_at(self, occurred_at: datetime, region: str | None = None) -> list[Price]:
        """Every price in force, by provider and model."""
        in_force = [key for key, rows in self._history.items() if rows[0][0].effective_from <= occurred_at]
        return [self.price_at(provider, model, region, occurred_at) for provider, model in sorted(in_force)]

    def stale(self, today: date, max_age: timedelta) -> list[tuple[str, date | None]]:
        """(model, date) of each latest entry that nobody has checked against its source for too long, or ever."""
        latest = [rows[-1][1] for rows in self._history.values() if not rows[-1][1].demonstration]
        old = [price for price in latest if price.checked is None or today - price.checked > max_age]
        return [(price.model, price.checked) for price in sorted(old, key=lambda price: price.model)]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The book from its file. Raises ValueError with what is wrong, also for a number with a point."""
        return cls.model_validate(exact_json(text))


@lru_cache(maxsize=1)
def book() -> PriceBook:
    """The book that ships with this version."""
    return PriceBook.parse(Path(__file__).with_name("prices.yaml").read_text("utf-8"))


def price_at(provider: str, model: str, region: str | None, occurred_at: datetime) -> Price:
    """The price in force in the book that ships. Raises UnknownModel."""
    return book().price_at(provider, model, region, occurred_at)


def rate(usage: Usage | Sequence[Usage], price: Price) -> int:
    """Cost in nanos of a turn's calls: each at its own tier, added up, rounded once; pending buckets add nothing."""
    calls = [usage] if isinstance(usage, Usage) else usage
    return rated(part for call in calls for part in price.tier(call.total_input).parts(call))


def highest(price: Price, input_upper_bound: int, max_output_tokens: int, calls: int) -> int:
    """The most that so many calls within these bounds can cost, in nanos, rounded up: `rate` is never above it."""
    reachable = [
        tier for tier in price.tiers if not tier.over_input_tokens or input_upper_bound > tier.over_input_tokens
    ]
    most = max(
        input_upper_bound * max(tier.input, tier.cached_input) + max_output_tokens * max(tier.output, tier.reasoning)
        for tier in reachable
    )
    return divide_up(most * calls, MILLION)
