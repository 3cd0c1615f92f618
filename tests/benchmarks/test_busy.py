"""The busy workspace of the benchmarks is one that its events have made: every turn counted once, with all its keys."""

from datetime import date

from benchmarks.rig import busy
from functions.analytics import rollups
from functions.shared import ids
from functions.shared.contracts import RollupRead


def test_a_days_rollups_count_every_turn_with_the_keys_of_all_agents_and_versions() -> None:
    agents = [ids.new("agent") for _ in range(4)]
    span = busy.Span("ws_1", agents, date(2026, 11, 1), 2, 4000)
    documents = {name: RollupRead.model_validate(one) for name, one in busy._day((span, 1)).items()}
    day = documents.pop("day_2026-11-02")
    assert (day.total.completed + day.total.failed, len(documents)) == (2000, 24)
    assert {key for agent in agents for key in span.versions(agent)} == day.versions.keys()
    for dimension in ("agents", "models", "channels", "industries", "versions"):
        parts = getattr(day, dimension)
        assert sum(part.charge_nanos for part in parts.values()) == day.total.charge_nanos
    assert rollups.summed([hour.total for hour in documents.values()]) == day.total
    for hour in documents.values():
        assert hour.agents.keys() == set(agents)
        assert hour.quarters.keys() == {"00", "15", "30", "45"}
        assert sum(quarter.total.turns for quarter in hour.quarters.values()) == hour.total.turns
