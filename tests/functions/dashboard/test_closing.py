"""A closed workspace is still at once, comes back as it was, and is erased after 30 days, its books excepted."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.dashboard import erasing, sweeping
from functions.shared import clock, config, contracts, directory, firestore, ids, metering
from functions.shared.firestore import Query
from functions.shared.identity import WorkspaceId
from functions.shared.identity.workspace import from_directory
from tests.cloud import Cloud, envelope
from tests.functions.dashboard.acting import ZONE, actions, founder, member, uid
from tests.functions.dashboard.conftest import People
from tests.functions.rooms import Room, content, open_room, write
from tests.functions.shared.http import callers

WEBHOOK = ids.new("webhook")
BOOKS = ("ledger", "invoices", "credit_notes", "payments", "charges", "events", "rollups")


def close(room: Room, someone: callers.Someone, name: str = "Linden Dental") -> tuple[int, str]:
    answer = room.ask("POST", "/api/workspace/close", someone, {"name": name})
    return answer.status_code, content(answer)["state"] if answer.status_code == 200 else content(answer)["code"]


def reopen(room: Room, someone: callers.Someone) -> tuple[int, str]:
    answer = room.ask("POST", "/api/workspace/reopen", someone)
    return answer.status_code, content(answer)["state"] if answer.status_code == 200 else content(answer)["code"]


def state(workspace: WorkspaceId, at: datetime | None = None) -> tuple[str, str]:
    """What the workspace says, and what a turn would read at that time."""
    home = firestore.get(contracts.workspace_path(workspace)).data
    return home["state"], metering.current(workspace, at or clock.now()).state


def test_closing_needs_the_name_and_stops_turns_at_once(room: Room, people: People) -> None:
    owner, name = founder(room, people)
    workspace = from_directory(name)
    assert close(room, owner, "linden") == (422, "invalid")
    assert state(workspace) == ("active", "active")
    assert close(room, owner, " Linden Dental ") == (200, "closing")
    assert state(workspace) == ("closing", "closing")
    shown = content(room.ask("GET", "/api/workspace", owner))
    left = clock.from_text(shown["erase_at"]) - erasing.ends(clock.now())
    assert timedelta(hours=-1) < left <= timedelta()
    assert close(room, owner) == (200, "closing")
    assert content(room.ask("GET", "/api/workspace", owner))["erase_at"] == shown["erase_at"]
    assert [entry["action"] for entry in actions(room, owner)] == ["workspace.closed", "workspace.created"]


@given(st.timedeltas(timedelta(), timedelta(days=1100)))
def test_its_time_ends_after_30_days_and_when_its_last_invoice_is_final(after: timedelta) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + after
    ends = erasing.ends(now)
    assert timedelta(days=30) <= ends - now <= timedelta(days=33)
    # The close of a night, ten minutes after midnight UTC, has come by once the grace period of the month was over.
    final = clock.start_of_month(clock.next_month(clock.month_of(now))) + timedelta(days=1, minutes=10)
    assert final < ends
    assert ends == now + timedelta(days=30) or now.day <= 3


def test_a_longer_grace_period_keeps_it_longer(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOICE_GRACE_HOURS", "72")
    config.settings.cache_clear()
    assert erasing.ends(datetime(2026, 12, 1, 9, tzinfo=UTC)) == datetime(2027, 1, 5, tzinfo=UTC)
    assert erasing.ends(datetime(2026, 12, 9, 9, tzinfo=UTC)) == datetime(2027, 1, 8, 9, tzinfo=UTC)


def test_it_is_not_erased_before_its_last_month_is_billed(room: Room, people: People) -> None:
    _, workspace = filled(room, people)
    home = firestore.get(contracts.workspace_path(workspace))
    month = clock.month_of(home.data["closed_at"])
    books = contracts.path(workspace, "billing", "state")
    write(books, {"period": month})
    for days in range(3):
        sweeping.sweep(workspace, home.data["erase_at"] + timedelta(days=days))
    # Nobody's data waits for that, but the close still comes by.
    assert left(workspace)["members"] == 0
    assert state(workspace)[0] == "closing"
    again = contracts.path(workspace, "invoices", "two")
    write(books, {"period": clock.next_month(month)})
    write(again, {"period": month, "state": "draft", "currency": "USD"})
    sweeping.sweep(workspace, home.data["erase_at"] + timedelta(days=3))
    assert state(workspace)[0] == "closing"
    write(again, {"period": month, "state": "open", "currency": "USD"})
    write(contracts.path(workspace, "invoices", "three"), {"period": "2999-12", "state": "draft", "currency": "USD"})
    sweeping.sweep(workspace, home.data["erase_at"] + timedelta(days=4))
    assert state(workspace)[0] == "erased"


def test_it_is_reopened_as_it_was(room: Room, people: People, cloud: Cloud) -> None:
    owner, name = founder(room, people)
    close(room, owner)
    assert reopen(room, owner) == (200, "active")
    assert state(from_directory(name)) == ("active", "active")
    assert content(room.ask("GET", "/api/workspace", owner))["erase_at"] is None
    assert reopen(room, owner) == (200, "active")
    assert actions(room, owner)[0]["action"] == "workspace.reopened"
    suspended = cloud.workspace(state="suspended")
    other = member(suspended, "owner")
    assert close(room, other, "Test") == (200, "closing")
    assert reopen(room, other) == (200, "suspended")


def test_only_an_owner_closes_and_reopens(room: Room, cloud: Cloud) -> None:
    admin = member(cloud.workspace(), "admin")
    assert close(room, admin, "Test") == (403, "role_too_low")
    assert reopen(room, admin) == (403, "role_too_low")


def test_after_its_time_it_does_not_come_back(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace(state="closing", erase_at=clock.now())
    assert reopen(room, member(workspace, "owner")) == (409, "workspace_erasing")
    begun = cloud.workspace(state="closing", erase_at=clock.now() + timedelta(days=9), erasing_since=clock.now())
    assert reopen(room, member(begun, "owner")) == (409, "workspace_erasing")


def test_nobody_is_invited_or_joins_while_it_closes(room: Room, people: People) -> None:
    owner, _ = founder(room, people)
    made = content(room.ask("POST", "/api/invitations", owner, {"email": "bo@example.com"}))
    close(room, owner)
    refused = room.ask("POST", "/api/invitations", owner, {"email": "eve@example.com"})
    assert (refused.status_code, content(refused)["code"]) == (409, "workspace_closing")
    bo = people.sign_up(email="bo@example.com")
    refused = room.ask("POST", f"/api/invitations/{made['token']}/accept", bo)
    assert (refused.status_code, content(refused)["code"]) == (409, "workspace_closing")


def filled(room: Room, people: People) -> tuple[callers.Someone, WorkspaceId]:
    """A closed workspace with something of everything that the dashboard owns, and with books."""
    owner, name = founder(room, people)
    workspace = from_directory(name)
    room.ask("POST", "/api/workspace/api-keys", owner, {"name": "CI"})
    room.ask("POST", "/api/invitations", owner, {"email": "bo@example.com"})
    write(contracts.path(workspace, "webhooks", WEBHOOK), {"url": "https://a.example"})
    write(contracts.path(workspace, "webhooks", WEBHOOK, "deliveries", "d1"), {"ok": True})
    write(contracts.path(workspace, "deliveries", "d2"), {"ok": True})
    for collection in BOOKS:
        write(contracts.path(workspace, collection, "one"), {"kept": True})
    write(contracts.path(workspace, "billing", "state"), {"period": "2999-12"})
    close(room, owner)
    return owner, workspace


def left(workspace: WorkspaceId) -> dict[str, int]:
    names = ("members", "api_keys", "invitations", "webhooks", "deliveries", "activity", *BOOKS)
    counted = {name: firestore.count(Query(contracts.path(workspace, name))) for name in names}
    counted["nested"] = firestore.count(Query(contracts.path(workspace, "webhooks", WEBHOOK, "deliveries")))
    return counted


def test_after_30_days_the_sweep_erases_all_but_the_books(room: Room, people: People) -> None:
    owner, workspace = filled(room, people)
    keys = content(room.ask("GET", "/api/workspace/api-keys", owner))["items"]
    ends: datetime = firestore.get(contracts.workspace_path(workspace)).data["erase_at"]
    sweeping.sweep(workspace, ends - timedelta(seconds=1))
    assert left(workspace)["members"] == 1
    sweeping.sweep(workspace, ends)
    found = left(workspace)
    assert {name: found[name] for name in ("members", "api_keys", "invitations", "activity")} == dict.fromkeys(
        ("members", "api_keys", "invitations", "activity"), 0
    )
    assert (found["webhooks"], found["deliveries"], found["nested"]) == (0, 0, 0)
    assert all(found[name] >= 1 for name in BOOKS)
    assert directory.find(uid(owner), "person") is None
    assert directory.find(keys[0]["id"], "api_key") is None
    # The other rooms have a day.
    assert state(workspace)[0] == "closing"
    sweeping.sweep(workspace, ends + timedelta(hours=22))
    assert state(workspace)[0] == "closing"
    sweeping.sweep(workspace, ends + timedelta(days=1))
    assert state(workspace, ends + timedelta(days=1)) == ("erased", "erased")
    sweeping.sweep(workspace, ends + timedelta(days=2))
    assert room.ask("GET", "/api/workspace", owner).status_code == 403
    assert content(room.ask("GET", "/api/workspaces", owner))["items"] == []
    assert content(room.ask("POST", "/api/workspaces", owner, ZONE))["id"] != workspace


def test_it_is_not_erased_before_the_other_rooms_have_nothing_left(room: Room, people: People) -> None:
    _, workspace = filled(room, people)
    names = [contracts.path(workspace, collection, "one") for collection in erasing.OTHERS]
    for name in names:
        write(name, {"left": True})
    ends: datetime = firestore.get(contracts.workspace_path(workspace)).data["erase_at"]
    for days in range(3):
        sweeping.sweep(workspace, ends + timedelta(days=days))
    for name in names:
        assert state(workspace)[0] == "closing"
        firestore.delete_tree([name])
        sweeping.sweep(workspace, ends + timedelta(days=3))
    assert state(workspace)[0] == "erased"


def test_every_collection_of_a_workspace_is_erased_waited_for_or_kept() -> None:
    below_others = {"versions", "knowledge", "chunks", "check_runs", "turns"}
    books = {*BOOKS, "billing", "spend"}
    with_an_end = {"exports", "processed"}
    of_the_installation = {"workspaces", "directory", "idempotency", "relay", "strays", "benchmarks", "plans"}
    of_the_installation |= {"operator_acts"}
    known = {*erasing.OWN, "activity", *erasing.OTHERS, *below_others, *books, *with_an_end, *of_the_installation}
    assert set(contracts.OWNERS) == known


def test_a_sweep_that_broke_off_is_done_by_the_next(
    room: Room, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, workspace = filled(room, people)
    for _ in range(5):
        member(str(workspace), "viewer")
    ends: datetime = firestore.get(contracts.workspace_path(workspace)).data["erase_at"]
    monkeypatch.setattr(erasing, "MOST", 2)
    days = 0
    while state(workspace)[0] != "erased":
        sweeping.sweep(workspace, ends + timedelta(days=days))
        days += 1
        assert days < 12
    assert left(workspace)["members"] == 0
    assert days > 3


def test_of_reopening_and_erasing_at_once_one_wins(room: Room, cloud: Cloud) -> None:
    """A sweep as of a later time, by hand, while the workspace can still be reopened."""
    workspace = cloud.workspace(state="closing", erase_at=clock.now() + timedelta(days=1), reopens_as="active")
    owner = member(workspace, "owner")
    home = firestore.get(contracts.workspace_path(workspace))
    assert reopen(room, owner) == (200, "active")
    with pytest.raises(firestore.Changed):
        erasing.erase(workspace, home, clock.now() + timedelta(days=2))
    assert room.ask("GET", "/api/workspace", owner).status_code == 200


def test_the_push_sweeps_as_of_the_time_in_the_message(
    room: Room, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, workspace = filled(room, people)
    ends: datetime = firestore.get(contracts.workspace_path(workspace)).data["erase_at"]
    edge = open_room("dashboard-sweep", monkeypatch)
    headers = callers.invoker("push")
    row = {"workspace_id": str(workspace), "as_of": clock.to_text(ends)}
    for bad in ({"workspace_id": str(workspace)}, {**row, "as_of": "soon"}, {**row, "as_of": 5}):
        refused = edge.client.post("/events/sweep-requested", json=envelope(bad, event_id="x"), headers=headers)
        assert refused.status_code in (400, 422)
    assert left(workspace)["members"] == 1
    for _ in range(2):
        taken = edge.client.post("/events/sweep-requested", json=envelope(row, event_id="x"), headers=headers)
        assert taken.status_code == 204, taken.get_data()
    assert left(workspace)["members"] == 0
