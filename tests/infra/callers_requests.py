"""One real request for each pair of a deployment and a caller of the catalogue, made as that caller makes it.

`REQUESTS` is the table. A request asserts its effect on the engines' state and says by which line of the deployment's
own log it can be told that it has arrived there.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from urllib.parse import urlsplit

from functions.shared import clock, contracts, firestore, storage
from tests.functions.billing.story import row
from tests.infra.callers import Arrived, Pair
from tests.infra.deployed import revision
from tests.infra.pushed_requests import (
    asks_for_closes,
    asks_for_sweeps,
    closes_a_day,
    counts_a_charge,
    counts_a_dead_letter,
    counts_feedback,
    counts_usage,
    erases_a_closed_workspace,
    forgets_an_agent,
    keeps_a_delivery,
    relays,
    tries_what_is_due,
    writes_the_public_file_anew,
)
from tests.infra.town import DEFINITION, Town, message

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
