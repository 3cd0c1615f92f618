"""What a role may do is one table in code: every route that people or API keys call is in it once, with its own role."""

from collections import Counter

from functions.shared.identity import Caller, Role
from functions.shared.identity.abilities import ABILITIES
from infra import roles

LISTED = {route: ability.role for ability in ABILITIES for route in ability.routes}


def test_every_route_declares_the_role_that_the_table_says() -> None:
    declared = {name: route.role for name, route in roles.declared().items()}
    missing = sorted(declared.keys() - LISTED.keys())
    assert not missing, f"add to functions/shared/identity/abilities.py: {missing}"
    gone = sorted(LISTED.keys() - declared.keys())
    assert not gone, f"take out of functions/shared/identity/abilities.py: {gone}"
    assert {name: role for name, role in declared.items() if role is not LISTED[name]} == {}


def test_a_route_is_in_one_row_and_a_row_has_one_name() -> None:
    routes = Counter(route for ability in ABILITIES for route in ability.routes)
    names = Counter(ability.name for ability in ABILITIES)
    assert set(routes.values()) == set(names.values()) == {1}


def test_rows_stand_in_the_order_of_their_roles() -> None:
    ranks = [-1 if ability.role is None else ability.role.rank for ability in ABILITIES]
    assert ranks == sorted(ranks)
    assert {ability.role for ability in ABILITIES} == {None, *Role}


def test_no_key_may_do_what_only_an_owner_may() -> None:
    """A key's role is at most admin; a route for owners that takes keys would say something that cannot be."""
    for name, route in roles.declared().items():
        assert not (route.role is Role.OWNER and Caller.MACHINE in route.callers), name


def test_the_guide_shows_the_table_of_now() -> None:
    assert roles.main(["--check"]) == 0
    text = roles.GUIDE.read_text("utf-8")
    assert all(ability.says in text for ability in ABILITIES)
    assert roles.written(text.replace("viewer |", "nobody |")) == text
