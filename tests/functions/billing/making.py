"""Makes what the billing tests need: events, terms, a month that is closed day by day."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from functions.billing import charges, invoicing, ledger
from functions.billing.models import Invoice, LedgerEntry, Party, UsageEvent
from functions.shared.digests import leaf
from functions.shared.plans import PlanTerms

WORKSPACE = "ws_1"
MONTH = "2026-12"
START = datetime(2026, 12, 1, tzinfo=UTC)
CLOSE = datetime(2027, 1, 1, 0, 10, tzinfo=UTC)
FINAL = datetime(2027, 1, 2, 0, 10, tzinfo=UTC)
SELLER = Party(name="AgentHub Ltd", address=("1 High Street", "London"), country="GB", vat_id="GB123")
BUYER = Party(name="Dental Żółć s.r.o.", address=("Hlavní 5", "Praha"), country="CZ")


def event(**fields: Any) -> UsageEvent:
    """A turn on the first day; give what matters."""
    data = {
        "event_id": "turn1",
        "type": "turn",
        "workspace_id": WORKSPACE,
        "agent_id": "agt_1",
        "model": "offline-extractive",
        "occurred_at": START + timedelta(hours=10),
        "price_version": "2026-01-01",
        "plan_version": "p-1",
        "currency": "USD",
        "input_tokens": 1000,
        "cached_input_tokens": 0,
        "output_tokens": 200,
        "reasoning_tokens": 0,
        "cost_nanos": 9_000_000,
        "charge_nanos": 10_800_000,
        "new_conversation": False,
    } | fields
    return UsageEvent(**data, digest=data.get("digest") or leaf(data))


def terms(**fields: Any) -> PlanTerms:
    """Cost plus 20 %, nothing else, unless said."""
    return PlanTerms.model_validate(
        {"plan": "p", "plan_version": "p-1", "name": "Plan P", "currency": "USD", "cost_plus": "0.2"} | fields
    )


def close(
    events: Iterable[UsageEvent], day: str, posted: Sequence[LedgerEntry] = (), period: str | None = None
) -> list[LedgerEntry]:
    """Close one day as the service does: the day's events, what is posted of it, the difference."""
    of_day = [item for item in events if item.day == day]
    return ledger.close_day(
        workspace_id=WORKSPACE,
        day=day,
        tally=charges.tally(of_day, "USD"),
        digests=charges.cell_digests(of_day),
        posted=[item for item in posted if item.day == day and item.kind == "usage"],
        period=period or day[:7],
        booked_at=datetime.fromisoformat(f"{day}T00:10:00+00:00") + timedelta(days=1),
    )


def post(
    plan: PlanTerms, entries: Sequence[LedgerEntry], usage_period: str = MONTH, period: str = MONTH
) -> list[LedgerEntry]:
    """What the period's terms add to its usage, less what is posted."""
    own = [item for item in entries if item.usage_period == usage_period and item.kind in ledger.BILLABLE]
    return ledger.post_period(
        workspace_id=WORKSPACE,
        usage_period=usage_period,
        terms=plan,
        usage=[item for item in own if item.kind == "usage"],
        posted=[item for item in own if item.kind != "usage"],
        period=period,
        booked_at=CLOSE,
    )


def draft(plan: PlanTerms, entries: Sequence[LedgerEntry], period: str = MONTH) -> Invoice:
    """The period's invoice in draft."""
    return invoicing.draft(
        workspace_id=WORKSPACE,
        period=period,
        entries=entries,
        terms=plan,
        agent_names={"agt_1": "Front desk"},
        seller=SELLER,
        bill_to=BUYER,
        payment_terms="Pay within 14 days to GB00 0000.",
        as_of=CLOSE,
    )


def freeze(invoice: Invoice, credit_minor: int = 0) -> Invoice:
    """The same with number and dates."""
    return invoicing.freeze(
        invoice,
        number=invoicing.number("ABC", FINAL, 0),
        issued_at=FINAL,
        due_at=FINAL + timedelta(days=14),
        credit_minor=credit_minor,
    )


nanos = st.integers(0, 3_000_000_000)
counts = st.none() | st.integers(0, 5000)


@st.composite
def events(draw: st.DrawFn, days: int = 4) -> list[UsageEvent]:
    """A few turns, corrections and resolutions over the first days of the month, no two alike."""
    made = []
    for number in range(draw(st.integers(0, 14))):
        correction = draw(st.integers(0, 5)) == 0
        made.append(
            event(
                event_id=f"{number}-{hashlib.sha256(str(number).encode()).hexdigest()[:6]}",
                type=draw(st.sampled_from(["turn", "turn", "conversation_resolved"])),
                corrects="earlier" if correction else None,
                agent_id=draw(st.sampled_from(["agt_1", "agt_2", "agt_3"])),
                model=draw(st.sampled_from(["offline-extractive", "gemini-4-argon"])),
                price_version=draw(st.sampled_from(["2026-01-01", "2026-12-01"])),
                occurred_at=START + timedelta(minutes=draw(st.integers(0, days * 24 * 60 - 1))),
                input_tokens=draw(counts),
                output_tokens=draw(counts),
                cost_nanos=draw(nanos),
                charge_nanos=-draw(nanos) if correction else draw(nanos),
                new_conversation=draw(st.booleans()),
            )
        )
    return made


TIERED = {
    "meter": "messages",
    "scheme": "graduated",
    "tiers": [{"up_to": 3, "price": "0.5"}, {"up_to": 6, "price": "0.9"}, {"price": "0.1"}],
}
BY_VOLUME = {
    "meter": "output_tokens",
    "scheme": "volume",
    "tiers": [{"up_to": 4000, "price": "0.0002"}, {"price": "0.0001"}],
}
PACKAGES = {"meter": "conversations", "scheme": "package", "price": "10", "per": 5}

plans = st.builds(
    terms,
    monthly_fee=st.sampled_from(["0", "19", "19.99"]),
    unit_prices=st.sampled_from([[], [TIERED], [BY_VOLUME, PACKAGES], [TIERED, BY_VOLUME, PACKAGES]]),
    included=st.sampled_from(["0", "5", "0.333333333"]),
    discount=st.sampled_from(["0", "0.1", "0.333"]),
    discount_amount=st.sampled_from(["0", "3.33"]),
    minimum=st.sampled_from(["0", "0", "25"]),
    tax_rate=st.sampled_from(["0", "0.19", "0.081"]),
    reverse_charge=st.booleans(),
)
DAYS = [f"2026-12-{day:02d}" for day in range(1, 5)]
