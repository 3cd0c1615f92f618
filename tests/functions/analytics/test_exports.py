"""Exports are asked for, followed and fetched by those who may, and nobody else sees that they are there."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from functions.analytics import exports
from functions.analytics.export_models import KEPT
from functions.shared import contracts, firestore, ids
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_event
from tests.cloud import Cloud
from tests.functions.analytics.exported import content as file_of
from tests.functions.analytics.exported import deliver, stored
from tests.functions.rooms import Room, content, lose_answer, write
from tests.functions.shared.http import callers

PATH = "/api/exports"


@pytest.fixture
def workspace(cloud: Cloud) -> WorkspaceId:
    return cloud.workspace()


def ask(room: Room, someone: callers.Someone, kind: str = "payments", *, key: str | None = None, **body: Any) -> Any:
    """A new export as it is answered."""
    answer = room.ask("POST", PATH, someone, {"kind": kind, **body}, key=key)
    shown = content(answer)
    assert answer.status_code == 202, shown
    assert answer.headers["Location"] == f"{PATH}/{shown['id']}"
    return shown


def entries(workspace: WorkspaceId) -> list[dict[str, Any]]:
    """Who exported what."""
    found = firestore.find(firestore.Query(contracts.path(workspace, "activity")))
    return [one.data for one in found if one.data["action"] == "export.requested"]


def test_an_export_is_asked_for_and_fetched(signed_room: Room, house: Cloud) -> None:
    workspace = house.workspace()
    someone = callers.person("member", workspace)
    made = ask(signed_room, someone, "conversations", format="csv", **{"from": "2026-01-01T00:00:00+01:00"})
    assert (made["state"], made["format"], made["rows"], made["url"]) == ("queued", "csv", 0, None)
    assert (made["from"], made["to"]) == ("2025-12-31T23:00:00Z", None)
    deliver(house, workspace, made["id"])
    answer = signed_room.ask("GET", f"{PATH}/{made['id']}", someone)
    shown = content(answer)
    assert (shown["state"], shown["sha256"]) == ("done", stored(workspace, made["id"]).sha256)
    address = urlsplit(shown["url"])
    assert f"{address.scheme}://{address.netloc}" == "https://storage.googleapis.com"
    assert address.path == f"/exports/{workspace}/{made['id']}/1/{shown['file_name']}"
    query = parse_qs(address.query)
    assert query["X-Goog-Expires"] == ["900"]
    assert query["X-Goog-Credential"][0].startswith("agenthub-analytics-api@")
    listed = content(signed_room.ask("GET", PATH, someone))["items"]
    assert [(one["id"], one["url"]) for one in listed] == [(made["id"], None)]


def test_the_audit_log_tells_who_exported_what(room: Room, workspace: WorkspaceId) -> None:
    someone = callers.person("admin", workspace)
    made = ask(room, someone, "audit_log", format="parquet", to="2026-11-01T00:00:00Z")
    (entry,) = entries(workspace)
    assert (entry["subject"], entry["actor"]) == (made["id"], f"person:{someone.claims['sub']}")
    assert entry["after"] == {"kind": "audit_log", "format": "parquet", "to": "2026-11-01T00:00:00Z"}


def test_the_same_key_makes_one_export_also_when_the_answer_was_lost(
    room: Room, cloud: Cloud, workspace: WorkspaceId
) -> None:
    someone = callers.person("member", workspace)
    first = ask(room, someone, key="once")
    assert ask(room, someone, key="once") == first
    lose_answer(someone, "once")
    assert ask(room, someone, key="once")["id"] == first["id"]
    assert len(entries(workspace)) == len(cloud.published("export-requested", workspace)) == 1


def test_only_so_many_are_under_way_at_once(room: Room, house: Cloud) -> None:
    workspace = house.workspace()
    someone = callers.person("member", workspace)
    made = [ask(room, someone)["id"] for _ in range(exports.MOST_AT_ONCE)]
    refused = room.ask("POST", PATH, someone, {"kind": "payments"})
    assert (refused.status_code, content(refused)["code"]) == (429, "exports_running")
    assert refused.headers["Retry-After"] == "60"
    deliver(house, workspace, made[0])
    made.append(ask(room, someone)["id"])
    write_back = firestore.Batch()
    for name in made[1:]:
        path = f"workspaces/{workspace}/exports/{name}"
        moved = stored(workspace, name).updated_at - exports.STUCK
        write_back.update(path, {("updated_at",): moved})
    write_back.commit()
    ask(room, someone)


@pytest.mark.parametrize("kind", ["audit_log", "workspace"])
def test_what_tells_everything_is_for_admins(room: Room, workspace: WorkspaceId, kind: str) -> None:
    admin, member = callers.person("admin", workspace), callers.person("member", workspace)
    refused = room.ask("POST", PATH, member, {"kind": kind})
    assert (refused.status_code, content(refused)["code"]) == (403, "role_too_low")
    made = ask(room, admin, kind)
    assert room.ask("GET", f"{PATH}/{made['id']}", member).status_code == 403
    assert content(room.ask("GET", PATH, member))["items"] == []
    assert [one["id"] for one in content(room.ask("GET", PATH, admin))["items"]] == [made["id"]]
    viewer = callers.person("viewer", workspace)
    assert room.ask("POST", PATH, viewer, {"kind": "payments"}).status_code == 403


def test_another_workspace_has_no_such_export(room: Room, workspace: WorkspaceId) -> None:
    made = ask(room, callers.person("owner", workspace))
    stranger = callers.person("owner")
    for name in (made["id"], ids.new("export"), "exp_", "agt_1"):
        assert room.ask("GET", f"{PATH}/{name}", stranger).status_code == 404
    assert content(room.ask("GET", PATH, stranger))["items"] == []


def test_a_list_is_read_page_by_page(room: Room, workspace: WorkspaceId) -> None:
    someone = callers.person("owner", workspace)
    made = [ask(room, someone)["id"] for _ in range(3)]
    first = content(room.ask("GET", f"{PATH}?page_size=2", someone))
    rest = content(room.ask("GET", f"{PATH}?page_size=2&page_token={first['next_page_token']}", someone))
    assert [one["id"] for one in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_page_token"] is None


def test_a_machine_with_the_scope_may_export(room: Room, cloud: Cloud) -> None:
    program = callers.machine()
    workspace = from_event(program.claims["workspace_id"])
    write(f"workspaces/{workspace}", {"name": "X", "created_at": cloud.call(workspace).now})
    made = ask(room, program)
    assert made["requested_by"] == f"key:{program.claims['sub']}"
    reader = callers.machine(scopes=("read",))
    assert room.ask("POST", PATH, reader, {"kind": "payments"}).status_code == 403


def test_after_a_week_it_is_gone(cloud: Cloud, house: Cloud, workspace: WorkspaceId, room: Room) -> None:
    someone = callers.person("owner", workspace)
    name = ask(room, someone)["id"]
    deliver(house, workspace, name)
    assert file_of(workspace, name) == b""
    batch = firestore.Batch()
    batch.update(f"workspaces/{workspace}/exports/{name}", {("expire_at",): cloud.call(workspace).now - KEPT})
    batch.commit()
    assert room.ask("GET", f"{PATH}/{name}", someone).status_code == 404
    assert content(room.ask("GET", PATH, someone))["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "everything"},
        {"kind": "workspace", "format": "csv"},
        {"kind": "payments", "format": "zip"},
        {"kind": "payments", "agent_id": "agt_1"},
        {"kind": "ledger", "from": "2026-11-02T00:00:00Z", "to": "2026-11-02T00:00:00Z"},
        {"kind": "ledger", "from": "2026-11-02T00:00:00"},
        {"kind": "ledger", "from": "1826-11-02T00:00:00Z"},
    ],
    ids=str,
)
def test_what_is_no_export_is_refused(room: Room, workspace: WorkspaceId, body: dict[str, Any]) -> None:
    assert room.ask("POST", PATH, callers.person("owner", workspace), body).status_code == 422
    assert entries(workspace) == []


def test_an_agent_that_is_not_there_is_not_found(room: Room, workspace: WorkspaceId) -> None:
    for agent in ("x", ids.new("agent")):
        body = {"kind": "ledger", "agent_id": agent}
        assert room.ask("POST", PATH, callers.person("owner", workspace), body).status_code == 404


def test_of_who_asked_only_what_others_are_shown_is_kept(cloud: Cloud, workspace: WorkspaceId) -> None:
    call = cloud.call(workspace, claims={"sub": "uid1", "iss": "x", "exp": 1, "firebase": {"secret": 1}})
    from functions.analytics.export_models import NewExport

    export, _ = exports.request(call, NewExport(kind="payments"))
    assert stored(workspace, export.id).claims == {"sub": "uid1", "iss": "x"}
    assert export.expires_at - export.created_at == timedelta(days=7)
