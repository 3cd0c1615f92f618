"""One real request for each pair of a deployment and a caller of the catalogue, made as that caller makes it.

`REQUESTS` is the table. A request asserts its effect on the engines' state and says by which line of the deployment's
own log it can be told that it has arrived there.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from functions.billing import repository as books
from functions.dashboard import deliveries
from functions.dashboard import repository as dashboard
from functions.shared import clock, contracts, events, firestore, ids, notifications, storage
from functions.shared.contracts import RollupRead
from functions.shared.identity import WorkspaceId
from tests.functions.billing.story import Story, row
from tests.infra.deployed import revision
from tests.infra.town import DEFINITION, Town, message


@dataclass(frozen=True, order=True)
class Pair:
    """A deployment and who calls it; `by` is the subscription or schedule, empty for other callers."""

    deployment: str
    caller: str
    by: str = ""

    def __str__(self) -> str:
        return f"{self.deployment} < {self.caller}" + (f" {self.by}" if self.by else "")


@dataclass(frozen=True)
class Arrived:
    """The line of the called deployment's log: route, kind of caller, and the request's id where it is known."""

    route: str
    kind: str
    request_id: str | None = None
    alarms: bool = False


def pairs(content: Mapping[str, Any]) -> list[Pair]:
    """Every pair of a catalogue: of push one for each subscription, of the scheduler one for each schedule.

    A caller that has no subscription or schedule there is a pair too: nobody can write its request.
    """
    pushed = {name: one["push"]["deployment"] for name, one in content["subscriptions"].items() if "push" in one}
    scheduled = {name: one["deployment"] for name, one in content["schedules"].items()}
    found = {Pair(deployment, "push", name) for name, deployment in pushed.items()}
    found |= {Pair(deployment, "scheduler", name) for name, deployment in scheduled.items()}
    for deployment, entry in content["deployments"].items():
        for caller in entry["callers"]:
            if not any((one.deployment, one.caller) == (deployment, caller) for one in found):
                found.add(Pair(deployment, caller))
    return sorted(found)


# As the gateway


def makes_a_workspace(town: Town) -> Arrived:
    person, workspace = town.founder()
    shown = town.through("dashboard-api", "GET", "/api/workspace", person.token)
    assert shown.json()["id"] == workspace
    assert firestore.get(contracts.path(workspace, "members", person.uid)).data["role"] == "owner"
    return Arrived("/api/workspace", "console", shown.headers["X-Request-ID"])


def makes_an_agent(town: Town) -> Arrived:
    made = town.through("agents-api", "POST", "/api/agents", town.owner, DEFINITION, status=201)
    path = f"/api/agents/{made.json()['id']}"
    assert town.through("agents-api", "GET", path, town.owner).json()["name"] == "Mia"
    assert firestore.get(contracts.path(town.workspace, "agents", made.json()["id"])).exists
    return Arrived("/api/agents", "console", made.headers["X-Request-ID"])


def talks(town: Town) -> Arrived:
    token = town.new_session().json()["token"]
    said = town.through("agents-chat", "POST", "/api/chat", token, {"message": "When are you open?"})
    conversation = said.json()["conversation_id"]
    assert firestore.get(contracts.path(town.workspace, "conversations", conversation)).exists
    rows = town.cloud.published("usage-recorded", town.workspace)
    assert [one["conversation_id"] for one in rows if one["conversation_id"] == conversation] == [conversation]
    history = town.through("agents-chat", "GET", "/api/chat", token).json()
    assert history["conversation_id"] == conversation
    return Arrived("/api/chat", "visitor", said.headers["X-Request-ID"])


def activates_an_agent(town: Town) -> Arrived:
    made = town.through("agents-api", "POST", "/api/agents", town.owner, DEFINITION, status=201).json()["id"]
    town.through("agents-api", "POST", f"/api/agents/{made}/publish", town.owner)
    changed = town.activate(made)
    assert firestore.get(contracts.path(town.workspace, "fleet", made)).data["status"] == "active"
    return Arrived("/api/my-agents/{agent}/status", "console", changed.headers["X-Request-ID"])


def makes_a_widget(town: Town) -> Arrived:
    made = town.new_widget()
    widget = made.json()["id"]
    public = storage.read("cdn", f"v1/w/{widget}.json")
    assert public is not None
    assert widget in public.decode()
    return Arrived("/api/widgets", "machine", made.headers["X-Request-ID"])


def opens_a_session(town: Town) -> Arrived:
    opened = town.new_session()
    assert firestore.get(contracts.path(town.workspace, "visitors", opened.json()["visitor_id"])).exists
    return Arrived("/api/widgets/{widget}/sessions", "public", opened.headers["X-Request-ID"])


def reads_figures(town: Town) -> Arrived:
    def turns() -> tuple[int, str]:
        answer = town.through("analytics-api", "GET", "/api/usage/stats", town.machine)
        return answer.json()["total"]["turns"], answer.headers["X-Request-ID"]

    before, _ = turns()
    town.push("usage-recorded.analytics", message(row(town.workspace, clock.now())))
    after, request_id = turns()
    assert after == before + 1
    return Arrived("/api/usage/stats", "machine", request_id)


def sets_a_cap(town: Town) -> Arrived:
    path, cap = "/api/billing/budgets", {"amount": "12.5", "currency": "USD"}
    etag = town.through("billing-api", "GET", path, town.owner).headers["ETag"]
    changed = town.through("billing-api", "PUT", path, town.owner, {"cap": cap}, If_Match=etag)
    kept = town.through("billing-api", "GET", path, town.owner).json()["cap"]
    assert float(kept["amount"]) == 12.5
    return Arrived(path, "console", changed.headers["X-Request-ID"])


# As Pub/Sub and Cloud Scheduler


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


# As another deployment


def exports_the_workspace(route: str, kind: str = "console") -> Callable[[Town], Arrived]:
    """Everything as one ZIP: each room is asked for what it shows. `route` is where the called deployment sees it."""

    def exports(town: Town) -> Arrived:
        agent, widget = town.agent, town.widget
        made = town.through(
            "analytics-api", "POST", "/api/exports", town.owner, {"kind": "workspace"}, status=202
        ).json()
        asked = town.cloud.published("export-requested", town.workspace)
        (request,) = [row for row in asked if row["export_id"] == made["id"]]
        town.push("export-requested.analytics", message(request))
        done = town.through("analytics-api", "GET", f"/api/exports/{made['id']}", town.owner).json()
        assert done["state"] == "done"
        place = urlsplit(done["url"]).path.removeprefix("/exports/")
        file = storage.read("exports", place)
        assert file is not None
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            listed = {one["path"]: one for one in json.loads(archive.read("manifest.json"))["files"]}
            assert {*archive.namelist()} == {*listed, "manifest.json"}
            for path, one in listed.items():
                assert hashlib.sha256(archive.read(path)).hexdigest() == one["sha256"], path
            assert f"widgets/{widget}.json" in listed
            assert json.loads(archive.read("settings/workspace.json"))["id"] == town.workspace
            assert "name: Mia" in archive.read(f"agents/{agent}/agent.yaml").decode()
            assert (
                archive.read("audit_log/audit_log.jsonl").count(b"\n")
                == listed["audit_log/audit_log.jsonl"]["rows"]
                > 0
            )
        return Arrived(route, kind)

    return exports


def makes_an_agent_in_the_fleet(town: Town) -> Arrived:
    new = {"definition": DEFINITION, "tags": ["new"]}
    made = town.through("my-agents-api", "POST", "/api/my-agents", town.owner, new, status=201)
    agent = made.json()["id"]
    assert firestore.get(contracts.path(town.workspace, "agents", agent)).data["name"] == "Mia"
    return Arrived("/api/agents", "console", made.headers["X-Request-ID"])


def asks_how_it_is(deployment: str) -> Callable[[Town], Arrived]:
    """The status page's question."""

    def asks(town: Town) -> Arrived:
        found, request_id = town.status(deployment)
        assert found["version"] == revision(deployment)
        return Arrived("/health", "", request_id)

    return asks


