"""A day whose figures were damaged is what its events say again, and nothing that is counted meanwhile is lost or doubled."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from functions.analytics import consumer, rebuilding, rollups
from functions.analytics import repository as analytics
from functions.billing import repository as billing
from functions.billing import retallying
from functions.billing.models import UsageEvent
from functions.shared import bigquery, clock, contracts, firestore, ids
from functions.shared.config import settings
from functions.shared.events import Event
from infra import rebuild
from tests.cloud import PROJECT, Cloud
from tests.functions.billing.story import AGENT, Story, at

DAY = "2026-11-26"
NOW = at("2026-11-29")


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def in_zone(story: Story, zone: str) -> None:
    batch = firestore.Batch()
    batch.merge(contracts.workspace_path(story.workspace), {"time_zone": zone})
    batch.commit()


def figures(story: Story) -> dict[str, Any]:
    """All tallies and rollups that have something in them."""
    found: dict[str, Any] = {}
    for collection in ("charges", "rollups"):
        for one in firestore.find(firestore.Query(contracts.path(story.workspace, collection))):
            if counters := without_zeros(one.data):
                found[f"{collection}/{one.id}"] = counters
    return found


def without_zeros(counters: dict[str, Any]) -> dict[str, Any]:
    inner = {k: without_zeros(v) if isinstance(v, dict) else v for k, v in counters.items()}
    return {k: v for k, v in inner.items() if v}


def damage(story: Story, event: Event) -> None:
    """Count an event once more, past the mark that would not let it."""
    row, usage = event.row, UsageEvent.model_validate(event.row)
    zone = consumer._zone(story.workspace)
    batch = firestore.Batch()
    for name in rollups.names(clock.from_text(row["occurred_at"]), zone):
        analytics.add(batch, story.workspace, name, rollups.of_usage(row), rollups.micros(row))
    for name in (f"day_{usage.day}", f"month_{usage.day[:7]}"):
        billing.add_charges(batch, story.workspace, name, usage, clock.to_micros(usage.occurred_at))
    batch.commit()


def feedback(story: Story, moment: datetime, **fields: Any) -> None:
    row = {
        "event_id": f"fdb_{ids.secret(8)}",
        "type": "feedback",
        "workspace_id": str(story.workspace),
        "agent_id": AGENT,
        "conversation_id": "cnv_1",
        "occurred_at": clock.to_text(moment),
        "recorded_at": clock.to_text(moment),
        "rating": 1,
        "digest": "d",
        **fields,
    }
    event = Event(story.workspace, "conversation-recorded", row["event_id"], row)
    assert consumer.count(story.cloud.call(story.workspace, now=moment), event)
    table = f"{settings().project}.{settings().dataset}.conversation_events"
    assert bigquery.client().insert_rows_json(table, [row]) == []


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
def test_a_damaged_day_is_what_its_events_say_again(story: Story, zone: str) -> None:
    in_zone(story, zone)
    story.turn(at("2026-11-25", 20))
    twice = story.turn(at(DAY, 1, 15), model="gemini-4-argon", cost_nanos=3)
    story.turn(at(DAY, 18, 45), outcome="failed")
    late = story.record(at(DAY, 23, 50), day="2026-11-28", type="correction", corrects=twice.id, new_conversation=False)
    story.count(late)
    story.turn(at("2026-11-27", 2))
    feedback(story, at(DAY, 12))
    # Somebody thinks better of it two days later, and on this day of what was said the day before.
    feedback(story, at("2026-11-28", 9), rating=-1, replaces=1, counts_at=clock.to_text(at(DAY, 12)))
    feedback(story, at("2026-11-24", 12))
    feedback(story, at(DAY, 13), rating=-1, replaces=1, counts_at=clock.to_text(at("2026-11-24", 12)))
    before = figures(story)
    damage(story, twice)
    assert figures(story) != before
    differing = rebuild.rebuild(story.workspace, DAY, now=NOW)
    assert figures(story) == before
    assert any(text.startswith(f"charges day_{DAY}, ") and "-1 events" in text for text in differing)
    assert any(text.startswith(f"rollup hour_{DAY}T01: -1 turns") for text in differing)
    assert rebuild.rebuild(story.workspace, DAY, now=NOW) == []


@pytest.mark.parametrize("kept", ["month", "day", "hour"])
def test_documents_that_are_gone_are_made_again_and_those_that_are_right_stay(story: Story, kept: str) -> None:
    in_zone(story, "Asia/Kolkata")
    for minute in (0, 25, 50):
        story.turn(at(DAY, 18, minute))
    story.turn(at("2026-11-25"))
    before = figures(story)
    lost = [name for name in before if (DAY in name or "month" in name) and f"/{kept}" not in name]
    batch = firestore.Batch()
    for name in lost:
        batch.delete(contracts.path(story.workspace, *name.split("/")))
    batch.commit()
    rebuild.rebuild(story.workspace, DAY, now=NOW)
    assert figures(story) == before


def test_a_month_that_differs_from_its_days_becomes_their_sum(story: Story) -> None:
    event = story.turn(at(DAY))
    before = figures(story)
    batch = firestore.Batch()
    analytics.add(batch, story.workspace, "month_2026-11", rollups.of_usage(event.row), rollups.micros(event.row))
    billing.add_charges(batch, story.workspace, "month_2026-11", UsageEvent.model_validate(event.row), 0)
    batch.commit()
    assert len(rebuild.rebuild(story.workspace, DAY, now=NOW)) == 2
    assert figures(story) == before


def test_a_dry_run_tells_and_changes_nothing(story: Story) -> None:
    damage(story, story.turn(at(DAY)))
    before = figures(story)
    assert len(rebuild.rebuild(story.workspace, DAY, now=NOW, dry_run=True)) == 5
    assert figures(story) == before


def test_what_the_warehouse_lacks_is_published_and_nothing_is_rebuilt(story: Story) -> None:
    damage(story, story.turn(at(DAY)))
    lost = story.record(at(DAY, 11))
    before = figures(story)
    with pytest.raises(rebuild.NotYet, match="1 events are not in the warehouse yet and 0 not counted; 1 were"):
        rebuild.rebuild(story.workspace, DAY, now=NOW)
    assert figures(story) == before
    assert [row["event_id"] for row in story.cloud.published("usage-recorded", story.workspace)] == [lost.id]
    story.count(lost)
    rebuild.rebuild(story.workspace, DAY, now=NOW)
    assert rebuild.rebuild(story.workspace, DAY, now=NOW) == []


def test_what_nobody_counted_is_published_before_it_is_rebuilt_so_that_nobody_counts_it_twice(story: Story) -> None:
    lost = story.record(at(DAY))
    table = f"{settings().project}.{settings().dataset}.usage_events"
    assert bigquery.client().insert_rows_json(table, [lost.row]) == []
    with pytest.raises(rebuild.NotYet, match="0 events are not in the warehouse yet and 1 not counted"):
        rebuild.rebuild(story.workspace, DAY, now=NOW)
    assert figures(story) == {}
    # Older than their marks: no consumer counts it any more, so it can only be rebuilt.
    assert rebuild.rebuild(story.workspace, DAY, now=at("2027-01-20")) != []
    assert figures(story)[f"charges/day_{DAY}"]["agents"][AGENT]


@pytest.mark.parametrize("room", ["charges", "rollups"])
def test_an_event_that_is_counted_meanwhile_makes_it_fail(story: Story, room: str) -> None:
    damage(story, story.turn(at(DAY)))
    other = story.record(at(DAY, 10, 30))

    def rows(since: datetime, until: datetime) -> list[dict[str, Any]]:
        found = rebuild._rows(rebuild._USAGE, story.workspace, since, until)
        story.count(other)
        return found

    def nothing(since: datetime, until: datetime) -> list[dict[str, Any]]:
        return []

    make: Callable[[], Any] = (
        (lambda: retallying.retally(story.workspace, DAY, rows))
        if room == "charges"
        else (lambda: rebuilding.rebuild(story.workspace, DAY, rows, nothing))
    )
    with pytest.raises(firestore.Changed):
        make()
    rebuild.rebuild(story.workspace, DAY, now=NOW)
    assert figures(story)[f"rollups/day_{DAY}"]["total"]["turns"] == 2


def test_the_command_rebuilds_a_day_that_is_over(
    story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(story, story.turn(at(DAY)))
    for name in ("GOOGLE_CLOUD_PROJECT_ID", "ENVIRONMENT", "BIGQUERY_DATASET_ID", "FIRESTORE_DATABASE"):
        monkeypatch.setenv(name, "")  # The command sets them; the test takes them back.
    command = [str(story.workspace), DAY, "--project", PROJECT, "--environment", "local"]
    assert rebuild.main([*command, "--dry-run"]) == rebuild.DONE
    assert "Nothing was changed" in capsys.readouterr().out
    assert rebuild.main(command) == rebuild.DONE
    assert f"{DAY} is rebuilt." in capsys.readouterr().out
    assert rebuild.main(command) == rebuild.DONE
    assert "Nothing differs." in capsys.readouterr().out
    for wrong in ("2126-01-01", "yesterday"):
        assert rebuild.main([command[0], wrong, *command[2:]]) == rebuild.NOT_DONE
