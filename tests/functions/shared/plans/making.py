"""Makes plan terms, prices by quantity among them, and quantities to try them on."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from functions.shared.money import NANOS
from functions.shared.plans import Meter, PlanTerms, UnitPrice

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MODEL = "offline-extractive"


def terms(**fields: object) -> PlanTerms:
    """Cost plus 20 %, nothing else, unless said."""
    return PlanTerms.model_validate(
        {"plan": "p", "plan_version": "p-1", "name": "P", "currency": "USD", "cost_plus": "0.2"} | fields
    )


def by_units(*prices: Mapping[str, Any], **fields: object) -> PlanTerms:
    """A plan that charges these prices alone."""
    return terms(**{"cost_plus": None, "unit_prices": prices, **fields})


def counted(number: int, meter: Meter = Meter.MESSAGES, model: str = MODEL) -> dict[str, dict[Meter, int]]:
    """So many units of one meter, of one model."""
    return {model: {meter: number}}


def graduated(*tiers: tuple[int | None, str], meter: str = "messages", **fields: Any) -> dict[str, Any]:
    """A graduated price, by (last unit, price of one)."""
    return {"meter": meter, "scheme": "graduated", "tiers": [{"up_to": n, "price": p} for n, p in tiers], **fields}


def volume(*tiers: tuple[int | None, str], meter: str = "messages", **fields: Any) -> dict[str, Any]:
    """A volume price, by (last unit, price of one)."""
    return {**graduated(*tiers, meter=meter, **fields), "scheme": "volume"}


def package(size: int, price: str, meter: str = "messages", **fields: Any) -> dict[str, Any]:
    """A package of so many units."""
    return {"meter": meter, "scheme": "package", "price": price, "per": size, **fields}


@st.composite
def tiers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One to five tiers at whole nanos, rising and falling."""
    ends = sorted(draw(st.sets(st.integers(1, 60), max_size=4)))
    return [{"up_to": end, "price": draw(st.integers(0, NANOS))} for end in (*ends, None)]


@st.composite
def prices(draw: st.DrawFn, meter: str = "messages", schemes: tuple[str, ...] = ()) -> dict[str, Any]:
    """A unit price of any scheme."""
    scheme = draw(st.sampled_from(schemes or ("unit", "graduated", "volume", "package")))
    if scheme in ("graduated", "volume"):
        return {"meter": meter, "scheme": scheme, "tiers": draw(tiers())}
    per = draw(st.integers(1, 30))
    rate = draw(st.integers(0, NANOS))
    return {"meter": meter, "scheme": scheme, "price": rate * per, "per": per}


def unit_price(data: Mapping[str, Any]) -> UnitPrice:
    """The price that this data says."""
    return UnitPrice.model_validate(dict(data))


@st.composite
def plans(draw: st.DrawFn) -> PlanTerms:
    """Any plan over messages, conversations, resolutions and output tokens, with everything that terms can say."""
    meters = draw(
        st.lists(
            st.sampled_from(["messages", "conversations", "resolved_conversations", "output_tokens"]),
            unique=True,
            max_size=3,
        )
    )
    own = [draw(prices(meter)) for meter in meters]
    if draw(st.booleans()) and own:
        own.append({**draw(prices(meters[0])), "model": "gemini-4-argon"})
    included = {meter: draw(st.integers(0, 20)) for meter in meters[1:] if draw(st.booleans())}
    return terms(
        cost_plus=draw(st.sampled_from([None, "0", "0.2"])),
        unit_prices=own,
        included_units=included,
        included=draw(st.sampled_from(["0", "0.5", "3.333333333"])),
        monthly_fee=draw(st.sampled_from(["1", "19.99"])),
        discount=draw(st.sampled_from(["0", "0.1", "0.333", "1"])),
        discount_amount=draw(st.sampled_from(["0", "2", "50"])),
        minimum=draw(st.sampled_from(["0", "5", "60"])),
    )
