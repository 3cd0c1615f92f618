"""What somebody has not counted is published again, and what stays different is an alarm."""

import json

import pytest

from functions.billing import repository
from functions.shared import firestore
from tests.cloud import Cloud
from tests.functions.billing.story import Story, at


@pytest.fixture
def story(house: Cloud) -> Story:
    return Story(house)


def alarms(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("alarm")]


def test_figures_that_agree_leave_nothing_behind(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    story.turn(at("2026-11-26"))
    story.turn(at("2026-11-26", 23, 59), outcome="failed")
    story.close(at("2026-11-27", 0, 10))
    assert story.state().get("differences", {}) == {}
    assert story.cloud.published("usage-recorded", story.workspace) == []
    assert alarms(capsys) == []


def test_an_event_that_nobody_counted_is_published_again_and_then_all_is_well(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.turn(at("2026-11-26", 9))
    lost = story.record(at("2026-11-26", 10))
    story.close(at("2026-11-27", 0, 10))
    assert list(story.state()["differences"]) == ["2026-11-26"]
    assert [row["event_id"] for row in story.cloud.published("usage-recorded", story.workspace)] == [lost.id]
    story.count(lost)
    story.close(at("2026-11-28", 0, 10))
    assert story.state()["differences"] == {}
    assert alarms(capsys) == []


def test_a_difference_that_the_next_run_still_finds_is_an_alarm(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.turn(at("2026-11-26"))
    batch = firestore.Batch()
    path = repository.charges_path(story.workspace, "day_2026-11-26")
    agent = next(iter(firestore.get(path).data["agents"]))
    counter = ("agents", agent, "offline-extractive", "2026-01-01", "charge_nanos")
    batch.update(path, {counter: firestore.Increment(1)})
    batch.commit()
    story.close(at("2026-11-27", 0, 10))
    story.close(at("2026-11-27", 0, 10))
    assert alarms(capsys) == []
    story.close(at("2026-11-28", 0, 10))
    (alarm,) = alarms(capsys)
    assert (alarm["day"], alarm["differing"]) == ("2026-11-26", {"charges": 1})


def test_a_warehouse_that_does_not_answer_stops_no_close(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    from functions.shared import bigquery

    def gone() -> None:
        raise ConnectionError("nobody there")

    story.turn(at("2026-11-26"))
    monkeypatch.setattr(bigquery, "client", gone)
    story.close(at("2026-11-27", 0, 10))
    assert story.state()["last_closed"] == "2026-11-26"
    assert story.state().get("differences", {}) == {}
