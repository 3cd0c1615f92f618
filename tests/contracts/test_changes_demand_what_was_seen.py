"""Every PUT, PATCH and DELETE demands If-Match, or loses nothing for a reason that docs/decisions/0029 names."""

import pytest

from tests.contracts.decided import external, reasons

WITHOUT = reasons("0029")
CHANGES = {name: route for name, route in external().items() if route.method in ("PUT", "PATCH", "DELETE")}


def test_changes_are_found() -> None:
    assert len(CHANGES) > 20
    assert "PATCH /api/workspace" in CHANGES


@pytest.mark.parametrize("name", sorted(CHANGES.keys() - WITHOUT.keys()))
def test_a_change_demands_the_etag_that_was_seen(name: str) -> None:
    assert CHANGES[name].if_match, f"{name} overwrites what nobody saw; demand If-Match, or say in 0029 why not"


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_what_needs_no_etag_is_a_change_without_one(name: str) -> None:
    assert name in CHANGES, f"{name} is no change; take it out of 0029"
    assert not CHANGES[name].if_match, f"{name} demands If-Match; take it out of 0029"
