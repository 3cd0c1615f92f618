"""Whatever is another workspace's is as good as not there: the same answer, and nothing of it changes."""

import itertools
import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from functions.shared.http.routes import Route
from functions.shared.identity import Caller
from tests.matrix.asking import BODIES, ask, asks_of, body_of, external, named, nobody, references, title
from tests.matrix.business import KINDS, Business
from tests.matrix.city import ROUTES, City

pytestmark = pytest.mark.timeout(600)
"""The first test opens the city and founds the businesses."""

NOT_404 = {
    "GET /api/visitors/{visitor}": 200,
    "DELETE /api/visitors/{visitor}": 204,
}
"""What is answered for a visitor of whom nothing is known: an empty list, and that nothing is left."""
BEARERS = frozenset({"token"})
"""What opens by being known: an invitation's token is for whoever has the address that it was sent to."""


def test_a_business_has_something_of_every_kind(ours: Business, theirs: Business) -> None:
    assert set(ours.things) == set(theirs.things) == set(KINDS)
    assert not set(ours.things.values()) & set(theirs.things.values())
    for kind in ("members", "versions", "chunks", "turns", "invoices", "deliveries"):
        assert any(f"/{kind}/" in name for name in theirs.documents()), kind


def test_no_list_of_ours_names_anything_of_theirs(city: City, ours: Business, theirs: Business) -> None:
    # The first of these tests: whoever asks for an erasure sees in the feed which name they typed.
    names = {value for kind, value in theirs.things.items() if kind not in ("line", "member")} | {theirs.name}
    for key in external():
        route = ROUTES[key]
        if route.method != "GET" or Caller.CONSOLE not in route.callers:
            continue
        answer = ask(city, route, ours.owner, ours.things)
        assert answer.status_code < 500, title(key)
        leaked = {name for name in names if name.encode() in answer.get_data()}
        assert not leaked, title(key)


def told(answer: TestResponse, typed: str = "-") -> tuple[int, Any, list[str]]:
    """Everything that tells one answer from another: status, body without the request's id, and which headers it has.

    `typed` is what the caller has said, which an answer may repeat.
    """
    is_json = (answer.mimetype or "").endswith("json")
    content = json.loads(answer.text.replace(typed, "-")) if is_json else answer.get_data()
    if isinstance(content, dict):
        content.pop("request_id", None)
    return answer.status_code, content, sorted(answer.headers.keys())


def strangers(route: Route, us: Business, them: Business) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Pairs of ids for the path: with theirs in some places and ours in the others, and with ids of nothing there."""
    names = [name for name in named(route) if name not in BEARERS]
    if Caller.OPERATOR in route.callers:
        # An operator may name any workspace, so theirs stands below ours.
        names = [name for name in names if name != "workspace"]
    found = []
    for size in range(1, len(names) + 1):
        for places in itertools.combinations(names, size):
            foreign = {**us.things, **{name: them.things[name] for name in places}}
            found.append((foreign, {**us.things, **{name: nobody(name) for name in places}}))
    return found


NAMING = [key for key in external() if not ROUTES[key].public and set(ROUTES[key].parameters) & set(KINDS) - BEARERS]


@pytest.mark.parametrize("key", NAMING, ids=title)
def test_what_is_of_another_workspace_is_not_there(
    city: City, ours: Business, theirs: Business, key: tuple[str, str, str]
) -> None:
    route, before = ROUTES[key], theirs.documents()
    us = asks_of(route, ours)
    for foreign, nothing in strangers(route, ours, theirs):
        etags = {'"0"', etag(city, route, theirs, foreign)}
        for stated in etags:
            found, missing = (told(ask(city, route, us, ids, If_Match=stated)) for ids in (foreign, nothing))
            assert found == missing
            assert found[0] == NOT_404.get(f"{route.method} {route.path}", 404)
    assert theirs.documents() == before


def etag(city: City, route: Route, them: Business, ids: dict[str, str]) -> str:
    """The ETag that they see: whoever guesses it right is refused all the same."""
    shown = ROUTES.get((route.deployment, "GET", route.path))
    if shown is None or Caller.CONSOLE not in shown.callers:
        return '"0"'
    return ask(city, shown, them.owner, {**ids, **them.things}).headers.get("ETag", '"0"')


REFERRING = [
    (key, place, *reference)
    for key in external()
    for place in ("query", "body")
    for reference in references(getattr(ROUTES[key], place))
    if not ROUTES[key].public and "workspace" not in reference[1]
]


@pytest.mark.parametrize(("key", "place", "field", "kind", "many"), REFERRING, ids=lambda value: str(value))
def test_a_field_that_names_something_of_another_workspace_names_nothing(
    city: City,
    ours: Business,
    theirs: Business,
    key: tuple[str, str, str],
    place: str,
    field: str,
    kind: str,
    many: bool,
) -> None:
    route, before = ROUTES[key], theirs.documents()
    answers = []
    for value in (theirs.things[kind], nobody(kind)):
        stated = [value] if many else value
        if place == "query":
            answer = ask(city, route, asks_of(route, ours), ours.things, query={field: value})
        else:
            sample, _ = body_of(route)
            answer = ask(city, route, asks_of(route, ours), ours.things, body={**sample, field: stated})
        answers.append(told(answer, value))
    assert answers[0] == answers[1]
    assert theirs.documents() == before


def test_budgets_take_no_agent_of_another_workspace(city: City, ours: Business, theirs: Business) -> None:
    route = ROUTES["billing-api", "PUT", "/api/billing/budgets"]
    answers = []
    for agent in (theirs.things["agent"], nobody("agent")):
        caps = {agent: {"amount": "1", "currency": "USD"}}
        answers.append(
            ask(city, route, ours.owner, {}, body={**BODIES["BudgetsChange"], "agent_caps": caps}).status_code
        )
    assert answers[0] == answers[1]
