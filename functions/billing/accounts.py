"""What a workspace chooses for itself: its plan, its caps, who its invoices go to; each change is told in the feed."""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.billing import api_models as api
from functions.billing import cap_alerts, offers, repository, wording
from functions.shared import activity, clock, contracts, firestore, ids, metering, tax
from functions.shared.contracts import BillingRead, WorkspaceRead
from functions.shared.errors import Invalid
from functions.shared.http import Call
from functions.shared.money import Money, format_decimal, parse_decimal
from functions.shared.plans import PlanTerms, UnknownPlan


def invalid(pointer: str, message: str) -> Invalid:
    """One fault in the body."""
    return Invalid(errors=[{"pointer": pointer, "message": message}])


def shown_plan(terms: PlanTerms) -> api.Plan:
    """Plan terms as they are shown."""

    def money(nanos: int) -> Money:
        return Money.of_nanos(nanos, terms.currency)

    return api.Plan(
        plan=terms.plan,
        version=terms.plan_version,
        name=terms.name,
        monthly_fee=money(terms.monthly_fee),
        cost_plus=None if terms.cost_plus is None else format_decimal(terms.cost_plus),
        unit_prices=[
            api.UnitPrice(
                meter=price.meter.value,
                model=price.model,
                scheme=price.scheme.value,
                price=money(price.price),
                per=price.per,
                tiers=[api.PriceTier(up_to=one.up_to, price=money(one.price), per=one.per) for one in price.tiers],
            )
            for price in terms.unit_prices
        ],
        included=money(terms.included),
        included_units={meter.value: number for meter, number in terms.included_units.items()},
        discount=format_decimal(terms.discount),
        discount_amount=money(terms.discount_amount),
        discount_months=terms.discount_months,
        discount_until=terms.discount_until,
        minimum=money(terms.minimum),
        tax_rate=None if terms.tax_rate is None else format_decimal(terms.tax_rate),
        reverse_charge=terms.reverse_charge,
    )


def plan(call: Call) -> tuple[api.AgreedPlan, str]:
    """The plan now and the one that follows, those to choose from, and the account's etag."""
    account, home = repository.read([repository.account_path(call.workspace), contracts.workspace_path(call.workspace)])
    month = clock.month_of(call.now)
    known = BillingRead.model_validate(account.data)
    currency = WorkspaceRead.model_validate(home.data).currency
    since = [one.from_month for one in known.plans if one.from_month <= month]
    later = [one for one in known.plans if one.from_month > month]
    return (
        api.AgreedPlan(
            current=shown_plan(_terms(known, month)),
            from_month=since[-1] if since else None,
            next=shown_plan(PlanTerms.model_validate(later[0].plan_terms)) if later else None,
            next_from_month=later[0].from_month if later else None,
            available=[
                shown_plan(one) for one in offers.available(call.workspace, call.now) if one.currency == currency
            ],
        ),
        account.etag,
    )


def _terms(known: BillingRead, month: str) -> PlanTerms:
    return PlanTerms.model_validate(metering.agreed(known, month).plan_terms)


