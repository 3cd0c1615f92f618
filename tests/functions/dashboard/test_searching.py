"""One search finds agents and widgets by name, conversations by words, invoices by number, everything by id."""

from datetime import UTC, datetime
from typing import Any

from functions.dashboard import searching
from functions.shared import contracts, ids
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.rooms import Room, agent, content, write
from tests.functions.shared.http import callers

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def thing(workspace: WorkspaceId, collection: str, kind: str, **fields: Any) -> str:
    name = ids.new(kind)
    write(contracts.path(workspace, collection, name), fields)
    return name


def stocked(workspace: WorkspaceId) -> dict[str, str]:
    """One of each kind."""
    conversation = {"title": "Opening hours", "words": ["opening", "saturday"], "updated_at": NOW, "created_at": NOW}
    return {
        "agent": agent(workspace, name="Café Reception"),
        "widget": thing(workspace, "widgets", "widget", name="Shop's cafe", deleted_at=None, created_at=NOW),
        "conversation": thing(workspace, "conversations", "conversation", **conversation),
        "invoice": thing(workspace, "invoices", "invoice", number="LINDEN-2026-0001", period="2026-10"),
    }


def hits(workspace: WorkspaceId, text: str) -> list[tuple[str, str]]:
    return [(hit.kind, hit.id) for hit in searching.search(workspace, text)]


def test_names_are_found_by_any_part_whatever_the_accents(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    made = stocked(workspace)
    assert hits(workspace, " CAFE ") == [("agent", made["agent"]), ("widget", made["widget"])]
    assert hits(workspace, "recept") == [("agent", made["agent"])]
    assert hits(workspace, "nothing") == []
    assert hits(workspace, "   ") == []


def test_names_that_begin_so_come_first(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    later, first = agent(workspace, name="The booking desk"), agent(workspace, name="Booking")
    assert hits(workspace, "book") == [("agent", first), ("agent", later)]


def test_conversations_are_found_by_all_words_and_invoices_by_the_beginning_of_their_number(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    made = stocked(workspace)
    assert hits(workspace, "Saturday opening") == [("conversation", made["conversation"])]
    assert hits(workspace, "saturday sunday") == []
    assert hits(workspace, "linden-2026") == [("invoice", made["invoice"])]
    assert hits(workspace, "0001") == []


def test_an_id_finds_the_thing_itself(cloud: Cloud) -> None:
    workspace, other = cloud.workspace(), cloud.workspace()
    made, foreign = stocked(workspace), stocked(other)
    for kind, name in made.items():
        assert hits(workspace, name) == [(kind, name)]
        assert hits(workspace, foreign[kind]) == []
    assert hits(workspace, ids.new("agent")) == []


def test_what_is_deleted_is_not_found(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    gone = agent(workspace, name="Old desk")
    write(contracts.path(workspace, "fleet", gone), {"status": "active", "deleted_at": NOW})
    widget = thing(workspace, "widgets", "widget", name="Old desk", deleted_at=NOW, created_at=NOW)
    assert [hits(workspace, text) for text in ("old", gone, widget)] == [[], [], []]


def test_ten_of_a_kind_are_enough(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for number in range(12):
        agent(workspace, name=f"Desk {number:02d}")
    assert len(hits(workspace, "desk")) == 10


def test_over_http_a_search_needs_words_and_stays_in_its_workspace(room: Room, cloud: Cloud) -> None:
    workspace, other = cloud.workspace(), cloud.workspace()
    made = stocked(workspace)
    found = content(room.ask("GET", "/api/dashboard/search?q=caf%C3%A9", callers.person("viewer", workspace)))["items"]
    assert [(one["kind"], one["id"], one["name"]) for one in found] == [
        ("agent", made["agent"], "Café Reception"),
        ("widget", made["widget"], "Shop's cafe"),
    ]
    assert content(room.ask("GET", "/api/dashboard/search?q=cafe", callers.person("viewer", other)))["items"] == []
    for query in ("", "?q=", f"?q={'x' * 201}", "?q=a&q=b"):
        assert room.ask("GET", f"/api/dashboard/search{query}", callers.person("viewer", other)).status_code == 422
