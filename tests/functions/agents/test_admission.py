"""Who is let in and who is refused, and why."""

import threading
from typing import Any

import pytest

from functions.agents import admission, repository
from functions.agents.providers import ModelUnavailable
from functions.agents.telling import Answered, Ended
from functions.shared import clock, contracts, firestore, metering
from functions.shared.contracts import BillingRead
from functions.shared.errors import CapReached, Conflict, Forbidden, Invalid, NotFound, TooMany, Unavailable
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents.talking import (
    Scripted,
    Visitor,
    a_widget,
    an_agent,
    everything_adds_up,
    long_ago,
    spend_of,
    usage_events,
    write,
)


def refused(kind: type[Exception], visitor: Visitor, **fields: Any) -> Any:
    with pytest.raises(kind) as raised:
        admission.admit(visitor.workspace, visitor.ask(**fields), Scripted())
    assert spend_of(visitor.workspace).get("holds", {}) == {}
    return raised.value


def test_a_repeat_while_the_turn_runs_is_told_to_wait(visitor: Visitor) -> None:
    turn = visitor.begin(key="k")
    with pytest.raises(Conflict) as raised:
        visitor.begin(key="k")
    assert (raised.value.code, raised.value.headers) == ("turn_in_progress", {"Retry-After": "1"})
    list(turn.events())
    again = admission.admit(visitor.workspace, visitor.ask(key="k"), Scripted())
    assert isinstance(again, Answered)
    assert again.turn.answer == "Good day."
    everything_adds_up(visitor.workspace, visitor)
    assert len(usage_events(visitor.workspace)) == 1


def test_a_conversation_has_one_turn_at_a_time(visitor: Visitor) -> None:
    turn = visitor.begin()
    with pytest.raises(Conflict) as raised:
        visitor.begin()
    assert (raised.value.code, raised.value.headers["Retry-After"]) == ("conversation_busy", "1")
    list(turn.events())
    visitor.turn()


def test_of_many_at_once_with_one_key_one_is_let_in(visitor: Visitor) -> None:
    admitted: list[Any] = []
    refusals: list[str] = []
    barrier = threading.Barrier(6)

    def one() -> None:
        ask = visitor.ask(key="k")
        barrier.wait()
        try:
            admitted.append(admission.admit(visitor.workspace, ask, Scripted()))
        except Conflict as error:
            refusals.append(error.code)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (turn,) = admitted
    assert refusals == ["turn_in_progress"] * 5
    list(turn.events())
    assert everything_adds_up(visitor.workspace, visitor) > 0


def test_a_commit_whose_answer_was_lost_is_found_to_be_ours(visitor: Visitor) -> None:
    ask = visitor.ask(key="k")
    first = admission.admit(visitor.workspace, ask, Scripted())
    again = admission.admit(visitor.workspace, ask, Scripted())
    assert not isinstance(first, Answered | Ended)
    assert not isinstance(again, Answered | Ended)
    assert first.hold == again.hold
    list(again.events())
    assert len(usage_events(visitor.workspace)) == 1


def test_a_key_for_another_message_is_a_conflict(visitor: Visitor) -> None:
    visitor.turn(key="k")
    assert refused(Conflict, visitor, message="Something else", key="k").code == "idempotency_conflict"


def test_a_key_whose_turn_was_erased_brings_neither_text_nor_a_free_turn(visitor: Visitor) -> None:
    visitor.turn(key="k")
    home = repository.conversation_path(visitor.workspace, visitor.conversation)
    turns = [turn.path for turn in repository.turns(visitor.workspace, visitor.conversation)]
    firestore.delete_tree([*turns, home])
    assert refused(Conflict, visitor, key="k").code == "idempotency_conflict"
    visitor.turn()
    assert refused(Conflict, visitor, key="k").code == "idempotency_conflict"


def test_a_key_that_was_used_in_another_conversation_is_a_conflict(visitor: Visitor) -> None:
    first = visitor.ask(key="k", conversation_id="cnv_" + "a" * 26)
    second = visitor.ask(key="k", conversation_id="cnv_" + "b" * 26)
    turn = admission.admit(visitor.workspace, first, Scripted())
    with pytest.raises(Conflict) as raised:
        admission.admit(visitor.workspace, second, Scripted())
    assert raised.value.code == "turn_in_progress"
    assert not isinstance(turn, Answered | Ended)
    list(turn.events())
    with pytest.raises(Conflict) as raised:
        admission.admit(visitor.workspace, second, Scripted())
    assert raised.value.code == "idempotency_conflict"


