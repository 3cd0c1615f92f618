"""What wakes the close: the daily schedule, which asks for each workspace's, and the request for one workspace."""

from datetime import date, timedelta

from functions.billing import closing
from functions.shared import clock, events, firestore, logs, pricing
from functions.shared.errors import Malformed
from functions.shared.http import Call, Json, Routes

api = Routes("billing-close")

PRICES_KEPT = timedelta(days=45)
"""How long a price is believed without being compared with its source again."""


@api.schedule("billing-close", summary="Asks for the close of every workspace.")
def ask_for_closes(call: Call) -> None:
    """One message a workspace, with the time that this run stands for."""
    if call.schedule_time is None:
        raise Malformed("Send the time that this run stands for as X-CloudScheduler-ScheduleTime.")
    closing.request_all(call.schedule_time)
    look_at_prices(call.schedule_time.date())


def look_at_prices(today: date) -> None:
    """Alarm of models whose price nobody has compared for too long; one that never was says so in the book."""
    old = [model for model, checked in pricing.book().stale(today, PRICES_KEPT) if checked is not None]
    if old:
        logs.alarm("prices were not checked for too long", models=old)


@api.push("close-requested")
def close_one(call: Call, body: Json) -> None:
    """Close what is due at the message's `as_of`."""
    event = events.decode(body.value, "close-requested")
    try:
        as_of = clock.from_text(event.row["as_of"])
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed("A close needs its as_of.", code="not_an_event") from error
    closing.close(event.workspace, as_of)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/billing-close")
