"""Usage that a provider did not report: the operator learns it from the provider's bill or logs, and reports it here.

No provider can be asked for one request's usage later. What is reported becomes a correction of the turn's event, so that
both come to what the turn would have come to with all buckets at once: the cost at the price that was in force, the charge
at the plan on the event. The charge alone may be less: it is cut to what the caps leave room for.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from functions.billing import operator_api_models as api
from functions.billing import repository
from functions.shared import activity, clock, contracts, events, firestore, metering, paging, plans, pricing
from functions.shared.contracts import BUCKETS, BillingRead
from functions.shared.errors import Conflict, Invalid, NotFound
from functions.shared.events import Event
from functions.shared.http import Call, Items, Page
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import is_name
from functions.shared.metering.holds import correction
from functions.shared.money import Money
from functions.shared.plans import PlanTerms
from functions.shared.pricing import Price, Usage

SETTLES_WITHIN = timedelta(hours=1)
"""So long after its hold has ended a turn may still settle and tell its usage itself; no request lives longer."""

CHARGED = ("completed", "interrupted")
"""How a turn ended that is charged; of a failed or abandoned one the cost alone is booked."""


def page(workspace: WorkspaceId, query: Page) -> Items[api.PendingUsage]:
    """The turns of which a bucket is pending, the oldest first: a read each, one if there is none. Raises Invalid for a
    token that is not of this list."""
    home = contracts.path(workspace, "events")
    found, token = paging.read(
        query, home, "pending", lambda limit, after: events.page_of_pending(workspace, limit, after)
    )
    names = api.PendingUsage.model_fields.keys() - {"id"}
    items = [api.PendingUsage(id=one.id, **{name: one.data["row"][name] for name in names}) for one in found]
    return Items(items=items, next_page_token=token)


def report(call: Call, workspace: WorkspaceId, event_id: str, told: api.UsageReport) -> api.ReportedUsage:
    """Correct the event of a turn by what nobody had reported; the same report again is the same answer.

    Raises NotFound; Invalid unless it says exactly what is pending; Conflict when nothing is (`nothing_pending`), when
    another report stands (`usage_reported`), when the turn may still settle (`may_settle`), and when the price or the
    plan by which it was rated is not known (`unknown_price`, `unknown_plan`).
    """
    row = _row(workspace, event_id)
    reported = _reported(row, told)
    at = clock.from_text(row["occurred_at"])
    paths = [metering.spend_path(workspace, at), contracts.path(workspace, "events", f"{event_id}.1")]
    spend, corrected, account = repository.read([*paths, repository.account_path(workspace)])
    if corrected.exists:
        return _same(corrected, reported)
    if row["outcome"] == "abandoned" and call.now < clock.from_text(row["recorded_at"]) + SETTLES_WITHIN:
        raise Conflict("This turn may still tell its usage itself. Try again in an hour.", code="may_settle")
    price = _price(row, at)
    terms = None
    if row["type"] == "turn" and row["outcome"] in CHARGED:
        terms = _terms(row["plan_version"], spend, BillingRead.model_validate(account.data))
    made = missing(row, reported, price, terms, call.now)

    def work(batch: firestore.Batch, known: list[firestore.Snapshot]) -> Event | api.ReportedUsage:
        spend, corrected = known
        if corrected.exists:
            return _same(corrected, reported)
        event = metering.add_unheld(batch, workspace, spend, made, call.now)
        _tell(batch, call, workspace, event, reported, told.reason)
        return event

    done = firestore.compete(paths, [spend, corrected], work)
    if isinstance(done, api.ReportedUsage):
        return done
    events.publish(done)
    return _shown(done.row)


def missing(
    row: Mapping[str, Any], reported: Mapping[str, int], price: Price, terms: PlanTerms | None, now: datetime
) -> dict[str, Any]:
    """The correction of a usage event by its buckets that nobody had reported. Pure.

    It brings what all buckets together come to less what the known ones do, each rounded once. `terms` is None for a
    turn that is not charged.
    """
    known = Usage(**{bucket: row[bucket] for bucket in BUCKETS})
    whole = known + Usage(**reported)

    def charge(usage: Usage) -> int:
        if terms is None:
            return 0
        first = int(row["new_conversation"])
        return plans.charge(usage, pricing.rate(usage, price), terms, model=row["model"], conversations=first)

    brought = {
        **dict.fromkeys(BUCKETS, 0),
        **reported,
        "estimated": False,
        "cost_nanos": pricing.rate(whole, price) - pricing.rate(known, price),
        "recorded_at": clock.to_text(now),
    }
    return correction({**row, **brought}, charge(whole) - charge(known))


def _row(workspace: WorkspaceId, event_id: str) -> dict[str, Any]:
    """The row of a usage event that Firestore still has, of a workspace whose books are kept."""
    if is_name(event_id):
        home, found = repository.read(
            [contracts.workspace_path(workspace), contracts.path(workspace, "events", event_id)]
        )
        usage = found.exists and found.data["topic"] == "usage-recorded"
        if usage and home.exists and home.data.get("state") != "erased":
            return dict(found.data["row"])
    raise NotFound("There is no such turn among those of the last 100 days.")


def _reported(row: Mapping[str, Any], told: api.UsageReport) -> dict[str, int]:
    """What is told, of exactly the buckets that are pending."""
    pending = [bucket for bucket in BUCKETS if row[bucket] is None]
    if not pending:
        raise Conflict("All of this turn's tokens are known; nothing is pending.", code="nothing_pending")
    counts = {bucket: getattr(told, bucket) for bucket in BUCKETS}
    wrong = {bucket: "This is pending: say how many, 0 if none." for bucket in pending if counts[bucket] is None}
    for bucket in BUCKETS:
        if bucket not in pending and counts[bucket] is not None:
            wrong[bucket] = "The provider has reported this; it stays."
    if wrong:
        raise Invalid(errors=[{"pointer": f"/{bucket}", "message": text} for bucket, text in wrong.items()])
    return {bucket: counts[bucket] for bucket in pending}


def _same(known: firestore.Snapshot, reported: Mapping[str, int]) -> api.ReportedUsage:
    row = known.data["row"]
    if any(row[bucket] != count for bucket, count in reported.items()):
        raise Conflict("Other counts were reported for this turn before; they stay.", code="usage_reported")
    return _shown(row)


def _price(row: Mapping[str, Any], at: datetime) -> Price:
    """The price by which the event was rated."""
    try:
        price = pricing.price_at(row["provider"], row["model"], row["region"], at)
    except pricing.UnknownModel:
        price = None
    if price is None or price.version != row["price_version"]:
        detail = f"The price book has no version {row['price_version']} of {row['model']} in force at that time."
        raise Conflict(f"{detail} Nothing can be rated by it.", code="unknown_price")
    return price


def _terms(version: str, spend: firestore.Snapshot, account: BillingRead) -> PlanTerms:
    """The plan by whose version the event was charged; a read more when neither month nor account has it."""
    agreed = [spend.data.get("plan_terms"), account.plan_terms, *(one.plan_terms for one in account.plans)]
    for terms in agreed:
        if terms and terms["plan_version"] == version:
            return PlanTerms.model_validate(terms)
    for one in plans.shipped():
        if one.plan_version == version:
            return one.terms()
    (published,) = repository.read([repository.plan_path(version)]) if is_name(version) else (None,)
    if published is None or not published.exists:
        raise Conflict(f"There is no plan {version} any more. Nothing can be charged by it.", code="unknown_plan")
    return repository.plan_of(published).terms()


def _tell(
    batch: firestore.Batch, call: Call, workspace: WorkspaceId, event: Event, reported: Mapping[str, int], reason: str
) -> None:
    """Add the act to the workspace's audit log and the operator's own."""
    shown = _shown(event.row)
    activity.record(
        batch,
        workspace,
        call.principal,
        "usage.reported",
        kind="billing",
        subject=event.row["corrects"],
        name=reason,
        before=dict.fromkeys(reported),
        after={
            **reported,
            "cost": shown.cost.amount,
            "charge": shown.charge.amount,
            "currency": event.row["currency"],
        },
        now=call.now,
    )


def _shown(row: Mapping[str, Any]) -> api.ReportedUsage:
    return api.ReportedUsage(
        id=row["event_id"],
        corrects=row["corrects"],
        **{bucket: row[bucket] for bucket in BUCKETS},
        cost=Money.of_nanos(row["cost_nanos"], row["currency"]),
        charge=Money.of_nanos(row["charge_nanos"], row["currency"]),
        recorded_at=clock.from_text(row["recorded_at"]),
    )
