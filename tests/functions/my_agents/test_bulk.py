"""Many at once: each agent has its outcome, one that fails stops no other, and a repeat tells the same."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.my_agents import bulk, changes, service
from functions.my_agents.models import Bulk, Filter, StatusChange
from functions.shared import clock, contracts, firestore, ids, logs
from functions.shared.contracts import FleetRead
from functions.shared.errors import Conflict, Invalid
from functions.shared.firestore import Query
from functions.shared.http import Call
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.rooms import Room, agent, content, lose_answer, write
from tests.functions.shared.http import callers


def states(workspace: WorkspaceId) -> dict[str, FleetRead]:
    found = firestore.find(Query(contracts.path(workspace, "fleet")))
    return {one.id: FleetRead.model_validate(one.data) for one in found}


def actions(workspace: WorkspaceId) -> Counter[str]:
    return Counter(one.data["action"] for one in firestore.find(Query(contracts.path(workspace, "activity"))))


def outcomes(answer: Any) -> list[tuple[str, str | None]]:
    return [(one["outcome"], one["code"]) for one in answer["outcomes"]]


def test_every_agent_has_its_outcome_and_one_that_is_refused_stops_no_other(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    member = callers.person("member", workspace)
    active, paused, archived = (agent(workspace, status=status) for status in ("active", "paused", "archived"))
    unpublished = agent(workspace, status=None, published_version=None)
    foreign, unknown = agent(cloud.workspace()), ids.new("agent")
    wanted = [archived, active, paused, unpublished, foreign, unknown, "nonsense"]
    answer = room.ask("POST", "/api/my-agents/bulk", member, {"action": "enable", "ids": wanted, "reason": "season"})
    assert answer.status_code == 200, answer.text
    found = content(answer)
    assert [one["agent_id"] for one in found["outcomes"]] == wanted
    assert outcomes(found) == [
        ("refused", "transition_refused"),
        ("unchanged", None),
        ("done", None),
        ("refused", "not_published"),
        ("refused", "not_found"),
        ("refused", "not_found"),
        ("refused", "not_found"),
    ]
    assert (found["done"], found["unchanged"], found["refused"], found["failed"]) == (1, 1, 5, 0)
    assert {name: one.status for name, one in states(workspace).items()} == {
        active: "active",
        paused: "active",
        archived: "archived",
    }
    assert actions(workspace) == {"agent.activated": 1}
    history = content(room.ask("GET", f"/api/my-agents/{paused}/status", member))["history"]
    assert (history[0]["reason"], history[0]["status"]) == ("season", "active")


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ({"action": "disable"}, {"status": "paused"}),
        ({"action": "archive"}, {"status": "archived"}),
        ({"action": "tag", "tags": ["new", "old"]}, {"tags": ("old", "new")}),
        ({"action": "untag", "tags": ["old", "other"]}, {"tags": ()}),
    ],
)
def test_each_action_does_what_it_says(cloud: Cloud, body: Any, after: Any) -> None:
    workspace = cloud.workspace()
    names = [agent(workspace) for _ in range(3)]
    for name in names:
        write(contracts.path(workspace, "fleet", name), {"status": "active", "tags": ["old"]})
    answer = bulk.run(cloud.call(workspace), Bulk(ids=names, **body))
    assert answer.done == 3
    assert all(getattr(one, field) == value for one in states(workspace).values() for field, value in after.items())
    again = bulk.run(cloud.call(workspace), Bulk(ids=names, **body))
    assert (again.done, again.unchanged) == (0, 3)


def test_deleting_and_restoring_need_an_admin(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    name = agent(workspace)
    for action in ("delete", "restore"):
        body = {"action": action, "ids": [name]}
        refused = room.ask("POST", "/api/my-agents/bulk", callers.person("member", workspace), body)
        assert (refused.status_code, content(refused)["code"]) == (403, "role_too_low")
        assert content(room.ask("POST", "/api/my-agents/bulk", callers.person("admin", workspace), body))["done"] == 1
    assert states(workspace)[name].status == "paused"
    assert states(workspace)[name].deleted_at is None


def test_a_dry_run_says_the_same_and_writes_nothing(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    names = [agent(workspace, status=status) for status in ("active", "paused", "archived")]
    before = states(workspace)
    dry = bulk.run(cloud.call(workspace), Bulk(action="disable", ids=names, dry_run=True))
    assert (states(workspace), actions(workspace)) == (before, {})
    real = bulk.run(cloud.call(workspace), Bulk(action="disable", ids=names))
    assert dry.outcomes == real.outcomes
    assert dry.dry_run


@pytest.mark.parametrize(
    ("conditions", "letters"),
    [
        ({}, "ab"),
        ({"status": "paused"}, "b"),
        ({"industry": "legal"}, "b"),
        ({"tag": "vip"}, "a"),
        ({"text": "desk"}, "ab"),
    ],
)
def test_a_filter_chooses_as_the_list_does(cloud: Cloud, conditions: Any, letters: str) -> None:
    workspace = cloud.workspace()
    named = {
        "a": agent(workspace, name="First desk"),
        "b": agent(workspace, status="paused", name="Second desk", industry="legal"),
        "gone": agent(workspace),
    }
    write(contracts.path(workspace, "fleet", named["a"]), {"status": "active", "tags": ["vip"]})
    call = cloud.call(workspace)
    service.delete(call, named["gone"])
    answer = bulk.run(call, Bulk.model_validate({"action": "tag", "tags": ["x"], "filter": conditions}))
    assert [one.agent_id for one in answer.outcomes] == [named[letter] for letter in letters]
    listed = service.listed(call, Filter(**conditions)).items
    assert {one.id for one in listed} == {one.agent_id for one in answer.outcomes}


def test_more_agents_than_one_call_takes_are_refused_before_anything_is_done(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = cloud.workspace()
    for _ in range(3):
        agent(workspace)
    monkeypatch.setattr(bulk, "MOST_IN_BULK", 2)
    with pytest.raises(Invalid) as refused:
        bulk.run(cloud.call(workspace), Bulk.model_validate({"action": "disable", "filter": {}}))
    assert refused.value.code == "too_many_agents"
    assert actions(workspace) == {}


@pytest.mark.parametrize(
    "body",
    [
        {"action": "enable"},
        {"action": "enable", "ids": []},
        {"action": "enable", "ids": ["agt_1"], "filter": {}},
        {"action": "enable", "ids": ["agt_1"], "tags": ["x"]},
        {"action": "tag", "ids": ["agt_1"]},
        {"action": "tag", "ids": ["agt_1"], "tags": []},
        {"action": "publish", "ids": ["agt_1"]},
        {"action": "enable", "ids": ["agt_1/../x"]},
        {"action": "enable", "ids": [f"agt_{number}" for number in range(501)]},
        {"action": "enable", "filter": {"colour": "red"}},
    ],
)
def test_what_is_no_bulk_is_refused(room: Room, cloud: Cloud, body: Any) -> None:
    someone = callers.person("owner", cloud.workspace())
    assert room.ask("POST", "/api/my-agents/bulk", someone, body).status_code == 422


def test_a_repeat_with_the_same_key_gives_the_same_answer(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    someone, name = callers.person("member", workspace), agent(workspace)
    body = {"action": "disable", "ids": [name]}
    first = room.ask("POST", "/api/my-agents/bulk", someone, body, key="b1")
    assert content(first)["done"] == 1
    again = room.ask("POST", "/api/my-agents/bulk", someone, body, key="b1")
    assert content(again) == content(first)
    lose_answer(someone, "b1")
    assert content(room.ask("POST", "/api/my-agents/bulk", someone, body, key="b1")) == content(first)
    other = room.ask("POST", "/api/my-agents/bulk", someone, {**body, "action": "archive"}, key="b1")
    assert (other.status_code, content(other)["code"]) == (409, "idempotency_conflict")
    assert actions(workspace) == {"agent.paused": 1}


class Crash(BaseException):
    """The process is gone."""


def called(cloud: Cloud, workspace: WorkspaceId, key: str, first: Call | None = None) -> Call:
    """A call with a key as the edge makes it: the first one, or a repeat of `first`, whose answer was lost."""
    call = cloud.call(workspace, key=key)
    return replace(call, first_at=call.now if first is None else first.now)


def run_and_die(call: Call, wanted: Bulk, commits: int) -> None:
    """The process dies after so many agents were changed, or at the end."""
    lock, left, real = Lock(), [commits], changes.write

    def dying(call: Call, pair: changes.Pair, change: changes.Change) -> str:
        with lock:
            left[0] -= 1
            if left[0] < 0:
                raise Crash
        return real(call, pair, change)

    with pytest.MonkeyPatch.context() as patch, suppress(Crash):
        patch.setattr(changes, "write", dying)
        bulk.run(call, wanted)


@pytest.mark.parametrize("action", ["enable", "disable", "archive", "delete", "restore", "tag", "untag"])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([None, "active", "paused", "archived", "deleted"]), min_size=1, max_size=6),
    st.integers(0, 6),
    st.sampled_from([None, {}, {"status": "active"}, {"status": "paused"}, {"tag": "x"}, {"deleted": True}]),
    st.randoms(use_true_random=False),
)
def test_a_repeat_after_a_crash_answers_what_the_first_request_would_have(
    cloud: Cloud, action: Any, started: list[str | None], commits: int, conditions: Any, dice: random.Random
) -> None:
    """Of two equal fleets one meets no crash; the other's repeat says the same, though somebody came in between."""
    answers = []
    for crashes in (False, True):
        workspace = cloud.workspace()
        names = [agent(workspace, status=None, name=f"Agent {number}") for number in range(len(started))]
        for name, status in zip(names, started, strict=True):
            if status is not None:
                document = {"status": "active" if status == "deleted" else status, "tags": ["x"] * (len(status) % 2)}
                deleted = {"deleted_at": clock.now()} if status == "deleted" else {}
                write(contracts.path(workspace, "fleet", name), {**document, **deleted})
        meant = {"ids": [*names, ids.new("agent")]} if conditions is None else {"filter": conditions}
        tags = {"tags": ["x", "y"]} if "tag" in action else {}
        wanted = Bulk.model_validate({"action": action, **meant, **tags})
        call = called(cloud, workspace, "k")
        if crashes:
            run_and_die(call, wanted, commits)
            done = [name for name in names if changes.done(call, [name])]
            before = states(workspace)
            for name in done:
                # Somebody undoes it, which is not undone again.
                state = {"status": dice.choice(["active", "archived"]), "tags": [], "deleted_at": None}
                write(contracts.path(workspace, "fleet", name), state)
                before[name] = FleetRead.model_validate(state)
            call = called(cloud, workspace, "k", call)
        answer = bulk.run(call, wanted)
        place = {name: number for number, name in enumerate(names)}
        answers.append([(place.get(one.agent_id), one.name, one.outcome, one.code) for one in answer.outcomes])
        assert sum(actions(workspace).values()) == answer.done
        if crashes:
            assert all(states(workspace)[name] == before[name] for name in done)
    assert answers[0] == answers[1]


