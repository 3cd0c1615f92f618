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

    Consumers take each event once, so publishing one twice does no harm. The rest of more than MOST waits for the next run.
    """
    sent = 0
    while sent < MOST:
        found = events.unsent_before(now - IN_FLIGHT, AT_ONCE)
        for event in found:
            events.publish(event)
        sent += len(found)
        if len(found) < AT_ONCE:
            break
    batch = firestore.Batch()
    batch.merge(repository.RELAY, {"unsent": len(found), "sent": firestore.Increment(sent), "ran_at": now})
    batch.commit()
    if sent:
        logs.warning("events were left unsent and have been published", number=sent)
    return sent


def dead_letter(now: datetime, topic: str, message_id: str) -> None:
    """Count a message that no consumer could take, and alarm."""
    batch = firestore.Batch()
    batch.merge(repository.RELAY, {"dead_letters": firestore.Increment(1), "last_dead_letter_at": now})
    batch.commit()
    logs.alarm("a message could not be delivered", topic=topic, message_id=message_id)
