"""Counts each usage event once: the consumer's mark, the day's tally and the month's in one commit, all blindly."""

from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from functions.billing import repository
from functions.billing.models import UsageEvent
from functions.shared import events, firestore
from functions.shared.errors import Malformed
from functions.shared.events import Event

CONSUMER = "billing"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def count(event: Event, now: datetime) -> bool:
    """Add the event to its UTC day and month; False when that was done before. Raises Malformed for another shape."""
    try:
        usage = UsageEvent.model_validate(event.row)
    except ValidationError as error:
        raise Malformed("This is not a usage event.", code="not_an_event") from error
    newest = (usage.occurred_at - _EPOCH) // timedelta(microseconds=1)

    def effect(batch: firestore.Batch) -> None:
        for name in (f"day_{usage.day}", f"month_{usage.day[:7]}"):
            repository.add_charges(batch, event.workspace, name, usage, newest)

    return events.once(event, CONSUMER, effect, now=now)


def moment(micros: int) -> datetime | None:
    """The time that a tally's `as_of_micros` stands for; None before the first event."""
    return _EPOCH + timedelta(microseconds=micros) if micros else None
