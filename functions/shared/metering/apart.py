"""What months before the running one still take: of the credit by invoices that are not final, of a trial by all they used.

The running month must not spend that a second time (MONEY 9 and 15). Every figure is the most that it can come to: holds
that may still settle, the highest tax, each line rounded up. So it only falls, and what is left over makes room again.
The close replaces it by the drafts' own figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from functions.shared import clock, contracts, firestore, pricing, tax
from functions.shared.config import settings
from functions.shared.contracts import BillingRead, InvoiceRead
from functions.shared.metering.limits import Spend
from functions.shared.metering.terms import agreed
from functions.shared.money import NANOS, divide_up, minor_to_nanos, minor_unit
from functions.shared.plans import PlanTerms, net_at_most

if TYPE_CHECKING:
    from functions.shared.identity import WorkspaceId


def used(document: Mapping[str, Any]) -> int:
    """What a period has charged and may still charge at list, in nanos: a dead hold counts until it is swept."""
    spend = Spend.stored(document)
    return spend.spent + sum(hold.amount for hold in spend.holds.values())


def invoiced_at_most(net_minor: int, terms: PlanTerms, month: str) -> int:
    """What a month's invoice over so much takes of the credit at most, in nanos.

    Who pays, and so the law's tax, may change until the invoice is final: without an agreed one the highest counts.
    """
    last_day = clock.start_of_month(clock.next_month(month)).date() - timedelta(days=1)
    if terms.reverse_charge:
        rate = 0
    elif terms.tax_rate is not None:
        rate = terms.tax_rate
    else:
        seller = settings().seller
        rate = tax.highest_rate(seller["country"], seller["vat_id"], last_day)
    net = max(0, net_minor)
    return minor_to_nanos(net + divide_up(net * rate, NANOS), terms.currency)


def of_usage(document: Mapping[str, Any], terms: PlanTerms, month: str) -> tuple[int, int]:
    """What a period's invoice comes to at most before tax, in minor units, and how many more the rounding of its lines
    may add."""
    coin = minor_unit(terms.currency)
    spend = Spend.stored(document)
    agents = {*spend.spent_by_agent, *(hold.agent for hold in spend.holds.values())}
    at_list = used(document)
    net = net_at_most(terms, at_list if at_list or agents else None, month)
    if not net and at_list <= 0:
        return 0, 0
    # Each line is rounded once, by half a coin at most and by no more than it has: also of usage that the plan includes
    # to the last nano, rounding may leave a coin.
    start = clock.start_of_month(month)
    ends = (start, clock.start_of_month(clock.next_month(month)) - timedelta(microseconds=1))
    models = {(one.model, one.version) for end in ends for one in pricing.book().prices_at(end)}
    lines = min(len(agents) * (len(models) + 1), divide_up(2 * max(0, at_list), coin))
    return divide_up(net, coin), rounding_at_most(lines, terms)


def rounding_at_most(lines: int, terms: PlanTerms) -> int:
    """How much more than its exact sum an invoice can come to, in minor units, with so many lines of usage."""
    coin = minor_unit(terms.currency)
    others = (
        terms.counts_the_month,
        terms.monthly_fee % coin,
        terms.included or terms.included_units,
        terms.discount or terms.discount_amount % coin,
        terms.minimum,
    )
    return divide_up(lines + sum(bool(one) for one in others), 2)


def of_credit(workspace: WorkspaceId, account: BillingRead, first: str, earlier: Sequence[firestore.Snapshot]) -> int:
    """What invoices that are not final take of the credit at most, in nanos; a query, and a read for each reissue.

    `earlier` are the spend documents, there or not, of `first`, which is the first month without a final invoice, and of
    those after it. A draft of a month before that is issued in place of a void one.
    """
    where: Any = (("state", "==", "draft"),)
    drafts = firestore.find(firestore.Query(contracts.path(workspace, "invoices"), where=where))
    invoices = [InvoiceRead.model_validate(one.data) for one in drafts]
    taken = 0
    for found in earlier:
        terms = _terms(account, found)
        net, rounding = of_usage(found.data, terms, found.id)
        # A month is drafted when all of it is booked: its lines are rounded then.
        drafted = [one.net_minor for one in invoices if one.period == found.id]
        taken += invoiced_at_most(max(net, *drafted) if drafted else net + rounding, terms, found.id)
    again = [one for one in invoices if one.period < first]
    paths = [contracts.path(workspace, "spend", one.period) for one in again]
    for one, found in zip(again, firestore.get_all(paths) if paths else (), strict=True):
        taken += invoiced_at_most(one.net_minor, _terms(account, found), found.id)
    return taken


def of_trial(workspace: WorkspaceId, month: str) -> int:
    """What a workspace that never paid has left of its trial when a month begins, in nanos; a read for each earlier one."""
    found = firestore.find(firestore.Query(contracts.path(workspace, "spend")))
    return max(0, settings().trial_cap_nanos - sum(used(one.data) for one in found if one.id < month))


def _terms(account: BillingRead, found: firestore.Snapshot) -> PlanTerms:
    """The terms by which a month is invoiced: its own, else those agreed for it."""
    return PlanTerms.model_validate(found.data.get("plan_terms") or agreed(account, found.id).plan_terms)
