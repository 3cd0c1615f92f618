"""Rollups are the sums of the events, each counted once, in whatever order and however often they come."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.analytics import consumer, metrics, rollups
from functions.analytics.rollups import names, summed
from functions.shared import clock, contracts, events, firestore, histogram, ids, plans
from functions.shared.contracts import Counters, RollupRead
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud, envelope
from tests.functions.rooms import Room, content, usage
from tests.functions.shared.http import callers

NOW = clock.now().replace(hour=23, minute=40)
AGENTS = ("agt_a", "agt_b")


def rollup(workspace: WorkspaceId, name: str) -> RollupRead:
    return RollupRead.model_validate(firestore.get(contracts.path(workspace, "rollups", name)).data)


def every_rollup(workspace: WorkspaceId) -> dict[str, dict[str, Any]]:
    home = contracts.path(workspace, "rollups")
    return {one.id: one.data for one in firestore.find(firestore.Query(home))}


def count(cloud: Cloud, workspace: WorkspaceId, row: dict[str, Any], topic: Any = "usage-recorded") -> bool:
    call = cloud.call(workspace, now=clock.now())
    return consumer.count(call, events.Event(workspace, topic, row["event_id"], row))


@st.composite
def turns(draw: st.DrawFn) -> dict[str, Any]:
    """What differs from one turn's row to the next."""
    outcome = draw(st.sampled_from(["completed", "interrupted", "failed", "abandoned"]))
    pending = outcome == "abandoned"
    tokens = {bucket: None if pending else draw(st.integers(0, 5000)) for bucket in contracts.BUCKETS}
    return {
        "at": NOW + timedelta(minutes=draw(st.integers(-90, 90)), microseconds=draw(st.integers(0, 5))),
        "agent_id": draw(st.sampled_from(AGENTS)),
        "outcome": outcome,
        "model": draw(st.sampled_from(["gpt-5.2", "a.b/c"])),
        "channel": draw(st.sampled_from(["widget", "api"])),
        "new_conversation": draw(st.booleans()),
        "new_visitor": draw(st.sampled_from([True, False, None])),
        "handed_off": draw(st.booleans()),
        "estimated": outcome == "interrupted",
        "cost_nanos": draw(st.integers(0, 10**12)),
        "charge_nanos": draw(st.integers(0, 10**12)),
        "latency_ms": None if pending else draw(st.integers(0, 50_000)),
        **tokens,
    }


