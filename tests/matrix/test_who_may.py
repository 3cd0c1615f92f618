"""Every route refuses everybody but those for whom it is declared: role by role, scope by scope, door by door."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from functions.shared import clock
from functions.shared.http.routes import Route
from functions.shared.identity import SCOPES, Caller, Role
from functions.shared.identity.abilities import ABILITIES
from tests.functions.shared.http import callers
from tests.matrix.asking import ask, external, named, nobody, title
from tests.matrix.business import Business
from tests.matrix.city import DEPLOYMENTS, ROUTES, City, Who

pytestmark = pytest.mark.timeout(600)
"""The first test opens the city and founds the businesses."""

LEAST: dict[str, Role | None] = {name: ability.role for ability in ABILITIES for name in ability.routes}
"""The least role of each route, as the table that the documentation shows says it."""


@dataclass(frozen=True)
class Asker:
    """Somebody, with what the declaration of a route says about them."""

    who: Who
    may: Callable[[Route], bool]
    codes: frozenset[str] = field(default_factory=frozenset)
    """With which code they are refused where they always are; empty: any of 401 and 403."""


def least(route: Route) -> Role | None:
    """The least role, by the table where people have the route."""
    return LEAST[f"{route.method} {route.path}"] if Caller.CONSOLE in route.callers else route.role


def _never(route: Route) -> bool:
    return False


def _public(route: Route) -> bool:
    return route.public


def person(who: Who, role: Role | None, *, operator: bool = False) -> Asker:
    """A person who is this in the workspace of their claims; None: nothing there."""

    def may(route: Route) -> bool:
        if route.public or (operator and Caller.OPERATOR in route.callers):
            return True
        if Caller.CONSOLE not in route.callers:
            return False
        needed = least(route)
        return needed is None or (role is not None and role.allows(needed))

    return Asker(who, may)


def machine(who: Who, scopes: tuple[str, ...], role: Role) -> Asker:
    """A program whose key has these scopes and this role."""

    def may(route: Route) -> bool:
        if route.public:
            return True
        needed = least(route)
        fits = needed is None or role.allows(needed)
        return Caller.MACHINE in route.callers and route.scope in scopes and fits

    return Asker(who, may)


def account(name: str, caller: Caller) -> Asker:
    """One of the platform's own accounts, at the doors that the catalogue opens to it."""

    def may(route: Route) -> bool:
        return caller in route.callers and name in DEPLOYMENTS[route.deployment]["callers"]

    return Asker(Who(f"the account {name}", account=name), may)


@pytest.fixture(scope="package")
def askers(ours: Business, theirs: Business) -> list[Asker]:
    """Everybody."""
    owner = dict(ours.owner.claims or {})
    past, now = (clock.now() - timedelta(hours=1)).timestamp(), clock.now()
    alone = ours.signed_up("a person without a workspace")
    boss = ours.signed_up("an operator", operator=True)
    foreign = Who("the owner of another workspace", {**(theirs.owner.claims or {}), "workspace_id": ours.workspace})
    every = [person(ours.member(role), role) for role in Role]
    every += [person(ours.owner, Role.OWNER), person(alone, None), person(foreign, None)]
    every += [person(ours.member(None), None), person(boss, None, operator=True)]
    every += [
        person(
            replace(ours.member("viewer", operator=True), name="a viewer who is operator"), Role.VIEWER, operator=True
        )
    ]
    every += [machine(ours.program(f"a key to {one}", one), (one,), Role.MEMBER) for one in SCOPES]
    every += [
        machine(ours.program(f"a key of a {role}", *SCOPES, role=role), SCOPES, role)
        for role in (Role.VIEWER, Role.MEMBER, Role.ADMIN)
    ]
    revoked = ours.program("a revoked key", *SCOPES, role="admin", revoked_at=now)
    expired = ours.program("an expired key", *SCOPES, role="admin", expires_at=now)
    other = ours.program("a key's token for another workspace", *SCOPES, role="admin")
    every += [Asker(revoked, _public), Asker(expired, _public)]
    every += [Asker(replace(other, claims={**(other.claims or {}), "workspace_id": theirs.workspace}), _public)]
    every += [Asker(ours.guest, lambda route: route.public or Caller.VISITOR in route.callers)]
    every += [Asker(Who("nobody"), _public)]
    every += [account("push", Caller.PUSH), account("scheduler", Caller.SCHEDULER)]
    lies: dict[str, dict[str, Any]] = {
        "an owner whose token has ended": {"exp": past},
        "an owner for another audience": {"aud": "another-project"},
        "an owner of another project": {"iss": "https://securetoken.google.com/another-project"},
        "an owner who says to be a machine": {"iss": callers.account("machines")},
        "an owner who says to be a visitor": {"iss": callers.account("visitors")},
        "an owner whose name is a path": {"sub": "../../members/x"},
    }
    every += [Asker(Who(name, {**owner, **changes}), _public) for name, changes in lies.items()]
    every += [
        Asker(Who("an owner through an account that is not ours", owner, account="stranger"), _never),
        Asker(Who("an owner with a token for another function", owner, token={"aud": "http://other.test"}), _never),
        Asker(Who("an owner with an unchecked token", owner, token={"signature": "AAAA"}), _never),
        Asker(Who("an owner with a service token that has ended", owner, token={"exp": past}), _never),
    ]
    return every


@pytest.mark.parametrize("key", ROUTES, ids=title)
def test_a_route_takes_those_it_is_declared_for_and_nobody_else(
    city: City, askers: list[Asker], key: tuple[str, str, str]
) -> None:
    route = ROUTES[key]
    assert any(asker.may(route) for asker in askers), "nobody here may do this: an asker is missing"
    wrong = []
    for asker in askers:
        # Nothing that is named exists and no body fits, so whoever is let in changes nothing.
        body = {"no_such_field": 1} if route.body is not None else None
        answer = ask(city, route, asker.who, {name: nobody(name) for name in named(route)}, body=body)
        problem = json.loads(answer.get_data()) if answer.status_code >= 400 else {}
        refused = answer.status_code in (401, 403) and problem["code"] not in OF_HANDLERS
        assert answer.status_code < 500, f"{asker.who.name}: {answer.get_data()!r}"
        if refused == asker.may(route):
            wrong.append(f"{asker.who.name}: {answer.status_code} {problem.get('code', '')}")
    assert wrong == []


OF_HANDLERS = frozenset({"invalid_client", "origin_not_allowed", "email_unverified"})
"""Refusals by a handler, of somebody whom the door has let in."""


@pytest.mark.parametrize("key", [key for key in external() if ROUTES[key].public], ids=title)
def test_on_a_public_route_claims_that_anybody_can_send_mean_nothing(
    city: City, ours: Business, key: tuple[str, str, str]
) -> None:
    route = ROUTES[key]
    ids = {name: ours.things[name] for name in named(route)}
    answers = []
    for claims in (None, ours.owner.claims, ours.guest.claims, {"sub": "x"}, {"operator": True}):
        answer = ask(city, route, Who("anybody", claims), ids)
        problem = json.loads(answer.get_data())
        problem.pop("request_id")
        answers.append((answer.status_code, problem))
    assert all(answer == answers[0] for answer in answers)
