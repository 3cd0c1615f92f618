"""What wakes the close: the daily schedule, which asks for each workspace's, and the request for one workspace."""

from datetime import date, datetime, timedelta

from functions.billing import closing
from functions.shared import events, firestore, logs, pricing
from functions.shared.errors import Malformed
from functions.shared.http import Call, Json, Routes

api = Routes("billing-close")

PRICES_KEPT = timedelta(days=45)
"""How long a price is believed without being compared with its source again."""

MOST_AHEAD = timedelta(days=400)
"""A run may stand for a time to come, to see a month closed; a slip in the year would close every day until then."""


@api.schedule("billing-close", summary="Asks for the close of every workspace.")
def ask_for_closes(call: Call) -> None:
    """One message a workspace, with the time that this run stands for."""
    if call.schedule_time is None:
        raise Malformed("Send the time that this run stands for as X-CloudScheduler-ScheduleTime.")
    _not_too_far(call.schedule_time, call.now)
    closing.request_all(call.schedule_time)
    look_at_prices(call.now.date())


def look_at_prices(today: date) -> None:
    """Alarm of models whose price nobody has compared for too long; one that never was says so in the book."""
    old = [model for model, checked in pricing.book().stale(today, PRICES_KEPT) if checked is not None]
    if old:
        logs.alarm("prices were not checked for too long", models=old)


@api.push("close-requested")
def close_one(call: Call, body: Json) -> None:
    """Close what is due at the message's `as_of`."""
    workspace, as_of = events.requested(body.value, "close-requested")
    _not_too_far(as_of, call.now)
    closing.close(workspace, as_of)


def _not_too_far(as_of: datetime, now: datetime) -> None:
    if as_of > now + MOST_AHEAD:
        raise Malformed(f"A close stands for a time at most {MOST_AHEAD.days} days ahead.", code="too_far_ahead")


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/billing-close")
