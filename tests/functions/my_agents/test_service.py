"""The fleet: status by its rules, deletion that can be undone, lists that filter, sort and page."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from functions.my_agents import changes, service
from functions.my_agents.models import TRANSITIONS, Filter, FleetChange, StatusChange
from functions.shared import clock, contracts, firestore, ids
from functions.shared.errors import Conflict, Invalid
from functions.shared.firestore import Query
from functions.shared.http import page_token
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.google import google_of_package
from tests.functions.my_agents.wizard import Wizard, wizard
from tests.functions.rooms import Room, agent, content, lose_answer, write
from tests.functions.shared.http import callers

__all__ = ["google_of_package", "wizard"]

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def etag(response: TestResponse) -> str:
    found, _ = response.get_etag()
    assert found is not None
    return found


def actions(workspace: WorkspaceId) -> list[str]:
    entries = firestore.find(Query(contracts.path(workspace, "activity"), order=("at",)))
    return [entry.data["action"] for entry in entries]


@pytest.mark.parametrize("before", TRANSITIONS)
@pytest.mark.parametrize("after", ["active", "paused", "archived"])
def test_an_agent_goes_from_status_to_status_as_the_rules_say(cloud: Cloud, before: str, after: Any) -> None:
    workspace = cloud.workspace()
    name = agent(workspace, status=before)
    call = cloud.call(workspace)
    if after == before:
        assert service.set_status(call, name, StatusChange(status=after))[0].history == []
    elif after in TRANSITIONS[before]:  # type: ignore[index]
        found, _ = service.set_status(call, name, StatusChange(status=after, reason="because"))
        assert (found.status, found.history[0].reason, found.history[0].actor) == (after, "because", "person:uid1")
        assert service.status(call, name)[0] == found
    else:
        with pytest.raises(Conflict) as refused:
            service.set_status(call, name, StatusChange(status=after))
        assert refused.value.code == "transition_refused"
        assert before in refused.value.detail
        assert service.status(call, name)[0].status == before


def test_only_a_published_agent_becomes_active(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = agent(workspace, status=None, published_version=None, published_number=0)
    with pytest.raises(Conflict) as refused:
        service.set_status(cloud.call(workspace), name, StatusChange(status="active"))
    assert refused.value.code == "not_published"


def test_the_history_keeps_the_latest_steps_only(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = agent(workspace)
    for number in range(changes.HISTORY + 2):
        wanted: Any = "paused" if number % 2 == 0 else "active"
        found, _ = service.set_status(cloud.call(workspace), name, StatusChange(status=wanted))
    assert len(found.history) == changes.HISTORY
    assert found.history[0].at >= found.history[-1].at


def test_a_status_is_set_over_http_with_the_etag_that_was_read(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name, someone = agent(workspace, status=None), callers.person("member", workspace)
    path = f"/api/my-agents/{name}/status"
    read = room.ask("GET", path, someone)
    assert content(read)["allowed"] == ["active", "archived"]
    assert room.ask("PUT", path, someone, {"status": "active"}).status_code == 428
    assert room.ask("PUT", path, someone, {"status": "draft"}, etag=etag(read)).status_code == 422
    done = room.ask("PUT", path, someone, {"status": "active"}, etag=etag(read))
    assert (done.status_code, content(done)["status"]) == (200, "active")
    stale = room.ask("PUT", path, someone, {"status": "paused"}, etag=etag(read))
    assert (stale.status_code, content(stale)["code"]) == (412, "stale")
    repeated = room.ask("PUT", path, someone, {"status": "active"}, etag=etag(read))
    assert (repeated.status_code, etag(repeated)) == (200, etag(done))
    assert actions(workspace) == ["agent.activated"]
    viewer = callers.person("viewer", workspace)
    assert content(room.ask("PUT", path, viewer, {"status": "paused"}, etag=etag(done)))["code"] == "role_too_low"


def test_of_two_who_touch_an_untouched_agent_at_once_one_is_told(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = agent(workspace, status=None)

    def change(number: int) -> bool:
        try:
            service.change(cloud.call(workspace, if_match=firestore.ABSENT), name, FleetChange(note=str(number)))
        except firestore.Changed:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(change, range(4)))
    assert done.count(True) == 1
    assert actions(workspace) == ["agent.changed"]


def test_a_read_agent_can_be_changed_though_its_figures_have_moved(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name, someone = agent(workspace), callers.person("member", workspace)
    first = room.ask("GET", f"/api/my-agents/{name}", someone)
    day = f"day_{clock.now():%Y-%m-%d}"
    write(contracts.path(workspace, "rollups", day), {"agents": {name: {"turns": 5, "charge_nanos": 10**9}}})
    again = room.ask("GET", f"/api/my-agents/{name}", someone, If_None_Match=f'"{etag(first)}"')
    assert (again.status_code, content(again)["today"]["turns"]) == (200, 5)
    change = {"tags": ["vip", "vip"], "pinned": True, "note": "call back"}
    changed = room.ask("PATCH", f"/api/my-agents/{name}", someone, change, etag=etag(first))
    assert (changed.status_code, content(changed)["tags"], content(changed)["pinned"]) == (200, ["vip"], True)
    assert room.ask("PATCH", f"/api/my-agents/{name}", someone, change, etag=etag(first)).status_code == 412
    same = room.ask("PATCH", f"/api/my-agents/{name}", someone, change, etag=etag(changed))
    assert (same.status_code, etag(same)) == (200, etag(changed))
    assert actions(workspace) == ["agent.changed"]


def test_deleting_can_be_undone_for_thirty_days(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name, admin = agent(workspace), callers.person("admin", workspace)
    path = f"/api/my-agents/{name}"
    assert room.ask("DELETE", path, callers.person("member", workspace), etag="1.5").status_code == 403
    assert room.ask("DELETE", path, admin).status_code == 428
    assert room.ask("DELETE", path, admin, etag="1.000000005").status_code == 412
    read = room.ask("GET", path, admin)
    assert room.ask("DELETE", path, admin, etag=etag(read)).status_code == 204
    assert room.ask("DELETE", path, admin, etag=etag(read)).status_code == 204
    refused = room.ask("PUT", f"{path}/status", admin, {"status": "paused"}, etag=etag(read))
    assert (refused.status_code, content(refused)["code"]) == (409, "agent_deleted")
    assert content(room.ask("GET", "/api/my-agents", admin))["items"] == []
    assert [one["id"] for one in content(room.ask("GET", "/api/my-agents?deleted=true", admin))["items"]] == [name]
    restored = room.ask("POST", f"{path}/restore", admin)
    assert (restored.status_code, content(restored)["status"], content(restored)["deleted_at"]) == (200, "paused", None)
    assert room.ask("POST", f"{path}/restore", admin).status_code == 200
    assert actions(workspace) == ["agent.deleted", "agent.restored"]
    deleted, back = firestore.find(Query(contracts.path(workspace, "activity"), order=("at",)))
    at = deleted.data["after"]["deleted_at"]
    assert deleted.data["before"] == {"status": "active", "deleted_at": None}
    assert deleted.data["after"] == {"deleted_at": at}
    assert timedelta() <= clock.now() - at < timedelta(minutes=5)
    assert back.data["before"] == {"status": "active", "deleted_at": at}
    assert back.data["after"] == {"status": "paused", "deleted_at": None}


def test_after_thirty_days_a_deleted_agent_is_neither_listed_nor_restored(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = agent(workspace)
    service.delete(cloud.call(workspace, now=NOW), name)
    at_the_end = cloud.call(workspace, now=NOW + timedelta(days=30))
    assert [one.id for one in service.listed(at_the_end, Filter(deleted=True)).items] == [name]
    later = cloud.call(workspace, now=NOW + timedelta(days=30, seconds=1))
    assert service.listed(later, Filter(deleted=True)).items == []
    with pytest.raises(Conflict) as refused:
        service.restore(later, name)
    assert refused.value.code == "not_restorable"


def test_another_workspaces_agent_is_not_there(room: Room, cloud: Cloud) -> None:
    foreign, admin = agent(cloud.workspace()), callers.person("admin", cloud.workspace())
    for name in (foreign, ids.new("agent"), "agt_1", "x"):
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"note": "x"}),
            ("DELETE", "", None),
            ("POST", "/restore", None),
            ("GET", "/status", None),
            ("PUT", "/status", {"status": "paused"}),
        ):
            found = room.ask(method, f"/api/my-agents/{name}{path}", admin, body, etag="0")
            assert found.status_code == 404, (method, path, name)


def fleet_of_five(cloud: Cloud) -> tuple[WorkspaceId, dict[str, str]]:
    workspace = cloud.workspace()
    named: dict[str, str] = {}
    for place, letter in enumerate("cabed"):
        name = agent(
            workspace,
            status="active" if letter in "abc" else "paused",
            name=letter.upper() + " desk",
            industry="dental" if letter in "ae" else "legal",
            created_at=NOW + timedelta(minutes=place),
        )
        named[letter] = name
    write(contracts.path(workspace, "fleet", named["e"]), {"status": "paused", "pinned": True, "tags": ["vip"]})
    spent = {named["a"]: {"charge_nanos": 5}, named["d"]: {"charge_nanos": 9}}
    write(contracts.path(workspace, "rollups", "month_2026-11"), {"agents": spent})
    active = {named["b"]: {"last_micros": 1_795_600_000_000_001}, named["c"]: {"last_micros": 1_795_600_000_000_000}}
    write(contracts.path(workspace, "rollups", "day_2026-11-25"), {"agents": active})
    return workspace, named


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "eabcd"),
        ({"sort": "-name"}, "edcba"),
        ({"sort": "created_at"}, "ecabd"),
        ({"sort": "-charge"}, "edacb"),
        ({"sort": "-last_active"}, "ebcad"),
        ({"status": "paused"}, "ed"),
        ({"industry": "dental"}, "ea"),
        ({"tag": "vip"}, "e"),
        ({"text": "B DESK"}, "b"),
        ({"text": "desk", "industry": "legal", "status": "active"}, "bc"),
        ({"model": "other"}, ""),
    ],
)
def test_the_list_filters_and_sorts_with_pinned_ones_first(cloud: Cloud, query: Any, expected: str) -> None:
    workspace, named = fleet_of_five(cloud)
    letters = {name: letter for letter, name in named.items()}
    found = service.listed(cloud.call(workspace, now=NOW), Filter(**query)).items
    # Equal ones lie in the order in which they were made.
    assert sorted(letters[one.id] for one in found) == sorted(expected)
    if query.get("sort") != "-charge" and query.get("sort") != "-last_active":
        assert "".join(letters[one.id] for one in found) == expected
    else:
        assert "".join(letters[one.id] for one in found)[:3] == expected[:3]


def test_pages_follow_one_another_also_when_the_last_agent_shown_has_gone(cloud: Cloud) -> None:
    workspace, named = fleet_of_five(cloud)
    call = cloud.call(workspace, now=NOW)
    first = service.listed(call, Filter(page_size=2))
    assert [one.id for one in first.items] == [named["e"], named["a"]]
    token = first.next_page_token
    assert [one.id for one in service.listed(call, Filter(page_size=2, page_token=token)).items] == [
        named["b"],
        named["c"],
    ]
    service.delete(call, named["a"])
    rest = service.listed(call, Filter(page_size=10, page_token=token))
    assert [one.id for one in rest.items] == [named["b"], named["c"], named["d"]]
    assert rest.next_page_token is None


@pytest.mark.parametrize("token", ["x", page_token("a"), page_token("a", "b"), page_token("a", -5), page_token("a", 0)])
def test_a_token_that_is_none_is_refused(cloud: Cloud, token: str) -> None:
    with pytest.raises(Invalid):
        service.listed(cloud.call(cloud.workspace()), Filter(page_token=token))


@pytest.mark.parametrize(
    ("counters", "state"),
    [({}, "silent"), ({"turns": 9, "failed": 1}, "ok"), ({"turns": 9, "failed": 1, "abandoned": 1}, "failing")],
)
def test_health_is_what_a_glance_should_see(cloud: Cloud, counters: Any, state: str) -> None:
    workspace = cloud.workspace()
    name = agent(workspace)
    write(contracts.path(workspace, "rollups", "day_2026-11-25"), {"agents": {name: counters}})
    found, _ = service.one(cloud.call(workspace, now=NOW), name)
    assert found.health.state == state


@pytest.mark.parametrize(
    ("day", "month", "as_of"),
    [(None, None, None), (None, 5_000_000, 5), (7_000_000, 5_000_000, 7), (5_000_000, 7_000_000, 7)],
)
def test_figures_say_how_fresh_they_are(cloud: Cloud, day: int | None, month: int | None, as_of: int | None) -> None:
    workspace = cloud.workspace()
    quiet, call = agent(workspace), cloud.call(workspace, now=NOW)
    for name, micros in (("day_2026-11-25", day), ("month_2026-11", month)):
        if micros is not None:
            others = {"agents": {ids.new("agent"): {"turns": 1, "last_micros": micros}}, "as_of_micros": micros}
            write(contracts.path(workspace, "rollups", name), others)
    expected = None if as_of is None else datetime.fromtimestamp(as_of, UTC)
    assert service.one(call, quiet)[0].as_of == expected
    (listed,) = service.listed(call, Filter()).items
    assert (listed.as_of, listed.last_active) == (expected, None)


def test_a_key_without_the_scope_may_read_only(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name, key = agent(workspace), callers.machine(scopes=("read",))
    key.claims["workspace_id"] = str(workspace)
    callers.write(f"workspaces/{workspace}/api_keys/{key.claims['sub']}", {"scopes": ["read"]})
    assert room.ask("GET", "/api/my-agents", key).status_code == 200
    refused = room.ask("PATCH", f"/api/my-agents/{name}", key, {"note": "x"}, etag="0")
    assert (refused.status_code, content(refused)["code"]) == (403, "scope_missing")


def test_an_agent_is_made_by_the_wizard_and_tagged_by_the_fleet_once(wizard: type[Wizard], room: Room) -> None:
    someone = callers.person("member", wizard.workspace)
    body = {"definition": {"name": "Desk"}, "tags": ["new"], "note": "first"}
    made = room.ask("POST", "/api/my-agents", someone, body, key="k1")
    assert made.status_code == 201, made.text
    found = content(made)
    assert (found["name"], found["status"], found["tags"], found["note"]) == ("Desk", "draft", ["new"], "first")
    assert made.headers["Location"] == f"/api/my-agents/{found['id']}"
    assert content(room.ask("POST", "/api/my-agents", someone, body, key="k1")) == found
    assert len(content(room.ask("GET", "/api/my-agents", someone))["items"]) == 1
    plain = room.ask("POST", "/api/my-agents", someone, {"definition": {"name": "Plain"}})
    assert (plain.status_code, content(plain)["tags"]) == (201, [])


def test_what_the_wizard_refuses_is_refused_below_definition(wizard: type[Wizard], room: Room) -> None:
    someone = callers.person("member", wizard.workspace)
    refused = room.ask("POST", "/api/my-agents", someone, {"definition": {}})
    assert (refused.status_code, content(refused)["errors"][0]["pointer"]) == (422, "/definition/name")
    nameless = room.ask("POST", "/api/my-agents", someone, {"definition": {"name": "nameless"}})
    assert nameless.status_code == 503


def test_a_duplicate_is_copied_by_the_wizard_and_tagged_by_the_fleet_once(wizard: type[Wizard], room: Room) -> None:
    someone = callers.person("member", wizard.workspace)
    name = agent(wizard.workspace, status="active")
    write(contracts.path(wizard.workspace, "fleet", name), {"status": "active", "tags": ["vip"], "note": "old"})
    path = f"/api/my-agents/{name}/duplicate"
    made = room.ask("POST", path, someone, {"note": "for the branch"}, key="d1")
    assert made.status_code == 201, made.text
    found = content(made)
    assert (found["name"], found["status"], found["tags"], found["note"]) == (
        "Front desk (copy)",
        "draft",
        ["vip"],
        "for the branch",
    )
    assert found["id"] != name
    assert made.headers["Location"] == f"/api/my-agents/{found['id']}"
    assert content(room.ask("POST", path, someone, {"note": "for the branch"}, key="d1")) == found
    lose_answer(someone, "d1")
    assert content(room.ask("POST", path, someone, {"note": "for the branch"}, key="d1")) == found
    named = content(room.ask("POST", path, someone, {"name": "Second desk", "tags": []}))
    assert (named["name"], named["tags"]) == ("Second desk", [])
    assert len(content(room.ask("GET", "/api/my-agents", someone))["items"]) == 3
    assert room.ask("POST", f"/api/my-agents/{ids.new('agent')}/duplicate", someone, {}).status_code == 404


def test_what_was_changed_since_a_lost_answer_stays_when_the_making_is_repeated(
    wizard: type[Wizard], room: Room
) -> None:
    someone = callers.person("member", wizard.workspace)
    body = {"definition": {"name": "Desk"}, "tags": ["new"]}
    made = content(room.ask("POST", "/api/my-agents", someone, body, key="k1"))
    one = f"/api/my-agents/{made['id']}"
    changed = room.ask("PATCH", one, someone, {"tags": ["mine"]}, etag=etag(room.ask("GET", one, someone)))
    lose_answer(someone, "k1")
    assert content(room.ask("POST", "/api/my-agents", someone, body, key="k1")) == content(changed)


def test_a_restoration_is_made_once_for_each_key(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    someone, name = callers.person("admin", workspace), agent(workspace)
    path = f"/api/my-agents/{name}/restore"

    def delete() -> None:
        at = f"/api/my-agents/{name}"
        assert room.ask("DELETE", at, someone, etag=etag(room.ask("GET", at, someone))).status_code == 204

    delete()
    first = room.ask("POST", path, someone, key="r1")
    assert (first.status_code, content(first)["status"]) == (200, "paused")
    again = room.ask("POST", path, someone, key="r1")
    assert (again.status_code, content(again), etag(again)) == (200, content(first), etag(first))
    assert again.headers["Idempotent-Replayed"] == "true"
    lose_answer(someone, "r1")
    again = room.ask("POST", path, someone, key="r1")
    assert (content(again), etag(again)) == (content(first), etag(first))
    assert actions(workspace) == ["agent.deleted", "agent.restored"]
    # Deleted once more, it stays so, however often the lost answer is asked for.
    delete()
    for _ in range(2):
        lose_answer(someone, "r1")
        assert content(room.ask("POST", path, someone, key="r1"))["deleted_at"] is not None
    assert content(room.ask("POST", path, someone, key="r2"))["deleted_at"] is None


def test_a_whole_fleet_comes_in_one_call(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    someone = callers.person("viewer", workspace)
    for number in range(120):
        agent(workspace, name=f"Agent {number:03}")
    whole = content(room.ask("GET", "/api/my-agents?page_size=500", someone))
    assert [one["name"] for one in whole["items"]] == [f"Agent {number:03}" for number in range(120)]
    assert whole["next_page_token"] is None
    assert room.ask("GET", "/api/my-agents?page_size=501", someone).status_code == 422


def test_text_is_searched_in_name_tags_and_note(cloud: Cloud) -> None:
    workspace, named = fleet_of_five(cloud)
    write(contracts.path(workspace, "fleet", named["b"]), {"status": "active", "note": "Branch in Bonn"})
    call = cloud.call(workspace, now=NOW)
    for text, letters in (("VIP", "e"), ("bonn", "b"), ("c desk", "c"), ("nothing", "")):
        assert {one.id for one in service.listed(call, Filter(text=text)).items} == {
            named[letter] for letter in letters
        }
