"""Messages in the past: each subscription gets its own, in order, and other workspaces' commands get nowhere."""

from collections.abc import Mapping
from typing import Any

import pytest

from local.life.courier import Courier, Undelivered
from local.life.past import Past

SUBSCRIPTIONS = {
    "usage-recorded.billing": {
        "topic": "usage-recorded",
        "push": {"deployment": "b", "path": "/events/usage-recorded"},
    },
    "usage-recorded.other": {"topic": "usage-recorded", "push": {"deployment": "c", "path": "/events/usage-recorded"}},
    "dead-letters.kept": {"topic": "dead-letters"},
}


def test_a_message_goes_to_every_subscription_in_the_order_of_publishing() -> None:
    got: list[tuple[str, str]] = []

    def push(deployment: str, path: str, envelope: Mapping[str, Any]) -> int:
        got.append((deployment, envelope["message"]["attributes"]["event_id"]))
        return 204

    courier = Courier(SUBSCRIPTIONS, push, "", "p", "d")
    for name in ("one", "two"):
        taken = courier.publish("projects/p/topics/usage-recorded", b"{}", event_id=name, workspace_id="ws")
        assert taken.result() != ""
    courier.deliver()
    assert got == [("b", "one"), ("c", "one"), ("b", "two"), ("c", "two")]


def test_commands_for_other_workspaces_are_left_to_their_own_time() -> None:
    courier = Courier(SUBSCRIPTIONS, lambda *_: 204, "", "p", "d")
    courier.workspace = "ws_mine"
    courier.publish("projects/p/topics/usage-recorded", b"{}", event_id="", workspace_id="ws_other")
    courier.publish("projects/p/topics/usage-recorded", b"{}", event_id="", workspace_id="ws_mine")
    assert courier.carried == {"usage-recorded": 1}


def test_a_message_that_nobody_takes_ends_the_story() -> None:
    courier = Courier(SUBSCRIPTIONS, lambda *_: 500, "", "p", "d")
    courier.publish("projects/p/topics/usage-recorded", b"{}", event_id="one", workspace_id="ws")
    with pytest.raises(Undelivered, match="500, 5 times"):
        courier.deliver()


def test_the_clock_of_the_past_never_goes_back() -> None:
    from datetime import UTC, datetime, timedelta

    begins = datetime(2026, 9, 1, tzinfo=UTC)
    past = Past(begins)
    past.pass_by(1.5)
    past.reach(begins)
    assert past.now() == begins + timedelta(seconds=1.5)
    assert past.seconds() == 1.5
