"""What one event adds to a document, and that the busiest hour of a large fleet fits into one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from functions.analytics import rollups
from functions.shared import ids
from functions.shared.identity.workspace import founded
from tests.functions import rooms

HOUR = datetime(2026, 11, 25, 13, tzinfo=UTC)
LARGEST = 2**20
AGENTS = 500


def size(value: Any) -> int:
    """Bytes of a map of integers, as Firestore counts them: names with one more each, and eight for a number."""
    if isinstance(value, dict):
        return sum(len(name.encode()) + 1 + size(inner) for name, inner in value.items())
    return 8


def test_the_hour_in_which_every_agent_of_a_large_fleet_talks_all_the_time_is_one_document() -> None:
    document: dict[str, Any] = {}
    workspace = founded()
    for agent, version in [(ids.new("agent"), ids.new("version")) for _ in range(AGENTS)]:
        own: dict[str, Any] = {}
        for minutes in range(0, 60, 5):
            latency = (90, 350, 900, 1500, 5000)[minutes // 5 % 5]
            turn = {"version_id": version, "latency_ms": latency, "first_token_ms": latency // 3}
            first = {
                "new_conversation": minutes % 15 == 0,
                "new_visitor": minutes % 15 == 0,
                "handed_off": minutes % 15 == 5,
            }
            row = rooms.usage(workspace, agent, HOUR + timedelta(minutes=minutes), **turn, **first)
            placed = rollups.placed("hour_2026-11-25T13", rollups.of_usage(row), rollups.micros(row))
            own = rollups.plus(own, placed)
        document = rollups.plus(document, own)
    assert size(document) < LARGEST * 0.9
    assert document["quarters"].keys() == {"00", "15", "30", "45"}


def test_a_day_has_no_quarters_and_an_hours_are_by_its_minute() -> None:
    for minute, quarter in ((0, "00"), (14, "00"), (15, "15"), (44, "30"), (45, "45"), (59, "45")):
        row = rooms.usage(founded(), "agt_a", HOUR + timedelta(minutes=minute, seconds=59))
        added = rollups.of_usage(row)
        assert rollups.placed("hour_2026-11-25T13", added, rollups.micros(row))["quarters"].keys() == {quarter}
        assert "quarters" not in rollups.placed("day_2026-11-25", added, rollups.micros(row))
