"""What Pub/Sub and Cloud Scheduler ask of deployments: one request for each subscription and each schedule."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from functions.billing import repository as books
from functions.dashboard import deliveries
from functions.dashboard import repository as dashboard
from functions.shared import clock, contracts, events, firestore, ids, notifications, storage
from functions.shared.contracts import RollupRead
from functions.shared.identity import WorkspaceId
from tests.functions.billing.story import Story, row
from tests.infra.callers import Arrived
from tests.infra.town import Town, message


def counts_usage(town: Town) -> Arrived:
    workspace, columns = _turn(town)
    town.push("usage-recorded.analytics", message(columns))
    assert _month(workspace).total.turns == 1
    return Arrived("/events/usage-recorded", "push")


def counts_feedback(town: Town) -> Arrived:
    workspace, columns = _turn(town)
    columns = {key: columns[key] for key in ("event_id", "workspace_id", "agent_id", "conversation_id", "occurred_at")}
    town.push(
        "conversation-recorded.analytics",
        message({**columns, "type": "feedback", "rating": 1, "recorded_at": columns["occurred_at"]}),
    )
    assert _month(workspace).total.feedback_up == 1
    return Arrived("/events/conversation-recorded", "push")


def counts_a_charge(town: Town) -> Arrived:
    workspace, columns = _turn(town)
    town.push("usage-recorded.billing", message(columns))
    day = f"day_{columns['occurred_at'][:10]}"
    ((tally, _),) = books.tallies(workspace, [day], "USD")
    assert (tally.total.messages, tally.total.charge_nanos) == (1, columns["charge_nanos"])
    return Arrived("/events/usage-recorded", "push")


def closes_a_day(town: Town) -> Arrived:
    today = clock.now().replace(hour=0, minute=10, second=0, microsecond=0)
    story = Story(town.cloud, made=today - timedelta(days=2))
    turn = story.record(today - timedelta(hours=12))
    for consumer in ("usage-recorded.analytics", "usage-recorded.billing"):
        town.push(consumer, message(turn.row))
    request = {"workspace_id": str(story.workspace), "as_of": clock.to_text(today)}
    town.push("close-requested.billing", message(request))
    assert story.state()["last_closed"] == clock.day_of(today - timedelta(days=1))
    usage = [entry for entry in story.entries() if entry.kind == "usage"]
    assert [entry.amount_nanos for entry in usage] == [turn.row["charge_nanos"]]
    # Everybody has counted the turn but the warehouse; that this was noticed shows that the close has asked it.
    assert clock.day_of(today - timedelta(days=1)) in story.state()["differences"]
    return Arrived("/events/close-requested", "push")


def asks_for_closes(town: Town) -> Arrived:
    workspace = town.cloud.workspace()
    town.fire("billing-close")
    (request,) = town.cloud.published("close-requested", workspace)
    assert request["workspace_id"] == workspace
    return Arrived("/schedules/billing-close", "scheduler")


def erases_a_closed_workspace(collection: str, subscription: str) -> Callable[[Town], Arrived]:
    """The sweep of a workspace whose time is over: a room erases what it owns there."""

    def sweeps(town: Town) -> Arrived:
        workspace, long_ago = town.cloud.workspace(), clock.now() - timedelta(days=31)
        place = contracts.path(workspace, collection, "one")
        batch = firestore.Batch()
        batch.update(contracts.workspace_path(workspace), {("state",): "closing", ("erase_at",): long_ago})
        batch.set(place, {"deleted_at": long_ago, "created_at": long_ago, "updated_at": long_ago})
        batch.commit()
        _sweep(town, subscription, workspace)
        assert not firestore.get(place).exists
        return Arrived("/events/sweep-requested", "push")

    return sweeps


def forgets_an_agent(town: Town) -> Arrived:
    workspace, name = town.cloud.workspace(), ids.new("agent")
    place = contracts.path(workspace, "fleet", name)
    batch = firestore.Batch()
    batch.set(place, {"status": "paused", "deleted_at": clock.now() - timedelta(days=31)})
    batch.commit()
    _sweep(town, "sweep-requested.my_agents", workspace)
    assert not firestore.get(place).exists
    return Arrived("/events/sweep-requested", "push")


def _sweep(town: Town, subscription: str, workspace: WorkspaceId) -> None:
    town.push(subscription, message({"workspace_id": str(workspace), "as_of": clock.to_text(clock.now())}))


def asks_for_sweeps(town: Town) -> Arrived:
    workspace = town.cloud.workspace()
    town.fire("dashboard-sweep")
    (request,) = town.cloud.published("sweep-requested", workspace)
    assert request["workspace_id"] == workspace
    return Arrived("/schedules/dashboard-sweep", "scheduler")


def writes_the_public_file_anew(town: Town) -> Arrived:
    path = f"v1/w/{town.widget}.json"
    storage.delete("cdn", path)
    now = clock.to_text(clock.now())
    published = {
        "event_id": f"evt_{ids.hashed(now)}",
        "type": "agent_published",
        "workspace_id": str(town.workspace),
        "agent_id": town.agent,
        "version_id": ids.new("version"),
        "occurred_at": now,
        "recorded_at": now,
    }
    town.push("agent-published.widgets", message(published))
    assert storage.read("cdn", path) is not None
    return Arrived("/events/agent-published", "push")


def keeps_a_delivery(town: Town) -> Arrived:
    workspace, kept = _notified(town)
    # This installation has no key to sign with yet, so the delivery waits; nothing leaves the machine.
    delivery = firestore.get(kept).data
    assert (delivery["state"], delivery["attempts"][0]["error"]) == ("pending", "no_signing_key")
    deliveries.drop([firestore.get(kept)])
    assert workspace in kept
    return Arrived("/events/notifications", "push", alarms=True)


def tries_what_is_due(town: Town) -> Arrived:
    _, kept = _notified(town)
    batch = firestore.Batch()
    batch.update(kept, {("due_at",): clock.now() - timedelta(minutes=1)})
    batch.commit()
    town.fire("dashboard-webhooks")
    assert len(firestore.get(kept).data["attempts"]) == 2
    deliveries.drop([firestore.get(kept)])
    return Arrived("/schedules/dashboard-webhooks", "scheduler", alarms=True)


def _notified(town: Town) -> tuple[WorkspaceId, str]:
    """A workspace with a webhook, and the delivery of a notification to it."""
    workspace, webhook, now = town.cloud.workspace(), ids.new("webhook"), clock.now()
    key = {"salt": "salt", "key": "unknown", "since": now, "until": None, "by": "test"}
    batch = firestore.Batch()
    batch.set(
        dashboard.webhook_path(workspace, webhook),
        {
            "url": "https://hooks.example/",
            "types": ["invoice.issued"],
            "state": "active",
            "keys": [key],
            "created_at": now,
            "failing_since": None,
        },
    )
    told = notifications.record(batch, workspace, "invoice.issued", subject=ids.new("invoice"), now=now)
    batch.commit()
    town.push("notifications.webhooks", message(told.row))
    return workspace, dashboard.delivery_path(workspace, webhook, told.id)


def counts_a_dead_letter(town: Town) -> Arrived:
    before = firestore.get(dashboard.RELAY).data.get("dead_letters", 0)
    _, columns = _turn(town)
    town.push("dead-letters.relay", message(columns, CloudPubSubDeadLetterSourceSubscription="usage-recorded.billing"))
    assert firestore.get(dashboard.RELAY).data["dead_letters"] == before + 1
    return Arrived("/events/dead-letters", "push", alarms=True)


def relays(town: Town) -> Arrived:
    workspace, columns = _turn(town)
    left = events.Event(workspace, "usage-recorded", columns["event_id"], columns)
    batch = firestore.Batch()
    events.record(batch, left, now=clock.now() - timedelta(minutes=1))
    batch.commit()
    town.fire("dashboard-relay")
    assert town.cloud.published("usage-recorded", workspace) == [columns]
    assert "unsent" not in firestore.get(contracts.path(workspace, "events", left.id)).data
    return Arrived("/schedules/dashboard-relay", "scheduler")


def _turn(town: Town) -> tuple[WorkspaceId, dict[str, Any]]:
    """A workspace and the row of a turn that nobody has counted."""
    workspace = town.cloud.workspace()
    return workspace, row(workspace, clock.now(), agent_id=ids.new("agent"))


def _month(workspace: WorkspaceId) -> RollupRead:
    name = f"month_{clock.now():%Y-%m}"
    return RollupRead.model_validate(firestore.get(contracts.path(workspace, "rollups", name)).data)
