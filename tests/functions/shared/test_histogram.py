from hypothesis import given
from hypothesis import strategies as st

from functions.shared.contracts import LATENCY_BOUNDS_MS
from functions.shared.histogram import bucket, merged, percentile

latencies = st.lists(st.integers(0, 60_000), min_size=1, max_size=60)


def counted(values: list[int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for value in values:
        counts[bucket(value)] = counts.get(bucket(value), 0) + 1
    return counts


@given(latencies, st.integers(1, 99))
def test_a_percentile_lies_in_the_bucket_of_the_true_one(values: list[int], share: int) -> None:
    true = sorted(values)[-(-len(values) * share // 100) - 1]
    found = percentile(counted(values), share)
    assert found is not None
    bounds = [0, *LATENCY_BOUNDS_MS]
    upper = next((bound for bound in bounds[1:] if true <= bound), bounds[-1])
    lower = bounds[bounds.index(upper) - 1] if true <= bounds[-1] else bounds[-1]
    assert lower <= found <= upper


@given(latencies, latencies)
def test_histograms_add_up(one: list[int], other: list[int]) -> None:
    assert merged(counted(one), counted(other)) == counted(one + other)


def test_no_turns_have_no_percentile() -> None:
    assert percentile({}, 95) is None