def choose_plan(call: Call, choice: api.PlanChoice) -> tuple[api.AgreedPlan, str]:
    """Change the plan: at once, or with the next month when its fee or minimum is lower, so that no month escapes either.

    A month in which something was used keeps its plan also when the old or the new one has prices by quantity: they
    count a whole month; and when what it has used is within its cap only by what the old plan includes.
    A discount for some months counts from the first in which the plan was ever agreed.
    Raises Invalid for a plan that is not published or is in another currency, Changed when the etag is stale.
    """
    account, home, spend = repository.read(
        [
            repository.account_path(call.workspace),
            contracts.workspace_path(call.workspace),
            metering.spend_path(call.workspace, call.now),
        ]
    )
    try:
        chosen = offers.plan_at(call.workspace, choice.plan, call.now)
    except UnknownPlan:
        raise invalid("/plan", "This plan is not published.") from None
    if chosen.currency != WorkspaceRead.model_validate(home.data).currency:
        raise invalid("/plan", "This plan is in another currency than the workspace.")
    month = clock.month_of(call.now)
    known = BillingRead.model_validate(account.data)
    current = _terms(known, month)
    whole_month = chosen.counts_the_month or current.counts_the_month
    used = _used(spend)
    lower = chosen.monthly_fee < current.monthly_fee or chosen.minimum < current.minimum
    under = _under(known, chosen, spend)
    keeps = lower or (whole_month and used) or under.above_cap(call.now)
    begins = clock.next_month(month) if keeps else month
    less_room = under.cap is not None and under.allowance < metering.Spend.stored(spend.data).allowance
    earlier = [one.from_month for one in known.plans if one.plan == chosen.plan and one.from_month <= begins]
    agreed = chosen.agreed_from(min([begins, *earlier]))
    if agreed == current:
        # What was to follow is taken back, and the plan stays.
        kept = [one.model_dump() for one in known.plans if one.from_month <= month]
    else:
        kept = [one.model_dump() for one in known.plans if one.from_month < begins]
        kept.append({"from_month": begins, "plan": chosen.plan, "plan_terms": agreed.model_dump(mode="json")})
    _write(
        call,
        account,
        spend,
        {"plans": kept},
        "plan.chosen",
        before={"plan": current.plan},
        after={"plan": chosen.plan, "from_month": begins},
        unchanged=begins == month and ((whole_month and not used) or less_room),
    )
    return plan(call)


def _under(known: BillingRead, plan: PlanTerms, spend: firestore.Snapshot) -> metering.Spend:
    """The running period as it would stand under another plan."""
    terms = {"plan": plan.plan, "plan_terms": plan.model_dump(mode="json")}
    return metering.under(spend, known.model_copy(update=terms))


def _used(spend: firestore.Snapshot) -> bool:
    """Whether a turn of the running period was priced by its plan, or is about to be."""
    return any(spend.data.get(name) for name in ("turns", "holds", "spent_nanos", "cost_nanos"))


def budgets(call: Call) -> tuple[api.Budgets, str]:
    """The caps and the account's etag."""
    account, home = repository.read([repository.account_path(call.workspace), contracts.workspace_path(call.workspace)])
    known = BillingRead.model_validate(account.data)
    return _budgets(known, WorkspaceRead.model_validate(home.data).currency), account.etag


def _budgets(known: BillingRead, currency: str) -> api.Budgets:
    return api.Budgets(
        cap=None if known.cap_nanos is None else Money.of_nanos(known.cap_nanos, currency),
        agent_caps={agent: Money.of_nanos(cap, currency) for agent, cap in sorted(known.agent_caps.items())},
        alerts=_shares(known.alerts),
        agent_alerts={agent: _shares(shares) for agent, shares in sorted(known.agent_alerts.items())},
        visitor_hour_share=format_decimal(known.visitor_hour_permille * api.PERMILLE),
        visitor_day_share=format_decimal(known.visitor_day_permille * api.PERMILLE),
    )


def _shares(permille: Sequence[int]) -> list[str]:
    return [format_decimal(one * api.PERMILLE) for one in permille]


