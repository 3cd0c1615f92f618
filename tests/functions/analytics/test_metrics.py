"""One registry makes the figures and says what they are: every field has a definition, every definition computes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions.analytics import metrics, models
from functions.analytics.benchmarks import COMPARED, COMPARISONS
from functions.analytics.definitions import DEFINITIONS
from functions.analytics.metrics import BY_NAME, METRICS
from functions.analytics.rollups import summed
from functions.shared import histogram
from functions.shared.contracts import LATENCY_BOUNDS_MS, Counters
from functions.shared.http import Answer
from functions.shared.money import Money
from tests.cloud import Cloud
from tests.functions.rooms import Room, content
from tests.functions.shared.http import callers

FIGURES: tuple[type[Answer], ...] = (
    models.Figures,
    models.Performance,
    models.Detailed,
    models.VersionPerformance,
)
NAMES = {"version_id", "number", "name", "model", "published_at", "is_published"}
"""Fields beside figures that say of which version they are."""

AROUND: tuple[type[Answer], ...] = (models.Comparison, models.Compared, models.IndustryPerformance)
NESTED = {
    "days",
    "days_before",
    "current",
    "before",
    "group_by",
    "groups",
    "series",
    "time_zone",
    "as_of",
    "late_since",
    "industry",
    "benchmark",
}

numbers = st.integers(0, 10**6)
counters = st.builds(
    Counters,
    **{
        name: numbers
        for name, field in Counters.model_fields.items()
        if field.annotation is int and name != "last_micros"
    },
)


def test_every_field_has_a_definition_and_every_definition_is_a_field() -> None:
    fields = {name for model in FIGURES for name in model.model_fields} - NAMES
    fields |= {name for model in AROUND for name in model.model_fields} - NESTED
    assert fields == {definition.name for definition in DEFINITIONS}
    assert len({one.name for one in DEFINITIONS}) == len(DEFINITIONS)
    assert set(COMPARED) <= BY_NAME.keys()


@given(counters)
def test_every_definition_computes(counted: Counters) -> None:
    for metric in METRICS:
        found = metrics.value(metric.name, counted)
        assert found is None or isinstance(found, int | float), metric.name
        assert metric.definition.endswith("."), metric.name
    assert all(callable(one.of) for one in COMPARISONS)
    for model in FIGURES[:3]:
        shown = metrics.filled(model, counted, "USD")
        for name in model.model_fields:
            own, computed = getattr(shown, name), metrics.value(name, counted)
            assert (own.nanos if isinstance(own, Money) else own) == computed


def test_what_was_not_measured_is_null_and_what_was_counted_is_not() -> None:
    shown = metrics.filled(models.Performance, Counters(), "USD").model_dump()
    nothing = {name for name, value in shown.items() if value is None}
    assert nothing == {
        name for name in models.Performance.model_fields if name.endswith(("_ms", "_rate", "_per_conversation"))
    } | {"rating"}


@given(counters)
def test_a_share_of_conversations_looked_at_is_never_more_than_all(counted: Counters) -> None:
    rate = metrics.filled(models.Performance, counted, "USD").resolution_rate
    looked_at = counted.resolved + counted.unresolved
    assert rate == (round(counted.resolved / looked_at, 4) if looked_at else None)
    assert rate is None or 0 <= rate <= 1


def test_what_names_no_model_is_null_by_model() -> None:
    counted = Counters(turns=3, conversations=2, resolved=1, handed_off=1, ratings=1, rating_sum=4, feedback_up=1)
    shown = metrics.filled(models.Performance, counted, "USD", by_model=True)
    assert (shown.turns, shown.conversations, shown.turns_per_conversation) == (3, 2, 1.5)
    for name in (
        "resolved",
        "unresolved",
        "resolution_rate",
        "hand_offs",
        "hand_off_rate",
        "ratings",
        "rating",
        "leads",
    ):
        assert getattr(shown, name) is None
        assert metrics.changes(models.Performance, counted, counted, by_model=True)[name] is None


@given(st.lists(counters, max_size=4))
def test_sums_are_those_of_each_counter(parts: list[Counters]) -> None:
    total = summed(parts)
    for name in ("turns", "charge_nanos", "returning", "resolved"):
        assert getattr(total, name) == sum(getattr(part, name) for part in parts)


def test_a_change_is_a_share_of_what_was() -> None:
    assert metrics.change(15, 10) == 0.5
    assert metrics.change(5, 10) == -0.5
    assert metrics.change(5, -10) == 1.5
    assert [metrics.change(5, 0), metrics.change(None, 5), metrics.change(5, None)] == [None, None, None]


@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=200), st.sampled_from([50, 95, 99]))
def test_a_percentile_is_off_by_less_than_the_stated_bound(milliseconds: list[int], share: int) -> None:
    counts: dict[str, int] = {}
    for one in milliseconds:
        counts[histogram.bucket(one)] = counts.get(histogram.bucket(one), 0) + 1
    found = metrics.value(f"latency_p{share}_ms", Counters(latency=counts))
    exact = sorted(milliseconds)[-(-len(milliseconds) * share // 100) - 1]
    assert found is not None
    if exact > LATENCY_BOUNDS_MS[-1]:
        assert found == LATENCY_BOUNDS_MS[-1]
    else:
        upper = int(histogram.bucket(exact))
        lower = max((bound for bound in LATENCY_BOUNDS_MS if bound < upper), default=0)
        assert abs(found - exact) <= upper - lower
        assert lower <= found <= upper
    assert str(LATENCY_BOUNDS_MS[0]) in BY_NAME["latency_p50_ms"].definition


def test_the_console_gets_every_definition(room: Room, cloud: Cloud) -> None:
    shown: Any = content(room.ask("GET", "/api/analytics/definitions", callers.person("viewer", cloud.workspace())))
    assert {one["name"]: one["definition"] for one in shown["items"]} == {
        one.name: one.definition for one in DEFINITIONS
    }
