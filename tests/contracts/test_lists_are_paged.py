"""Every list comes in pages, or is never long for a reason that docs/decisions/0028 names."""

import pytest

from functions.shared.http.routes import Route
from tests.contracts.decided import external, reasons

NEVER_LONG = reasons("0028")
LISTS = {
    name: route
    for name, route in external().items()
    if any("items" in getattr(answer, "model_fields", {}) for answer in route.answers)
}


def paged(route: Route) -> bool:
    """Whether it takes a page's size and token and may give the next one."""
    asked = route.query.model_fields if route.query is not None else {}
    lists = [answer for answer in route.answers if "items" in getattr(answer, "model_fields", {})]
    return {"page_size", "page_token"} <= asked.keys() and all("next_page_token" in one.model_fields for one in lists)


def test_lists_are_found() -> None:
    assert len(LISTS) > 25
    assert {"GET /api/workspace/api-keys", "GET /api/templates", "GET /api/audit-log"} <= LISTS.keys()


@pytest.mark.parametrize("name", sorted(LISTS.keys() - NEVER_LONG.keys()))
def test_a_list_comes_in_pages(name: str) -> None:
    assert paged(LISTS[name]), f"{name} is cut off without a token; page it, or say in 0028 why it is never long"


@pytest.mark.parametrize("name", sorted(NEVER_LONG))
def test_what_is_never_long_is_a_list_without_pages(name: str) -> None:
    assert name in LISTS, f"{name} is no list; take it out of 0028"
    assert not paged(LISTS[name]), f"{name} comes in pages; take it out of 0028"
