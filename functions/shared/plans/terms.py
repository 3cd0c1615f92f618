"""What was agreed: plan terms as frozen data, copied to each period that they govern.

In data files amounts are decimal strings ("19.00", "0.2" for 20 %); in documents they are the nanos themselves.
"""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from functions.shared.money import NANOS, Currency, Rate
from functions.shared.plans.unit_prices import Meter, Scheme, UnitPrice
from functions.shared.pricing import Count

DEFAULT_PLAN: Final = "pay_as_you_go"
RESOLVED_TYPE: Final = "conversation_resolved"
"""A usage event of this type resolves a conversation and is named by it; every other one is a turn, or corrects one."""

Month = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]


class PlanTerms(BaseModel):
    """What was agreed, as it is copied to the period it governs; a later version of the plan does not change it.

    `discount` is a share, `discount_amount` comes off what is left. Both hold in every month, or with `discount_months`
    for so many from the first that the plan was agreed for, which is written as the last of them, `discount_until`.
    `minimum` is what a month comes to at least, after discounts and before tax. A `tax_rate` is agreed and stands before
    the law's: without one the countries of seller and buyer decide (shared/tax).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    plan: str
    plan_version: str
    name: str
    currency: Currency
    monthly_fee: Rate = 0
    cost_plus: Rate | None = None
    unit_prices: tuple[UnitPrice, ...] = Field(default=(), max_length=50)
    included: Rate = 0
    included_units: dict[Meter, Count] = Field(default_factory=dict)
    discount: Rate = 0
    discount_amount: Rate = 0
    discount_months: int | None = Field(default=None, strict=True, ge=1, le=120)
    discount_until: Month | None = None
    minimum: Rate = 0
    tax_rate: Rate | None = None
    reverse_charge: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (self.monthly_fee or self.minimum or self.unit_prices or self.cost_plus is not None):
            raise ValueError("a plan charges something")
        keys = [(price.meter, price.model) for price in self.unit_prices]
        if len(set(keys)) != len(keys):
            raise ValueError("a meter has one price for a model")
        for meter in self.included_units:
            if [model for priced, model in keys if priced == meter] != [None]:
                raise ValueError(f"included {meter} need one price that is the same for all models")
        if self.discount > NANOS or (self.tax_rate or 0) > NANOS:
            raise ValueError("a discount and a tax rate are shares of at most 1")
        if self.discount_months is not None and not (self.discount or self.discount_amount):
            raise ValueError("only a discount has an end")
        if self.discount_until is not None and self.discount_months is None:
            raise ValueError("a discount without months has no last month")
        return self

    def unit_price(self, meter: Meter, model: str | None) -> UnitPrice | None:
        """The price of a meter: the model's own, else the general one, else None."""
        return self.prices_for(model).get(meter)

    def prices_for(self, model: str | None) -> dict[Meter, UnitPrice]:
        """The price of each meter that has one: the model's own, else the general one."""
        prices: dict[Meter, UnitPrice] = {}
        for price in self.unit_prices:
            if price.model == model or (price.model is None and price.meter not in prices):
                prices[price.meter] = price
        return prices

    @property
    def counts_the_month(self) -> bool:
        """Whether what a unit costs depends on the others of its month: then a month has one plan from start to end."""
        return any(price.scheme != Scheme.UNIT for price in self.unit_prices)

    @property
    def for_usage_alone(self) -> Self:
        """The same without what a month costs however little is used: for usage whose month is not billed."""
        return self.model_copy(update={"monthly_fee": 0, "minimum": 0})

    def agreed_from(self, month: str) -> Self:
        """The same as agreed for this month and later ones: the last month of a discount is then known."""
        if self.discount_months is None:
            return self
        year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + self.discount_months - 1, 12)
        return self.model_copy(update={"discount_until": f"{year:04d}-{number + 1:02d}"})

    def discounted_in(self, month: str | None) -> bool:
        """Whether the discount holds in a month; one for a number of months that nobody agreed to has not begun."""
        if self.discount_months is None:
            return True
        return month is not None and self.discount_until is not None and month <= self.discount_until
