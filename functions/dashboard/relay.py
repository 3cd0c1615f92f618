"""Publishes the events that a crash left unsent, and counts the messages that nobody could take."""

from datetime import datetime, timedelta

from functions.dashboard import repository
from functions.shared import events, firestore, logs

IN_FLIGHT = timedelta(seconds=30)
"""An event younger than this is probably being published by whoever recorded it."""

AT_ONCE = 500
MOST = 10_000


def relay(now: datetime) -> int:
    """Publish what was recorded before `now` less IN_FLIGHT and is still marked; returns how many.

    Consumers take each event once, so publishing one twice does no harm. What Pub/Sub does not take, and the rest of
    more than MOST, waits for the next run and is counted as `unsent`.
    """
    sent, unsent = 0, 0
    while sent < MOST:
        found = events.unsent_before(now - IN_FLIGHT, AT_ONCE)
        taken = events.publish_all(found)
        sent += taken
        more = taken < len(found) or len(found) == AT_ONCE
        unsent = events.count_unsent_before(now - IN_FLIGHT) if more else 0
        if taken < len(found) or not unsent:
            break
    batch = firestore.Batch()
    batch.merge(repository.RELAY, {"unsent": unsent, "sent": firestore.Increment(sent), "ran_at": now})
    batch.commit()
    if sent:
        logs.warning("events were left unsent and have been published", number=sent)
    if unsent:
        logs.alarm("events wait to be published", number=unsent)
    return sent


def dead_letter(now: datetime, subscription: str, message_id: str) -> None:
    """Count a message that no consumer could take, and alarm."""
    batch = firestore.Batch()
    batch.merge(repository.RELAY, {"dead_letters": firestore.Increment(1), "last_dead_letter_at": now})
    batch.commit()
    logs.alarm("a message could not be delivered", subscription=subscription, message_id=message_id)