def test_a_turn_that_died_is_lost_and_frees_its_conversation(workspace: WorkspaceId, visitor: Visitor) -> None:
    visitor.begin(key="k", asked_at=long_ago())
    for _ in range(2):
        lost = admission.admit(workspace, visitor.ask(key="k"), Scripted())
        assert isinstance(lost, Ended)
        assert lost.problem.code == "turn_lost"
    visitor.turn()
    # Swept by the next turn, it stays lost.
    lost = admission.admit(workspace, visitor.ask(key="k"), Scripted())
    assert isinstance(lost, Ended)
    rows = {row["outcome"]: row for row in usage_events(workspace)}
    assert (rows["abandoned"]["charge_nanos"], rows["abandoned"]["new_conversation"]) == (0, False)
    assert rows["completed"]["new_conversation"] is True
    everything_adds_up(workspace, visitor)


def test_a_dead_hold_whose_event_is_there_does_not_stop_the_sweep(workspace: WorkspaceId, visitor: Visitor) -> None:
    turn = visitor.begin(asked_at=long_ago())
    write(contracts.path(workspace, "events", turn.hold.turn), {"topic": "usage-recorded", "row": {}})
    month = clock.month_of(turn.hold.occurred_at)
    assert metering.sweep(workspace, month, clock.now()) == 0
    assert firestore.get(contracts.path(workspace, "spend", month)).data["holds"] == {}


def test_another_caller_s_conversation_is_not_found(cloud: Cloud, workspace: WorkspaceId, visitor: Visitor) -> None:
    visitor.turn()
    other = Visitor(cloud, workspace, visitor.agent, visitor.widget)
    refused(NotFound, other, conversation_id=visitor.conversation)
    refused(NotFound, visitor, conversation_id="cnv_" + "a" * 26, may_open=False)


def test_an_agent_of_another_workspace_is_not_found(cloud: Cloud, visitor: Visitor) -> None:
    stranger = Visitor(cloud, cloud.workspace(), visitor.agent)
    refused(NotFound, stranger)
    refused(NotFound, stranger, channel="playground", widget_id=None)


@pytest.mark.parametrize("status", ["draft", "paused", "archived"])
def test_only_an_active_agent_answers_visitors_and_programs(cloud: Cloud, workspace: WorkspaceId, status: str) -> None:
    visitor = Visitor(cloud, workspace, an_agent(workspace, status=status))
    assert refused(Conflict, visitor).code == "agent_paused"
    assert refused(Conflict, visitor, channel="api", widget_id=None).code == "agent_paused"
    visitor.turn(channel="playground", widget_id=None)


def test_an_answer_that_was_given_is_found_when_the_agent_is_paused(visitor: Visitor) -> None:
    visitor.turn(key="k")
    write(contracts.path(visitor.workspace, "fleet", visitor.agent), {"status": "paused", "deleted_at": None})
    assert isinstance(admission.admit(visitor.workspace, visitor.ask(key="k"), Scripted()), Answered)


def test_a_deleted_agent_is_not_found(visitor: Visitor) -> None:
    write(contracts.path(visitor.workspace, "fleet", visitor.agent), {"status": "active", "deleted_at": clock.now()})
    refused(NotFound, visitor)
    refused(NotFound, visitor, channel="playground", widget_id=None)


def test_a_draft_answers_only_where_it_is_asked_for(cloud: Cloud, workspace: WorkspaceId) -> None:
    visitor = Visitor(cloud, workspace, an_agent(workspace, published=False))
    assert refused(Conflict, visitor).code == "not_published"
    provider = Scripted()
    visitor.turn(provider, channel="playground", widget_id=None, draft=True)
    assert "Ada" in provider.requests[0].system
    assert usage_events(workspace)[0]["version_id"] is None


@pytest.mark.parametrize(
    ("fields", "kind", "code"),
    [
        ({"allowed_origins": []}, Forbidden, "origin_not_allowed"),
        ({"allowed_origins": ["https://other.example"]}, Forbidden, "origin_not_allowed"),
        ({"deleted_at": "2026-01-01T00:00:00Z"}, NotFound, "not_found"),
        ({"agent_id": "agt_another"}, NotFound, "not_found"),
    ],
)
def test_a_widget_that_changed_after_the_session_began_counts_at_the_turn(
    visitor: Visitor, fields: dict[str, Any], kind: type[Exception], code: str
) -> None:
    path = contracts.path(visitor.workspace, "widgets", visitor.widget)
    write(path, {**firestore.get(path).data, **fields})
    assert refused(kind, visitor).code == code


def test_a_widget_that_is_gone_is_not_found(visitor: Visitor) -> None:
    firestore.delete_tree([contracts.path(visitor.workspace, "widgets", visitor.widget)])
    refused(NotFound, visitor)


def test_a_session_has_a_pace(cloud: Cloud, workspace: WorkspaceId, visitor: Visitor) -> None:
    slow = Visitor(cloud, workspace, visitor.agent, a_widget(workspace, visitor.agent, turns_per_hour=2))
    slow.turn()
    slow.turn()
    problem = refused(TooMany, slow)
    assert problem.code == "pace"
    assert 1 <= int(problem.headers["Retry-After"]) <= 3600
    Visitor(cloud, workspace, visitor.agent, slow.widget).turn()


