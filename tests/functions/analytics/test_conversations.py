"""Conversations are found by agent and words, page by page, and read whole."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.analytics import conversations
from functions.analytics.query_models import ConversationFilter, TranscriptQuery
from functions.shared import contracts, firestore, ids, logs, words
from functions.shared.contracts import TurnRead
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.rooms import Room, content, write
from tests.functions.shared.http import callers

START = datetime(2026, 11, 25, 12, tzinfo=UTC)


def conversation(workspace: WorkspaceId, place: int, text: str, agent: str = "agt_a", **fields: Any) -> str:
    """A conversation as agents-chat stores it."""
    name = ids.conversation_of(ids.secret(8))
    document = {
        "agent_id": agent,
        "channel": "widget",
        "title": text[:80],
        "words": words.significant(text),
        "turn_count": 1,
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_nanos": 7,
        "charge_nanos": 9,
        "history": [{"message": "private", "answer": "x" * 1000}],
        "created_at": START,
        "updated_at": START + timedelta(minutes=place),
    }
    write(f"workspaces/{workspace}/conversations/{name}", {**document, **fields})
    return name


def search(cloud: Cloud, workspace: WorkspaceId, **query: Any) -> list[str]:
    """All pages of a search."""
    seen: list[str] = []
    token = None
    while True:
        page = conversations.listed(
            cloud.call(workspace), ConversationFilter.model_validate({"page_token": token, **query})
        )
        assert len(page.items) <= query.get("page_size", 20)
        seen += [item.id for item in page.items]
        token = page.next_page_token
        if token is None:
            return seen


def test_conversations_come_the_latest_first_page_by_page(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    made = [conversation(workspace, place, "x") for place in (1, 2, 3, 4, 5)]
    assert search(cloud, workspace, page_size=2) == made[::-1]
    assert search(cloud, cloud.workspace(), page_size=2) == []


def test_they_are_found_by_agent_and_by_all_the_words_in_any_spelling(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    both = conversation(workspace, 1, "What does whitening cost in Zürich?")
    one = conversation(workspace, 2, "whitening appointment", "agt_b")
    conversation(workspace, 3, "opening hours")
    assert search(cloud, workspace, q="WHITENING") == [one, both]
    assert search(cloud, workspace, q="zurich whitening") == [both]
    assert search(cloud, workspace, q="whitening", agent_id="agt_b") == [one]
    assert search(cloud, workspace, agent_id="agt_b") == [one]
    assert search(cloud, workspace, q="whitening nowhere") == []
    assert search(cloud, workspace, q="the") == []
    assert search(cloud, workspace, q="?!") == []


def test_a_page_is_filled_from_behind_those_that_lack_a_word(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    wanted = [conversation(workspace, place, "appointment price") for place in (1, 2)]
    for place in range(3, 12):
        conversation(workspace, place, "appointment")
    first = conversations.listed(cloud.call(workspace), ConversationFilter(q="appointment price", page_size=2))
    assert [item.id for item in first.items] == wanted[::-1]
    assert search(cloud, workspace, q="appointment price", page_size=1) == wanted[::-1]


def test_they_are_found_by_what_they_have(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    plain = conversation(workspace, 1, "whitening", widget_id="wgt_a", outcome="failed")
    asked = conversation(
        workspace, 2, "whitening", visitor_id="vis_1", handed_off=True, hand_off={"state": "waiting"}, channel="api"
    )
    done = conversation(
        workspace, 3, "hours", "agt_b", visitor_id="vis_1", handed_off=True, hand_off={"state": "done"}, resolved=True,
        rating=2,
    )  # fmt: skip
    lead = conversation(workspace, 4, "hours", rating=5, lead={"email": "a@b.example", "left_at": START}, resolved=True)
    expected = {
        (): [lead, done, asked, plain],
        (("visitor_id", "vis_1"),): [done, asked],
        (("visitor_id", "vis_1"), ("agent_id", "agt_b")): [done],
        (("visitor_id", "vis_1"), ("q", "whitening")): [asked],
        (("handed_off", True),): [done, asked],
        (("handed_off", True), ("q", "whitening")): [asked],
        (("handed_off", True), ("agent_id", "agt_a")): [asked],
        (("handed_off", False),): [lead, plain],
        (("hand_off", "waiting"),): [asked],
        (("resolved", True),): [lead, done],
        (("resolved", True), ("agent_id", "agt_a")): [lead],
        (("resolved", False), ("q", "whitening")): [asked, plain],
        (("min_rating", 3),): [lead],
        (("max_rating", 3),): [done],
        (("min_rating", 2), ("max_rating", 5)): [lead, done],
        (("has_lead", True),): [lead],
        (("has_lead", False),): [done, asked, plain],
        (("channel", "api"),): [asked],
        (("widget_id", "wgt_a"),): [plain],
        (("outcome", "failed"),): [plain],
        (("visitor_id", "vis_2"),): [],
    }
    for conditions, found in expected.items():
        for size in (1, 20):
            assert search(cloud, workspace, page_size=size, **dict(conditions)) == found, conditions


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/Santiago"])
def test_they_are_found_by_the_workspaces_own_days(cloud: Cloud, zone: str) -> None:
    workspace = cloud.workspace(time_zone=zone)
    days = [datetime(2026, 9, day, tzinfo=ZoneInfo(zone)) for day in (5, 6, 7)]
    starts = [conversation(workspace, 0, "x", updated_at=day.astimezone(UTC)) for day in days]
    ends = [
        conversation(workspace, 0, "x", "agt_b", updated_at=day.astimezone(UTC) - timedelta(microseconds=1))
        for day in days
    ]
    assert search(cloud, workspace, **{"from": "2026-09-06", "to": "2026-09-06"}) == [ends[2], starts[1]]
    assert search(cloud, workspace, **{"from": "2026-09-06", "agent_id": "agt_a"}) == [starts[2], starts[1]]
    assert search(cloud, workspace, to="2026-09-05", agent_id="agt_b") == [ends[1], ends[0]]
    assert search(cloud, workspace, **{"from": "2026-09-08"}) == []


def test_days_that_are_reversed_are_refused(room: Room, cloud: Cloud) -> None:
    someone = callers.person("viewer", cloud.workspace())
    refused = room.ask("GET", "/api/conversations?from=2026-09-07&to=2026-09-06", someone)
    assert (refused.status_code, content(refused)["errors"][0]["pointer"]) == (422, "/from")


def test_a_search_reads_a_bounded_number_and_goes_on_where_it_stopped(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    oldest = conversation(workspace, 0, "x", resolved=True)
    batch = firestore.Batch()
    for place in range(1, conversations.MOST_READ + 1):
        document = {"agent_id": "agt_a", "channel": "api", "created_at": START}
        batch.set(
            contracts.path(workspace, "conversations", f"cnv_{place}"),
            {**document, "updated_at": START + timedelta(minutes=place)},
        )
    batch.commit()
    with logs.request() as operations:
        page = conversations.listed(cloud.call(workspace), ConversationFilter(resolved=True))
    assert (page.items, operations["firestore_reads"]) == ([], conversations.MOST_READ)
    rest = conversations.listed(
        cloud.call(workspace), ConversationFilter(resolved=True, page_token=page.next_page_token)
    )
    assert ([item.id for item in rest.items], rest.next_page_token) == ([oldest], None)


def test_an_item_has_its_sums_and_not_what_was_said(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = conversation(workspace, 1, "hello there", visitor_id="vis_1", handed_off=True)
    answer = room.ask("GET", "/api/conversations", callers.person("viewer", workspace))
    [item] = content(answer)["items"]
    assert (item["id"], item["tokens"], item["turns"], item["handed_off"]) == (name, 15, 1, True)
    assert item["charge"] == {"amount": "0.000000009", "currency": "USD"}
    assert "private" not in answer.text


def turn(workspace: WorkspaceId, conversation: str, seq: int, **fields: Any) -> None:
    """A turn as agents-chat stores it."""
    stored = TurnRead(
        seq=seq,
        message_id=f"msg_{seq}",
        message=f"Question {seq}",
        answer=f"Answer {seq}",
        outcome="completed",
        input_tokens=10,
        occurred_at=START,
        completed_at=START,
        **fields,
    )
    write(f"workspaces/{workspace}/conversations/{conversation}/turns/{ids.hashed(str(seq))}", stored.model_dump())


def test_a_transcript_has_every_answer_with_what_is_known_of_it(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = conversation(workspace, 1, "x", page_url="https://shop.example/a", locale="de")
    source = {"number": 1, "item_id": "kno_1", "title": "Prices", "text": "89", "score": 0.5}
    turn(workspace, name, 2, feedback="up", comment="good", actions=("hand_off",), charge_nanos=12)
    turn(workspace, name, 1, sources=(source,), latency_ms=350)
    found = content(room.ask("GET", f"/api/conversations/{name}", callers.person("viewer", workspace)))
    assert (found["page_url"], found["locale"]) == ("https://shop.example/a", "de")
    first, second = found["transcript"]
    assert (first["message"], first["sources"], first["latency_ms"]) == ("Question 1", [source], 350)
    assert (first["input_tokens"], first["output_tokens"]) == (10, None), "pending is not zero"
    assert (second["feedback"], second["comment"], second["actions"]) == ("up", "good", ["hand_off"])
    assert second["charge"] == {"amount": "0.000000012", "currency": "USD"}


def test_of_a_long_conversation_the_latest_turns_are_shown_in_order(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = conversation(workspace, 1, "x")
    for seq in range(1, 204):
        turn(workspace, name, seq)
    found, _ = conversations.one(cloud.call(workspace), name, TranscriptQuery())
    assert [one.seq for one in found.transcript] == list(range(4, 204))
    assert found.earlier == 4
    first, _ = conversations.one(cloud.call(workspace), name, TranscriptQuery(before=found.earlier))
    assert ([one.seq for one in first.transcript], first.earlier) == ([1, 2, 3], None)
    none, _ = conversations.one(cloud.call(workspace), name, TranscriptQuery(before=1))
    assert (none.transcript, none.earlier) == ([], None)


def test_who_has_the_conversation_as_it_is_gets_it_no_second_time(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = conversation(workspace, 1, "x", lead={"email": "a@b.example", "left_at": START})
    turn(workspace, name, 1)

    def get(role: str, known: str | None = None) -> tuple[int, str]:
        headers = {} if known is None else {"If_None_Match": known}
        found = room.ask("GET", f"/api/conversations/{name}", callers.person(role, workspace), **headers)
        return found.status_code, found.headers["ETag"]

    status, first = get("viewer")
    assert (status, get("viewer", first)) == (200, (304, first))
    # Who sees more of it has another one.
    assert get("owner", first)[0] == 200
    # A thumb is on the turn alone, and is shown.
    turn(workspace, name, 1, feedback="up")
    status, second = get("viewer", first)
    assert (status, second != first) == (200, True)


def test_another_workspaces_conversation_is_not_there(room: Room, cloud: Cloud) -> None:
    first, second = cloud.workspace(), cloud.workspace()
    foreign = conversation(first, 1, "x")
    conversation(first, 2, "y")
    someone = callers.person("owner", second)
    for name in (foreign, ids.conversation_of("x"), "cnv_1", "x"):
        assert room.ask("GET", f"/api/conversations/{name}", someone).status_code == 404
    token = conversations.listed(cloud.call(first), ConversationFilter(page_size=1)).next_page_token
    assert room.ask("GET", f"/api/conversations?page_token={token}", someone).status_code == 422
    assert content(room.ask("GET", "/api/conversations", someone))["items"] == []


def test_a_transcript_shows_hand_off_lead_stars_and_what_the_model_did_not_see(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    lead = {"name": "Ana", "email": "ana@example.com", "consent": "I agree.", "left_at": START}
    state = {"state": "taken", "note": "Call me", "taken_by": "person:uid1", "asked_at": START}
    name = conversation(
        workspace,
        1,
        "Hello",
        lead=lead,
        hand_off=state,
        handed_off=True,
        rating=4,
        rating_comment="Good",
        resolved=True,
    )
    turn = TurnRead(
        seq=9, message_id="msg_1", message="Hello", answer="Hi", outcome="completed", history_turns=6, history_cut=2,
        occurred_at=START, completed_at=START,
    )  # fmt: skip
    write(f"workspaces/{workspace}/conversations/{name}/turns/t1", turn.model_dump())
    shown = content(room.ask("GET", f"/api/conversations/{name}", callers.person("member", workspace)))
    assert (shown["lead"]["consent"], shown["hand_off"]["state"], shown["hand_off"]["note"]) == (
        "I agree.",
        "taken",
        "Call me",
    )
    assert (shown["lead"]["state"], shown["lead"]["staff_note"], shown["lead"]["taken_by"]) == ("waiting", None, None)
    assert (shown["rating"], shown["rating_comment"], shown["resolved"], shown["has_lead"]) == (4, "Good", True, True)
    # Who may not list the leads reads no contact details here either.
    seen = content(room.ask("GET", f"/api/conversations/{name}", callers.person("viewer", workspace)))
    assert (seen["lead"], seen["has_lead"], seen["hand_off"]["note"]) == (None, True, "Call me")
    assert (shown["transcript"][0]["history_turns"], shown["transcript"][0]["history_cut"]) == (6, 2)
    quiet = conversation(workspace, 2, "Hello")
    shown = content(room.ask("GET", f"/api/conversations/{quiet}", callers.person("viewer", workspace)))
    assert (shown["lead"], shown["hand_off"], shown["rating"], shown["has_lead"]) == (None, None, None, False)
