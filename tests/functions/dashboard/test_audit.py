"""Who did what: pages without gap or repeat, every filter, and files that a spreadsheet takes without harm."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.dashboard import audit
from functions.dashboard.home_models import ActivityFilter
from functions.shared import contracts, firestore
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.rooms import Room, content, write
from tests.functions.shared.http import callers

NOW = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)


def entries(workspace: WorkspaceId, number: int) -> list[str]:
    names = []
    for place in range(number):
        name = f"act_{place:026d}"
        fields = {"actor": "system", "actor_name": "", "kind": "agent", "subject": "a", "name": "n", "action": "a.b"}
        # Three at a time share a moment, so that pages end between entries of the same time.
        write(f"workspaces/{workspace}/activity/{name}", {**fields, "at": NOW + timedelta(seconds=place // 3)})
        names.append(name)
    return names


def test_the_feed_pages_from_the_newest_without_gap_or_repeat(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    expected = entries(workspace, 8)[::-1]
    token, seen = None, []
    for _ in range(5):
        page = audit.page(workspace, ActivityFilter(page_size=2, page_token=token))
        seen += [entry.id for entry in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert seen == expected


def test_another_workspaces_page_token_is_refused(room: Room, cloud: Cloud) -> None:
    first, second = cloud.workspace(), cloud.workspace()
    entries(first, 3)
    token = audit.page(first, ActivityFilter(page_size=1)).next_page_token
    someone = callers.person("viewer", second)
    for bad in (token, "x", "W10"):
        refused = room.ask("GET", f"/api/dashboard/activity?page_token={bad}", someone)
        assert (refused.status_code, content(refused)["errors"][0]["pointer"]) == (422, "/page_token")


def entry(workspace: WorkspaceId, place: int, **fields: Any) -> str:
    """An entry, the later the higher its place."""
    name = f"act_{place:026d}"
    document = {
        "at": NOW + timedelta(minutes=place),
        "actor": "person:a",
        "actor_name": "Ann",
        "action": "agent.changed",
        "kind": "agent",
        "subject": "agt_1",
        "name": "Front desk",
        "before": {"name": "x"},
        "after": {"name": "y"},
        **fields,
    }
    write(contracts.path(workspace, "activity", name), document)
    return name


def found(workspace: WorkspaceId, **conditions: Any) -> list[str]:
    """The ids on all pages of two."""
    names: list[str] = []
    token = None
    while True:
        page = audit.page(workspace, ActivityFilter(page_size=2, page_token=token, **conditions))
        names += [one.id for one in page.items]
        token = page.next_page_token
        if token is None:
            return names


def test_each_filter_and_all_of_them_together(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    key = entry(workspace, 1, action="api_key.created", kind="api_key", subject="key_1")
    rotated = entry(workspace, 2, action="api_key.rotated", kind="api_key", subject="key_1", actor="person:b")
    agent = entry(workspace, 3)
    other = entry(workspace, 4, actor="person:b")
    system = entry(workspace, 5, actor="system", action="agent.published")
    assert found(workspace) == [system, other, agent, rotated, key]
    assert found(workspace, actor="person:b") == [other, rotated]
    assert found(workspace, action="api_key.") == [rotated, key]
    assert found(workspace, action="agent.published") == [system]
    assert found(workspace, kind="agent") == [system, other, agent]
    assert found(workspace, subject="key_1") == [rotated, key]
    assert found(workspace, subject="key_1", actor="person:b", kind="api_key", action="api_key.r") == [rotated]
    assert found(workspace, actor="person:b", kind="agent") == [other]
    span = {"from": NOW + timedelta(minutes=2), "to": NOW + timedelta(minutes=4)}
    assert found(workspace, **span) == [agent, rotated]
    assert found(workspace, kind="agent", **span) == [agent]
    assert found(cloud.workspace()) == []


def test_a_page_stops_looking_after_a_while_and_the_next_goes_on(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "AT_ONCE", 3)
    monkeypatch.setattr(audit, "MOST_READ", 3)
    workspace = cloud.workspace()
    wanted = [entry(workspace, place, action="a.rare" if place % 4 == 0 else "a.common") for place in range(9)][::4]
    first = audit.page(workspace, ActivityFilter(page_size=2, action="a.rare"))
    assert ([one.id for one in first.items], first.next_page_token is None) == ([wanted[2]], False)
    assert found(workspace, action="a.rare") == wanted[::-1]


def test_the_log_is_for_admins_and_keys_with_that_role(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    entry(workspace, 1)
    for role, status in (("viewer", 403), ("member", 403), ("admin", 200), ("owner", 200)):
        assert room.ask("GET", "/api/audit-log", callers.person(role, workspace)).status_code == status
    [seen] = content(room.ask("GET", "/api/audit-log?actor=person:a", callers.person("admin", workspace)))["items"]
    assert (seen["before"], seen["after"], seen["at"]) == ({"name": "x"}, {"name": "y"}, "2026-11-25T22:31:00Z")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=yesterday", "/from"),
        ("from=2026-11-25T00:00:00", "/from"),
        ("to=2026-11-25", "/to"),
        ("who=me", "/who"),
        ("page_size=101", "/page_size"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_by_name(room: Room, cloud: Cloud, query: str, pointer: str) -> None:
    refused = room.ask("GET", f"/api/audit-log?{query}", callers.person("admin", cloud.workspace()))
    assert (refused.status_code, content(refused)["errors"][0]["pointer"]) == (422, pointer)


def test_over_http_from_and_to_are_times(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    wanted = [entry(workspace, place) for place in range(4)][1:3]
    span = "from=2026-11-25T23:31:00%2B01:00&to=2026-11-25T22:33:00Z"
    seen = content(room.ask("GET", f"/api/audit-log?{span}", callers.person("admin", workspace)))["items"]
    assert [one["id"] for one in seen] == wanted[::-1]


def test_the_export_is_a_file_of_every_entry_that_fits(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for place in range(5):
        entry(workspace, place, kind="agent" if place else "widget", after={"name": 'y, "z"'})
    admin = callers.person("admin", workspace)
    lines = room.ask("GET", "/api/audit-log?kind=agent", admin, Accept="application/jsonl")
    assert lines.content_type == "application/jsonl"
    rows = [json.loads(line) for line in lines.text.splitlines()]
    assert [row["at"] for row in rows] == [f"2026-11-25T22:{minute}:00Z" for minute in (34, 33, 32, 31)]
    table = room.ask("GET", "/api/audit-log?kind=agent", admin, Accept="text/csv")
    assert table.content_type.startswith("text/csv")
    assert "attachment" in table.headers["Content-Disposition"]
    read = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["id"] for row in read] == [row["id"] for row in rows]
    assert json.loads(read[0]["after"]) == rows[0]["after"] == {"name": 'y, "z"'}
    assert content(room.ask("GET", "/api/audit-log", admin, Accept="*/*"))["items"]
    assert room.ask("GET", "/api/audit-log", callers.person("member", workspace), Accept="text/csv").status_code == 403


def test_a_file_that_would_be_too_long_says_how_to_go_on(
    room: Room, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MOST_EXPORTED", 2)
    workspace = cloud.workspace()
    names = [entry(workspace, place) for place in range(5)][::-1]
    admin = callers.person("admin", workspace)
    seen, path = [], "/api/audit-log"
    while path:
        part = room.ask("GET", path, admin, Accept="application/jsonl")
        seen += [json.loads(line)["id"] for line in part.text.splitlines()]
        token = part.headers.get("Next-Page-Token")
        path = f"/api/audit-log?page_token={token}" if token else ""
    assert seen == names


@given(st.text(max_size=20) | st.builds("".join, st.tuples(st.sampled_from("=+-@\t\r\n＝＋－＠"), st.text(max_size=9))))
def test_no_cell_is_a_formula(text: str) -> None:
    cell = audit._cell(text)
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
    assert cell in (text, f"'{text}")


def test_secrets_are_in_no_entry(cloud: Cloud) -> None:
    from functions.shared import activity

    workspace = cloud.workspace()
    batch = firestore.Batch()
    after = {"role": "admin", "secret": "s3cret", "nested": {"access_token": "s3cret"}}
    call = cloud.call(workspace)
    activity.record(batch, workspace, call.principal, "x.y", kind="x", subject="y", after=after, now=NOW)
    batch.commit()
    [shown] = audit.page(workspace, ActivityFilter()).items
    assert shown.after == {"role": "admin", "nested": {}}