def terms(workspace: WorkspaceId, **fields: Any) -> None:
    account = BillingRead(paid_once=True, **fields)
    write(contracts.path(workspace, "billing", "account"), account.model_dump())


def test_a_cap_that_is_spent_refuses_with_402_and_the_business_hears_of_it_once(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor
) -> None:
    terms(workspace, cap_nanos=1_000)
    for _ in range(2):
        with pytest.raises(CapReached) as raised:
            visitor.begin(channel="playground", widget_id=None)
        assert (raised.value.status, raised.value.code) == (402, "cap_reached")
    # Published at once: nothing is left to the relay.
    assert [row["facts"]["refused"] for row in cloud.published("notifications", workspace)] == ["cap"]
    stored = firestore.find(firestore.Query(contracts.path(workspace, "events")))
    assert [one.data["row"]["type"] for one in stored if "unsent" not in one.data] == ["cap.alert"]


def capped(cloud: Cloud, permille: int, **fields: Any) -> tuple[Visitor, Visitor]:
    """Two visitors of a workspace whose cap is that many thousandths of a turn's highest price."""
    other = cloud.workspace()
    amount = Visitor(cloud, other, an_agent(other)).begin().hold.amount
    workspace = cloud.workspace()
    terms(workspace, cap_nanos=amount * permille // 1000, **fields)
    agent = an_agent(workspace)
    return Visitor(cloud, workspace, agent), Visitor(cloud, workspace, agent)


def test_a_cap_that_other_turns_hold_is_busy(cloud: Cloud) -> None:
    first, second = capped(cloud, 1500, visitor_hour_permille=1000, visitor_day_permille=1000)
    turn = first.begin()
    with pytest.raises(Unavailable) as raised:
        second.begin()
    assert (raised.value.code, raised.value.headers) == ("cap_busy", {"Retry-After": "2"})
    list(turn.events())
    second.turn()


def test_visitors_take_only_their_share_of_a_cap(cloud: Cloud) -> None:
    visitor, _ = capped(cloud, 5000)
    problem = refused(TooMany, visitor)
    assert problem.code == "visitor_share"
    assert 1 <= int(problem.headers["Retry-After"]) <= 3600
    visitor.turn(channel="playground", widget_id=None)


@pytest.mark.parametrize(
    "model",
    [
        {"provider": "vertexai", "id": "gemini-0"},
        {"provider": "vertexai", "id": "gemini-2.5-pro"},
        {"provider": "openai", "id": "llama-nobody-priced"},
        {"provider": "nobody", "id": "x"},
    ],
)
def test_a_model_that_is_unknown_retired_or_unpriced_is_no_free_turn(
    cloud: Cloud, workspace: WorkspaceId, model: dict[str, Any]
) -> None:
    visitor = Visitor(cloud, workspace, an_agent(workspace, model=model))
    problem = refused(Invalid, visitor)
    assert (problem.code, problem.errors[0]["pointer"]) == ("unknown_model", "/model/id")


def test_a_place_that_costs_more_is_rated_as_such(
    cloud: Cloud, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERTEX_LOCATION", "eu")
    visitor = Visitor(cloud, workspace, an_agent(workspace, model={"provider": "vertexai", "id": "gemini-3.5-flash"}))
    visitor.turn()
    (row,) = usage_events(workspace)
    assert (row["region"], row["cost_nanos"]) == ("eu", (100 * 1_500 + 20 * 150 + 10 * 9_000) * 11 // 10)


def test_a_hold_that_failed_leaves_nothing_behind(workspace: WorkspaceId, visitor: Visitor) -> None:
    with pytest.raises(Unavailable):
        visitor.turn(Scripted(ModelUnavailable("503")))
    assert spend_of(workspace)["holds"] == {}
    assert visitor.home()["running"] == {}


@pytest.mark.parametrize("begun", [False, True])
def test_a_suspended_workspace_refuses_the_next_turn_and_goes_on_afterwards(visitor: Visitor, begun: bool) -> None:
    if begun:
        visitor.turn()
    path = metering.spend_path(visitor.workspace, clock.now())

    def standing(state: str) -> None:
        batch = firestore.Batch()
        home = {**firestore.get(contracts.workspace_path(visitor.workspace)).data, "state": state}
        metering.write_standing(batch, visitor.workspace, home, firestore.get(path))
        batch.commit()

    before = spend_of(visitor.workspace).get("spent_nanos", 0)
    standing("suspended")
    assert refused(Conflict, visitor).code == "workspace_suspended"
    assert spend_of(visitor.workspace)["spent_nanos"] == before
    standing("active")
    visitor.turn()
    assert spend_of(visitor.workspace)["spent_nanos"] > before