def expected(rows: list[dict[str, Any]]) -> Counters:
    """The sums, told in another way than the code that is tested does."""
    answered = [row for row in rows if row["outcome"] in ("completed", "interrupted")]
    latency: dict[str, int] = {}
    first_token: dict[str, int] = {}
    for row in rows:
        for found, name in ((latency, "latency_ms"), (first_token, "first_token_ms")):
            if row[name] is not None:
                key = histogram.bucket(row[name])
                found[key] = found.get(key, 0) + 1
    return Counters(
        turns=len(answered),
        conversations=sum(row["new_conversation"] for row in rows),
        visitors=sum(row["new_visitor"] is True for row in rows),
        returning=sum(
            row["new_conversation"] and row["channel"] == "widget" and row["new_visitor"] is not True for row in rows
        ),
        handed_off=sum(row["handed_off"] for row in rows),
        pending=sum(row["input_tokens"] is None for row in rows),
        estimated=sum(row["estimated"] for row in rows),
        latency=latency,
        first_token=first_token,
        **{
            name: sum(row["outcome"] == name for row in rows)
            for name in ("completed", "interrupted", "failed", "abandoned")
        },
        **{name: sum(row[name] or 0 for row in rows) for name in (*contracts.BUCKETS, "cost_nanos", "charge_nanos")},
    )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(turns(), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_any_repeats_give_the_sums_of_the_events(
    cloud: Cloud, found: list[dict[str, Any]], chance: random.Random
) -> None:
    workspace = cloud.workspace(time_zone="Asia/Kolkata")
    rows = [usage(workspace, **turn) for turn in found]
    deliveries = rows + chance.choices(rows, k=len(rows) // 2)
    chance.shuffle(deliveries)
    assert sum(count(cloud, workspace, row) for row in deliveries) == len(rows)
    stored = {name: RollupRead.model_validate(data) for name, data in every_rollup(workspace).items()}
    for kind, shift in (("hour", "%Y-%m-%dT%H"), ("day", "%Y-%m-%d"), ("month", "%Y-%m")):
        ahead = timedelta() if kind == "hour" else timedelta(hours=5, minutes=30)
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            groups.setdefault(f"{kind}_{clock.from_text(row['occurred_at']) + ahead:{shift}}", []).append(row)
        assert {name for name in stored if name.startswith(kind)} == groups.keys()
        for name, parts in groups.items():
            assert stored[name].total == expected(parts)
            for agent in {row["agent_id"] for row in parts}:
                own = [row for row in parts if row["agent_id"] == agent]
                assert stored[name].agents[agent].model_copy(update={"last_micros": 0}) == expected(own)
            for model in {row["model"] for row in parts}:
                own = [row for row in parts if row["model"] == model]
                assert stored[name].models[f"offline/{model}"] == expected(own)
            newest = max(clock.from_text(row["occurred_at"]) for row in parts)
            assert stored[name].as_of_micros == int(newest.timestamp()) * 1_000_000 + newest.microsecond


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(turns(), min_size=1, max_size=6))
def test_the_quarters_of_an_hour_add_up_to_it(cloud: Cloud, found: list[dict[str, Any]]) -> None:
    workspace = cloud.workspace()
    rows = [usage(workspace, **turn) for turn in found]
    for row in rows:
        assert count(cloud, workspace, row)
    lean = {"latency": {}, "first_token": {}, "last_micros": 0}
    for name, data in every_rollup(workspace).items():
        stored = RollupRead.model_validate(data)
        assert bool(stored.quarters) == name.startswith("hour_")
        for quarter, cut in stored.quarters.items():
            times = {row["event_id"]: clock.from_text(row["occurred_at"]) for row in rows}
            own = [
                row
                for row in rows
                if f"hour_{times[row['event_id']]:%Y-%m-%dT%H}" == name
                and times[row["event_id"]].minute // 15 == contracts.QUARTERS.index(quarter)
            ]
            assert cut.total == expected(own).model_copy(update=lean)
            assert cut.versions == {}
            for agent in {row["agent_id"] for row in own}:
                assert cut.agents[agent] == expected([r for r in own if r["agent_id"] == agent]).model_copy(update=lean)
            assert cut.as_of_micros == max(clock.to_micros(times[row["event_id"]]) for row in own)
        if stored.quarters:
            assert summed([cut.total for cut in stored.quarters.values()]) == stored.total.model_copy(update=lean)


def test_the_same_event_twice_is_counted_once(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    row = usage(workspace, "agt_a", NOW)
    assert [count(cloud, workspace, row) for _ in range(3)] == [True, False, False]
    assert rollup(workspace, f"day_{NOW:%Y-%m-%d}").total.charge_nanos == 1_200_000


def test_an_event_with_another_content_changes_no_rollup(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = cloud.workspace()
    row = usage(workspace, "agt_a", NOW)
    assert count(cloud, workspace, row)
    before = every_rollup(workspace)
    assert not count(cloud, workspace, {**row, "charge_nanos": 5})
    assert every_rollup(workspace) == before
    assert '"alarm": true' in capsys.readouterr().out


def test_an_older_event_that_comes_later_leaves_the_newest_time(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for minutes in (0, -30):
        assert count(cloud, workspace, usage(workspace, "agt_a", NOW + timedelta(minutes=minutes)))
    found = rollup(workspace, f"day_{NOW:%Y-%m-%d}")
    assert found.as_of_micros == found.agents["agt_a"].last_micros == int(NOW.timestamp() * 1_000_000)
    assert found.total.turns == 2


def test_an_event_older_than_the_marks_is_not_counted(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = cloud.workspace()
    assert not count(cloud, workspace, usage(workspace, "agt_a", clock.now() - timedelta(days=31)))
    assert every_rollup(workspace) == {}
    assert '"alarm": true' in capsys.readouterr().out


def test_a_correction_fills_what_was_pending_and_adds_no_turn(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    nothing = dict.fromkeys((*contracts.BUCKETS, "latency_ms", "first_token_ms"))
    gone = usage(workspace, "agt_a", NOW, outcome="abandoned", cost_nanos=0, charge_nanos=0, **nothing)
    known = usage(
        workspace,
        "agt_a",
        NOW,
        event_id=gone["event_id"] + ".1",
        type="correction",
        corrects=gone["event_id"],
        charge_nanos=0,
    )
    # The wrong order is as good as the right one.
    assert count(cloud, workspace, known)
    assert rollup(workspace, f"day_{NOW:%Y-%m-%d}").total.pending == -1
    assert count(cloud, workspace, gone)
    found = rollup(workspace, f"day_{NOW:%Y-%m-%d}").total
    assert (found.pending, found.abandoned, found.turns, found.input_tokens) == (0, 1, 0, 100)
    assert (found.cost_nanos, found.charge_nanos, found.latency) == (900_000, 0, {})


def said(workspace: WorkspaceId, kind: str, **fields: Any) -> dict[str, Any]:
    moment = clock.to_text(NOW)
    return {
        "event_id": f"evt_{ids.hashed(kind, ids.secret(6))}",
        "type": kind,
        "workspace_id": str(workspace),
        "agent_id": "agt_a",
        "version_id": None,
        "conversation_id": "cnv_1",
        "turn_id": None,
        "occurred_at": moment,
        "recorded_at": moment,
        "rating": None,
        "trace_id": None,
        "digest": "",
        **fields,
    }


def test_thumbs_stars_hand_offs_leads_and_resolutions_are_counted(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    rows = [
        said(workspace, "feedback", rating=1),
        said(workspace, "feedback", rating=-1),
        said(workspace, "feedback", rating=1),
        said(workspace, "hand_off"),
        said(workspace, "resolved"),
        said(workspace, "unresolved"),
        said(workspace, "unresolved"),
        said(workspace, "rating", rating=5),
        said(workspace, "rating", rating=2),
        said(workspace, "lead"),
    ]
    assert all(count(cloud, workspace, row, "conversation-recorded") for row in rows)
    assert not count(cloud, workspace, said(workspace, "something new"), "conversation-recorded")
    found = rollup(workspace, f"month_{NOW:%Y-%m}").agents["agt_a"]
    assert (found.feedback_up, found.feedback_down, found.handed_off, found.resolved) == (2, 1, 1, 1)
    assert found.unresolved == 2
    assert (found.leads, found.ratings, found.rating_sum) == (1, 2, 7)


def test_who_changes_a_rating_or_a_thumb_is_counted_once_with_the_latest_where_the_first_was_given(
    cloud: Cloud,
) -> None:
    workspace = cloud.workspace()
    first, later = clock.to_text(NOW - timedelta(days=2)), clock.to_text(NOW)
    changed = {"occurred_at": later, "counts_at": first}
    rows = [
        # In the wrong order, as messages may come.
        said(workspace, "rating", rating=5, replaces=1, **changed),
        said(workspace, "rating", rating=1, replaces=None, occurred_at=first),
        said(workspace, "feedback", rating=1, occurred_at=first),
        said(workspace, "feedback", rating=-1, replaces=1, **changed),
        said(workspace, "rating", rating=3),
    ]
    assert all(count(cloud, workspace, row, "conversation-recorded") for row in rows)
    then = rollup(workspace, f"day_{NOW - timedelta(days=2):%Y-%m-%d}").total
    assert (then.ratings, then.rating_sum, then.feedback_up, then.feedback_down) == (1, 5, 0, 1)
    assert metrics.value("rating", then) == 5.0
    now = rollup(workspace, f"day_{NOW:%Y-%m-%d}").total
    assert (now.ratings, now.rating_sum, now.feedback_up, now.feedback_down) == (1, 3, 0, 0)


@given(words=st.lists(st.integers(1, 5), min_size=1, max_size=6), thumbs=st.lists(st.sampled_from((1, -1)), max_size=6))
def test_however_often_somebody_thinks_better_of_it_the_last_word_counts_once(
    words: list[int], thumbs: list[int]
) -> None:
    total: rollups.Added = {}
    for kind, said_so in (("rating", words), ("feedback", thumbs)):
        replaces = None
        for word in said_so:
            if word != replaces:
                row = {"type": kind, "agent_id": "a", "occurred_at": clock.to_text(NOW), "rating": word}
                total = rollups.plus(total, rollups.of_conversation({**row, "replaces": replaces}))
            replaces = word
    found = Counters.model_validate(total["total"])
    assert (found.ratings, found.rating_sum) == (1, words[-1])
    assert found.feedback_up == int(thumbs[-1:] == [1])
    assert found.feedback_down == int(thumbs[-1:] == [-1])


def test_a_resolved_conversation_that_was_charged_adds_its_charge_and_no_turn(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    nothing = {**dict.fromkeys(contracts.BUCKETS, 0), "latency_ms": None, "first_token_ms": None}
    row = usage(workspace, "agt_a", NOW, type=plans.RESOLVED_TYPE, cost_nanos=0, charge_nanos=9, **nothing)
    assert count(cloud, workspace, row)
    found = rollup(workspace, f"day_{NOW:%Y-%m-%d}").total
    assert (found.charge_nanos, found.turns, found.completed, found.pending, found.resolved) == (9, 0, 0, 0, 0)


def test_an_event_of_each_topic_may_have_the_same_id(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = cloud.workspace()
    assert count(cloud, workspace, usage(workspace, "agt_a", NOW, event_id="cnv_1"))
    assert count(cloud, workspace, said(workspace, "resolved", event_id="cnv_1"), "conversation-recorded")
    assert "alarm" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("zone", "moment", "day", "month"),
    [
        ("UTC", datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), "2026-11-30", "2026-11"),
        ("Europe/Berlin", datetime(2026, 11, 30, 23, 0, tzinfo=UTC), "2026-12-01", "2026-12"),
        ("Asia/Kolkata", datetime(2026, 11, 24, 18, 29, tzinfo=UTC), "2026-11-24", "2026-11"),
        ("Asia/Kolkata", datetime(2026, 11, 24, 18, 30, tzinfo=UTC), "2026-11-25", "2026-11"),
        ("America/New_York", datetime(2026, 11, 1, 4, 30, tzinfo=UTC), "2026-11-01", "2026-11"),
        ("America/New_York", datetime(2026, 11, 2, 4, 30, tzinfo=UTC), "2026-11-01", "2026-11"),
        ("Pacific/Kiritimati", datetime(2026, 12, 31, 10, 0, tzinfo=UTC), "2027-01-01", "2027-01"),
    ],
)
def test_an_event_lies_in_the_workspaces_own_day(zone: str, moment: datetime, day: str, month: str) -> None:
    assert names(moment, ZoneInfo(zone)) == (f"hour_{moment:%Y-%m-%dT%H}", f"day_{day}", f"month_{month}")


def test_a_conversations_events_are_counted_by_the_version_industry_and_channel_of_its_answer(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    row = said(workspace, "resolved", version_id="ver_2", industry="legal", channel="widget")
    assert count(cloud, workspace, row, "conversation-recorded")
    found = rollup(workspace, f"day_{NOW:%Y-%m-%d}")
    for counted in (found.versions["ver_2"], found.industries["legal"], found.channels["widget"]):
        assert counted.resolved == 1
    assert found.models == {}


def test_pubsub_pushes_are_counted_and_repeats_are_acknowledged(pushed: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace()
    row = usage(workspace, "agt_a", NOW)
    for _ in range(2):
        taken = pushed.client.post("/events/usage-recorded", json=envelope(row), headers=callers.invoker("push"))
        assert taken.status_code == 204, taken.text
    thumb = envelope(said(workspace, "feedback", rating=1))
    taken = pushed.client.post("/events/conversation-recorded", json=thumb, headers=callers.invoker("push"))
    assert taken.status_code == 204
    found = rollup(workspace, f"day_{NOW:%Y-%m-%d}").total
    assert (found.turns, found.feedback_up) == (1, 1)


def test_only_pubsub_may_push(pushed: Room, cloud: Cloud) -> None:
    body = envelope(usage(cloud.workspace(), "agt_a", NOW))
    for headers in ({}, callers.invoker("gateway"), callers.invoker("scheduler"), callers.invoker("billing-api")):
        assert pushed.client.post("/events/usage-recorded", json=body, headers=headers).status_code in (401, 403)


def test_an_envelope_that_is_not_ours_is_a_problem(pushed: Room, cloud: Cloud) -> None:
    row = usage(cloud.workspace(), "agt_a", NOW)
    lacking = {name: value for name, value in row.items() if name != "outcome"}
    for body in (
        {},
        [],
        {"message": {}},
        envelope(row, workspace=str(cloud.workspace())),
        envelope(lacking),
        envelope({**row, "occurred_at": "today"}),
        envelope({**row, "latency_ms": "fast"}),
    ):
        refused = pushed.client.post("/events/usage-recorded", json=body, headers=callers.invoker("push"))
        assert (refused.status_code, refused.mimetype) == (400, "application/problem+json"), body
        assert content(refused)["code"] == "not_an_event"