def test_only_a_repeat_looks_for_what_was_done_before(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    names = [agent(workspace) for _ in range(20)]
    wanted, first = Bulk(action="disable", ids=names), called(cloud, workspace, "k")
    with logs.request() as operations:
        assert bulk.run(first, wanted).done == 20
    assert operations == {"firestore_reads": 40, "firestore_writes": 40}
    with logs.request() as operations:
        assert bulk.run(called(cloud, workspace, "k", first), wanted).done == 20
    assert operations == {"firestore_reads": 60}


def test_two_repeats_at_once_do_it_once_and_say_the_same(cloud: Cloud) -> None:
    """One of them was taken for dead and is not."""
    workspace = cloud.workspace()
    names = [agent(workspace, status=status) for status in ("active", "archived", None) * 5]
    wanted, first = Bulk(action="archive", ids=names), called(cloud, workspace, "k")
    with ThreadPoolExecutor(2) as pool:
        both = list(
            pool.map(lambda call: bulk.run(call, wanted), [called(cloud, workspace, "k", first) for _ in range(2)])
        )
    assert both[0] == both[1]
    assert (both[0].done, both[0].unchanged) == (10, 5)
    assert actions(workspace) == {"agent.archived": 10}


def test_one_that_breaks_is_told_and_the_others_are_done(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = cloud.workspace()
    names = [agent(workspace) for _ in range(12)]
    real = changes.write

    def broken(call: Call, pair: changes.Pair, change: changes.Change) -> str:
        if pair.agent.id == names[3]:
            raise RuntimeError("bad luck")
        return real(call, pair, change)

    monkeypatch.setattr(changes, "write", broken)
    answer = bulk.run(cloud.call(workspace), Bulk(action="disable", ids=names))
    assert (answer.done, answer.failed, answer.outcomes[3].code) == (11, 1, "internal")


def test_somebody_who_was_faster_is_read_again(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = cloud.workspace()
    name = agent(workspace)
    real, met = changes.write, []

    def rivalled(call: Call, pair: changes.Pair, change: changes.Change) -> str:
        if not met:
            met.append(1)
            service.set_status(cloud.call(workspace), name, StatusChange(status="archived"))
        return real(call, pair, change)

    monkeypatch.setattr(changes, "write", rivalled)
    answer = bulk.run(cloud.call(workspace), Bulk(action="tag", tags=["x"], ids=[name]))
    assert answer.done == 1
    assert (states(workspace)[name].status, states(workspace)[name].tags) == ("archived", ("x",))


def test_operations_are_counted_in_the_request(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    names = [agent(workspace) for _ in range(20)]
    with logs.request() as operations:
        assert bulk.run(cloud.call(workspace), Bulk(action="disable", ids=names)).done == 20
    # Two documents read and two written for each agent: its place in the fleet and the activity entry.
    assert operations == {"firestore_reads": 40, "firestore_writes": 40}


ACTIONS = st.lists(
    st.sampled_from(["enable", "disable", "archive", "delete", "restore", "tag", "untag"]), min_size=1, max_size=5
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTIONS, st.randoms(use_true_random=False))
def test_many_at_once_become_what_one_after_the_other_would(
    cloud: Cloud, wanted: list[Any], dice: random.Random
) -> None:
    """The same actions on two equal fleets, one by bulk and one agent by agent, end alike."""
    many, single = cloud.workspace(), cloud.workspace()
    started = [dice.choice([None, "active", "paused", "archived"]) for _ in range(4)]
    fleets = [[agent(workspace, status=status) for status in started] for workspace in (many, single)]
    for action in wanted:
        tags = ["x"] if "tag" in action else None
        bulk.run(cloud.call(many), Bulk(action=action, ids=fleets[0], tags=tags))
        for name in fleets[1]:
            one = Bulk(action=action, ids=[name], tags=tags)
            pair = service._pair(cloud.call(single), name)
            try:
                change = bulk._plan(cloud.call(single), one)(pair)
                if change is not None:
                    changes.write(cloud.call(single), pair, change)
            except Conflict:
                continue
    ends = []
    for workspace, names in ((many, fleets[0]), (single, fleets[1])):
        found = states(workspace)
        ends.append(
            [(one.status, one.tags, one.deleted_at is None) for one in (found.get(name, FleetRead()) for name in names)]
        )
    assert ends[0] == ends[1]