def _permille(shares: Sequence[str]) -> list[int]:
    return sorted(parse_decimal(share) // api.PERMILLE for share in shares)


def set_budgets(call: Call, change: api.BudgetsChange) -> tuple[api.Budgets, str]:
    """Set all caps; they hold for the next turn, and what they have reached already is told at once.

    Raises Invalid, Changed when the etag is stale.
    """
    account, home, spend = repository.read(
        [
            repository.account_path(call.workspace),
            contracts.workspace_path(call.workspace),
            metering.spend_path(call.workspace, call.now),
        ]
    )
    currency = WorkspaceRead.model_validate(home.data).currency
    fields = {
        "cap_nanos": None if change.cap is None else _cap("/cap", change.cap, currency),
        "agent_caps": {agent: _cap(f"/agent_caps/{agent}", cap, currency) for agent, cap in change.agent_caps.items()},
        "alerts": _permille(change.alerts),
        # Who takes an agent's cap away need not think of its alerts.
        "agent_alerts": {
            agent: _permille(shares) for agent, shares in change.agent_alerts.items() if agent in change.agent_caps
        },
        "visitor_hour_permille": parse_decimal(change.visitor_hour_share) // api.PERMILLE,
        "visitor_day_permille": parse_decimal(change.visitor_day_share) // api.PERMILLE,
    }
    _known_agents(call, list(change.agent_caps))
    before = _budgets(BillingRead.model_validate(account.data), currency)
    after = _budgets(BillingRead.model_validate({**account.data, **fields}), currency)
    etag = _write(
        call,
        account,
        spend,
        fields,
        "budgets.changed",
        before=before.model_dump(mode="json"),
        after=after.model_dump(mode="json"),
    )
    cap_alerts.look_anew(call.workspace, call.now)
    return after, etag


def _cap(pointer: str, cap: Money, currency: str) -> int:
    if cap.currency != currency:
        raise invalid(pointer, f"A cap is in the workspace's currency, {currency}.")
    if cap.nanos < 0:
        raise invalid(pointer, "A cap is not negative.")
    return cap.nanos


def _known_agents(call: Call, agents: list[str]) -> None:
    for agent in agents:
        if not ids.valid("agent", agent):
            raise invalid(f"/agent_caps/{agent[:60]}", "This is no agent.")
    found = repository.read([contracts.path(call.workspace, "agents", agent) for agent in agents])
    for one in found:
        if not one.exists:
            raise invalid(f"/agent_caps/{one.id}", "There is no such agent.")


def _write(
    call: Call,
    account: firestore.Snapshot,
    spend: firestore.Snapshot,
    fields: Mapping[str, Any],
    action: str,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    unchanged: bool = False,
) -> str:
    """The account, the running period's terms and the feed in one commit; returns the account's new etag."""
    assert call.if_match is not None
    document = {**account.data, **fields}
    batch = firestore.Batch()
    batch.replace(account.path, document, if_etag=call.if_match)
    metering.write_terms(batch, call.workspace, BillingRead.model_validate(document), spend, unchanged=unchanged)
    activity.record(
        batch,
        call.workspace,
        call.principal,
        action,
        kind="billing",
        subject="account",
        before=before,
        after=after,
        now=call.now,
    )
    return _commit(batch, account.path)


def profile(call: Call) -> tuple[api.ShownProfile, str]:
    """Who the invoices go to, and the etag."""
    found, home = repository.read([repository.profile_path(call.workspace), contracts.workspace_path(call.workspace)])
    known = found.data or {"name": home.data["name"], "country": home.data.get("country")}
    empty: dict[str, Any] = {"address": [], "country": None, "vat_id": None, "email": None}
    return _shown_profile({**empty, **known}), found.etag


def _shown_profile(known: Mapping[str, Any]) -> api.ShownProfile:
    locale = known.get("locale") or wording.default_locale(known.get("country"))
    return api.ShownProfile.model_validate({**known, "locale": locale})


def set_profile(call: Call, new: api.Profile) -> tuple[api.ShownProfile, str]:
    """Set it for invoices that are not final yet. Raises Invalid for a VAT id that its country does not give out, Changed
    when the etag is stale."""
    assert call.if_match is not None
    if new.vat_id is not None and new.country is None:
        raise invalid("/country", "A VAT id is one of a country.")
    if new.vat_id is not None and new.country is not None and not tax.is_vat_id(new.country, new.vat_id):
        raise invalid("/vat_id", f"This is not what a VAT id of {new.country} looks like.")
    before, _ = profile(call)
    document = {**new.model_dump(), "address": list(new.address)}
    path = repository.profile_path(call.workspace)
    batch = firestore.Batch()
    batch.replace(path, document, if_etag=call.if_match)
    activity.record(
        batch,
        call.workspace,
        call.principal,
        "billing_profile.changed",
        kind="billing",
        subject="profile",
        name=new.name,
        before=before.model_dump(mode="json"),
        after=document,
        now=call.now,
    )
    return _shown_profile(document), _commit(batch, path)


def _commit(batch: firestore.Batch, path: str) -> str:
    """Commit, and the new etag. Who thought that there was nothing yet, and is wrong, is as stale as anybody."""
    try:
        return batch.commit()[path]
    except firestore.AlreadyExists as error:
        raise firestore.Changed(str(error)) from error
