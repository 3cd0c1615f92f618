"""A workspace with a cap over a month's end, whose turns take room, and what must be true of its caps whatever happened."""

from datetime import datetime, timedelta
from typing import Any

from functions.billing import accounts, repository
from functions.billing import api_models as api
from functions.billing.models import Invoice
from functions.shared import firestore, metering
from functions.shared.contracts import BillingRead
from functions.shared.metering import Hold
from functions.shared.metering.holds import sealed
from functions.shared.metering.limits import Spend, room
from functions.shared.money import minor_to_nanos
from tests.cloud import Cloud
from tests.functions.billing.story import AGENT, Story, at, row
from tests.functions.billing.test_accounts import publish

CENT = 10_000_000
DOLLAR = 100 * CENT
LIFE = timedelta(seconds=180)
NOON = at("2026-11-30", 12)


class Caps:
    """A workspace with a cap whose turns take room as those of customers do."""

    def __init__(self, house: Cloud, cap: int, **plan: Any) -> None:
        self.story = Story(house, made=at("2026-11-30", 9))
        self.workspace = self.story.workspace
        self.number = 0
        batch = firestore.Batch()
        terms = BillingRead(cap_nanos=cap * DOLLAR, paid_once=True)
        batch.set(repository.account_path(self.workspace), terms.model_dump())
        batch.commit()
        if plan:
            chosen = publish(self.story, **{"cost_plus": "0", "unit_prices": [], **plan})
            now = at("2026-11-30", 9, 30)
            etag = accounts.plan(house.call(self.workspace, now=now))[1]
            accounts.choose_plan(house.call(self.workspace, now=now, if_match=etag), api.PlanChoice(plan=chosen))

    def hold(self, now: datetime, nanos: int, begun: datetime | None = None) -> Hold:
        """Take room for a turn, which began at another moment than it comes here. Raises its refusal."""
        self.number += 1
        moment = begun or now
        event = row(self.workspace, moment, charge_nanos=nanos, cost_nanos=nanos, conversation_id=f"cnv_{self.number}")
        event.pop("digest")
        hold = Hold(event["event_id"], AGENT, False, nanos, moment, moment + LIFE, event)
        path = metering.spend_path(self.workspace, moment)

        def work(batch: firestore.Batch, found: list[firestore.Snapshot]) -> None:
            document = metering.terms_of(self.workspace, found[0])
            metering.reserve(batch, self.workspace, found[0], document, hold, now)

        firestore.compete([path], firestore.get_all([path]), work)
        return hold

    def settle(self, hold: Hold, nanos: int, now: datetime) -> None:
        charged = {**hold.row, "charge_nanos": nanos, "cost_nanos": nanos}
        event = metering.settle(self.workspace, hold, charged, lambda batch: None, now=now)
        assert event.row == sealed(charged)

    def turn(self, now: datetime, nanos: int) -> None:
        self.settle(self.hold(now, nanos), nanos, now)

    def room(self, now: datetime) -> int:
        found = room(Spend.stored(metering.current(self.workspace, now).model_dump()), AGENT, now)
        assert found is not None
        return found

    def final(self, month: str) -> list[Invoice]:
        """The month's invoices that stand."""
        return [one for one in self.story.invoices() if one.period == month and one.number and one.state != "void"]

    def draft(self) -> Invoice:
        (found,) = [one for one in self.story.invoices() if one.after.replaces and one.state == "draft"]
        return found

    def beyond(self, now: datetime) -> int:
        """What the month has spent or held beyond its cap: what it counts on credit for."""
        spend = Spend.stored(metering.current(self.workspace, now).model_dump())
        assert spend.cap is not None
        taken = spend.spent + sum(hold.amount for hold in spend.holds.values())
        return max(0, taken - spend.allowance - spend.cap)

    def check(self, owed: int = 0) -> None:
        """No month has spent more than its cap and the credit that pays for it, or is still there to do so.

        `owed`: so much of that credit has paid a debt that there was before.
        """
        spend = {one.id: one.data for one in firestore.find(firestore.Query(f"workspaces/{self.workspace}/spend"))}
        account = BillingRead.model_validate(firestore.get(repository.account_path(self.workspace)).data)
        for month, document in spend.items():
            beyond = document["spent_nanos"] - document["plan_terms"]["included"] - document["cap_nanos"]
            if month < self.story.state()["period"]:
                paid = sum(minor_to_nanos(one.credit_minor, one.currency) for one in self.final(month))
                # With a discount the whole of it may come to less.
                assert beyond <= paid or all(one.credit_minor == one.total_minor for one in self.final(month)), month
            else:
                assert beyond <= account.credit_nanos + owed, month
