"""Publishes dead letters again, to the topic that they came from, once what refused them has been repaired.

`python -m infra.replay SUBSCRIPTION --project PROJECT [--dry-run]` takes the messages that this subscription of the catalogue
could not deliver out of `dead-letters.kept`. A message is published before it is forgotten, so a run that breaks off loses
nothing; and every consumer knows what it has counted, so one that is published twice is counted once.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CATALOGUE = Path(__file__).parent / "catalogue.yaml"
KEPT = "dead-letters.kept"
NOTE = "CloudPubSubDeadLetterSource"
"""How the attributes begin that Pub/Sub adds to a dead letter: where it comes from."""

AT_ONCE = 100
SECONDS = 5.0
EMPTY = 2
"""So many pulls in a row without anything new mean that there is no more: one alone may be empty for other reasons."""


class UnknownSubscription(Exception):
    """The catalogue has no such subscription, or one whose messages never become dead letters."""


@dataclass(frozen=True)
class Replayed:
    """What a run did: how many it published again (or would), and how many of other subscriptions it left."""

    topic: str
    published: int
    left: int


def topic_of(subscription: str, catalogue: Mapping[str, Any]) -> str:
    """The topic that a subscription reads. Raises UnknownSubscription."""
    entry = catalogue["subscriptions"].get(subscription)
    if entry is None or entry.get("dead_letter_topic", "") is None:
        raise UnknownSubscription(subscription)
    return str(entry["topic"])


def replay(project: str, subscription: str, *, dry_run: bool = False, seconds: float = SECONDS) -> Replayed:
    """Publish the kept dead letters of `subscription` again; `seconds` is how long a pull waits for more.

    Raises UnknownSubscription, and what Pub/Sub raises: what was not published by then is still kept.
    """
    from google.cloud import pubsub_v1

    topic = topic_of(subscription, yaml.load(CATALOGUE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    publisher = pubsub_v1.PublisherClient()
    target = publisher.topic_path(project, topic)
    taken: set[str] = set()
    held: dict[str, str] = {}
    with pubsub_v1.SubscriberClient() as subscriber:
        kept = subscriber.subscription_path(project, KEPT)
        empty = 0
        try:
            while empty < EMPTY:
                found = [x for x in _pull(subscriber, kept, seconds) if x.message.message_id not in taken | held.keys()]
                empty = 0 if found else empty + 1
                held |= {one.message.message_id: one.ack_id for one in found}
                ours = [one for one in found if one.message.attributes.get(f"{NOTE}Subscription") == subscription]
                taken |= {one.message.message_id for one in ours}
                for one in ours:
                    print(shown(one.message))
                if ours and not dry_run:
                    for future in [_publish(publisher, target, one.message) for one in ours]:
                        future.result(timeout=30)
                    subscriber.acknowledge(subscription=kept, ack_ids=[one.ack_id for one in ours])
                    held = {name: ack_id for name, ack_id in held.items() if name not in taken}
        finally:
            # Whoever looks next need not wait until the leases of this run are over.
            for start in range(0, len(held), AT_ONCE):
                ack_ids = list(held.values())[start : start + AT_ONCE]
                subscriber.modify_ack_deadline(subscription=kept, ack_ids=ack_ids, ack_deadline_seconds=0)
    return Replayed(topic, len(taken), len(held.keys() - taken))


def _pull(subscriber: Any, kept: str, seconds: float) -> list[Any]:
    from google.api_core import exceptions

    try:
        pulled = subscriber.pull(subscription=kept, max_messages=AT_ONCE, timeout=seconds, retry=None)
    except exceptions.DeadlineExceeded:
        return []
    return list(pulled.received_messages)


def _publish(publisher: Any, target: str, message: Any) -> Any:
    attributes = {name: value for name, value in message.attributes.items() if not name.startswith(NOTE)}
    return publisher.publish(target, message.data, ordering_key=message.ordering_key, **attributes)


def shown(message: Any) -> str:
    """One line about a dead letter, without its content."""
    attributes = message.attributes
    event, workspace = attributes.get("event_id") or "no id", attributes.get("workspace_id", "no workspace")
    return f"{message.publish_time:%Y-%m-%dT%H:%M:%SZ}  {event}  {workspace}  (dead letter {message.message_id})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and say what was done; 2 when it could not."""
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    parser = argparse.ArgumentParser(prog="replay", description="Publish dead letters again, to their original topic.")
    parser.add_argument("subscription", help="whose dead letters, such as usage-recorded.billing")
    parser.add_argument("--project", required=True)
    parser.add_argument("--dry-run", action="store_true", help="show what is there and leave it")
    options = parser.parse_args(arguments)
    try:
        did = replay(options.project, options.subscription, dry_run=options.dry_run)
    except UnknownSubscription as error:
        print(f"infra/catalogue.yaml has no subscription {error} with dead letters.", file=sys.stderr)
        return 2
    except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
        print(f"Pub/Sub did not do it: {error}. Run it again: nothing is lost.", file=sys.stderr)
        return 2
    verb = "would be published" if options.dry_run else "published"
    print(f"{did.published} {verb} again to {did.topic}; {did.left} of other subscriptions stay.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
