"""What a route may answer is told by its declaration, and an answer that is not told of is noticed."""

import pytest

from functions.shared.http import function
from functions.shared.http.announced import MEANINGS, announced
from infra.openapi import declared
from tests import announcing

ROUTES = {f"{route.method} {route.path}": route for api in declared() for route in api.routes}


@pytest.mark.parametrize(
    ("name", "among", "missing"),
    [
        ("GET /api/agents/{agent}", {304, 401, 403, 404}, {409, 412, 415, 428}),
        ("PATCH /api/widgets/{widget}", {401, 403, 404, 409, 412, 413, 415, 422, 428}, {304, 402}),
        ("POST /api/chat", {402, 409, 429, 503}, {304, 412}),
        ("POST /oauth/token", {400, 401, 403, 415}, {402, 412}),
    ],
)
def test_a_declaration_brings_its_statuses(name: str, among: set[int], missing: set[int]) -> None:
    found = set(announced(ROUTES[name]))
    assert among <= found
    assert not missing & found


def test_every_status_is_said_in_words_and_none_is_success() -> None:
    told = {status for route in ROUTES.values() for status in announced(route)}
    assert told == set(MEANINGS)


def test_an_answer_that_is_not_announced_is_noticed_by_whatever_test() -> None:
    route = ROUTES["GET /api/agents/{agent}"]
    for status in (200, 304, 404):
        announcing.check(route, status)
    for status in (201, 402, 412):
        with pytest.raises(announcing.Unannounced):
            announcing.check(route, status)
    assert hasattr(function._Edge.handle, "__wrapped__")