REQUESTS: dict[Pair, Callable[[Town], Arrived]] = {
    Pair("agents-api", "gateway"): makes_an_agent,
    Pair("agents-api", "push", "sweep-requested.agents"): erases_a_closed_workspace(
        "conversations", "sweep-requested.agents"
    ),
    Pair("agents-api", "my-agents-api"): makes_an_agent_in_the_fleet,
    Pair("agents-api", "analytics-exports"): exports_the_workspace("/api/agents/export"),
    Pair("agents-api", "dashboard-api"): asks_how_it_is("agents-api"),
    Pair("agents-chat", "gateway"): talks,
    Pair("agents-chat", "dashboard-api"): asks_how_it_is("agents-chat"),
    Pair("my-agents-api", "gateway"): activates_an_agent,
    Pair("my-agents-api", "push", "sweep-requested.my_agents"): forgets_an_agent,
    Pair("my-agents-api", "dashboard-api"): asks_how_it_is("my-agents-api"),
    Pair("widgets-api", "gateway"): makes_a_widget,
    Pair("widgets-api", "push", "agent-published.widgets"): writes_the_public_file_anew,
    Pair("widgets-api", "push", "sweep-requested.widgets"): erases_a_closed_workspace(
        "widgets", "sweep-requested.widgets"
    ),
    Pair("widgets-api", "analytics-exports"): exports_the_workspace("/api/widgets/{widget}"),
    Pair("widgets-api", "dashboard-api"): asks_how_it_is("widgets-api"),
    Pair("widgets-public", "gateway"): opens_a_session,
    Pair("widgets-public", "dashboard-api"): asks_how_it_is("widgets-public"),
    Pair("analytics-api", "gateway"): reads_figures,
    Pair("analytics-api", "dashboard-api"): asks_how_it_is("analytics-api"),
    Pair("analytics-usage", "push", "usage-recorded.analytics"): counts_usage,
    Pair("analytics-usage", "push", "conversation-recorded.analytics"): counts_feedback,
    Pair("analytics-usage", "dashboard-api"): asks_how_it_is("analytics-usage"),
    Pair("analytics-exports", "push", "export-requested.analytics"): exports_the_workspace(
        "/events/export-requested", "push"
    ),
    Pair("analytics-exports", "dashboard-api"): asks_how_it_is("analytics-exports"),
    Pair("billing-api", "gateway"): sets_a_cap,
    Pair("billing-api", "analytics-exports"): exports_the_workspace("/api/invoices"),
    Pair("billing-api", "dashboard-api"): asks_how_it_is("billing-api"),
    Pair("billing-usage", "push", "usage-recorded.billing"): counts_a_charge,
    Pair("billing-usage", "dashboard-api"): asks_how_it_is("billing-usage"),
    Pair("billing-close", "scheduler", "billing-close"): asks_for_closes,
    Pair("billing-close", "push", "close-requested.billing"): closes_a_day,
    Pair("billing-close", "dashboard-api"): asks_how_it_is("billing-close"),
    Pair("dashboard-api", "gateway"): makes_a_workspace,
    Pair("dashboard-api", "analytics-exports"): exports_the_workspace("/api/workspace/members"),
    Pair("dashboard-relay", "scheduler", "dashboard-relay"): relays,
    Pair("dashboard-relay", "push", "dead-letters.relay"): counts_a_dead_letter,
    Pair("dashboard-relay", "dashboard-api"): asks_how_it_is("dashboard-relay"),
    Pair("dashboard-webhooks", "push", "notifications.webhooks"): keeps_a_delivery,
    Pair("dashboard-webhooks", "scheduler", "dashboard-webhooks"): tries_what_is_due,
    Pair("dashboard-webhooks", "dashboard-api"): asks_how_it_is("dashboard-webhooks"),
    Pair("dashboard-sweep", "scheduler", "dashboard-sweep"): asks_for_sweeps,
    Pair("dashboard-sweep", "push", "sweep-requested.dashboard"): erases_a_closed_workspace(
        "invitations", "sweep-requested.dashboard"
    ),
    Pair("dashboard-sweep", "dashboard-api"): asks_how_it_is("dashboard-sweep"),
}
