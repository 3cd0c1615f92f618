"""What a customer pays, by reason to exist: prices of a unit, terms, the charge of an event, a whole period, the offer.

`unit_prices` says what so many units of a meter come to, `terms` what was agreed, `rating` what one event is charged in
its turn's own commit, `periods` what depends on all events of a month, `published` which plans ship. Pure, no clock.
"""

from functions.shared.plans.periods import (
    ByQuantity,
    Counted,
    PeriodCharges,
    allowance,
    by_quantity,
    discount,
    included_at_any_limit,
    net_at_most,
    period_charges,
    projection,
    surely_included,
    tier_adjustment,
)
from functions.shared.plans.published import PublishedPlan, UnknownPlan, plan_at, published_plans, shipped
from functions.shared.plans.rating import charge, highest_charge, per_million, quantities
from functions.shared.plans.terms import DEFAULT_PLAN, RESOLVED_TYPE, PlanTerms
from functions.shared.plans.unit_prices import Meter, PriceTier, Scheme, UnitPrice

__all__ = [
    "DEFAULT_PLAN",
    "RESOLVED_TYPE",
    "ByQuantity",
    "Counted",
    "Meter",
    "PeriodCharges",
    "PlanTerms",
    "PriceTier",
    "PublishedPlan",
    "Scheme",
    "UnitPrice",
    "UnknownPlan",
    "allowance",
    "by_quantity",
    "charge",
    "discount",
    "highest_charge",
    "included_at_any_limit",
    "net_at_most",
    "per_million",
    "period_charges",
    "plan_at",
    "projection",
    "published_plans",
    "quantities",
    "shipped",
    "surely_included",
    "tier_adjustment",
]
