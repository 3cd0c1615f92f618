"""The quota's minutes, with a clock that the test moves."""

from local.gateway.quota import Quota


def test_what_a_minute_allows_comes_back_with_the_next() -> None:
    now = [0.0]
    quota = Quota({"calls": 2, "heavy": 5}, lambda: now[0])
    assert quota.take("", {"calls": 1, "heavy": 3}) is None
    assert quota.take("", {"calls": 1, "heavy": 3}) == "heavy"
    assert quota.take("", {"calls": 1}) is None
    assert quota.take("", {"calls": 1}) == "calls"
    assert quota.take("another", {"calls": 1}) is None
    now[0] = 60.0
    assert quota.take("", {"calls": 1}) is None
