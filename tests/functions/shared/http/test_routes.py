"""A declaration that cannot work fails when it is made, not when it is called."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from functions.shared.errors import Invalid
from functions.shared.http import (
    CONSOLE,
    MACHINE,
    OPERATOR,
    PUBLIC,
    VISITOR,
    Answer,
    Body,
    Bytes,
    Call,
    Items,
    Query,
    Raw,
    Reply,
    Routes,
    Stream,
    answering,
    page_token,
    page_values,
)
from functions.shared.http.routes import BadRoute
from functions.shared.identity import Caller, Role


class Given(Body):
    name: str


class Loose(BaseModel):
    name: str


class Thing(Answer):
    name: str


def ok(call: Call, thing: str, body: Given) -> Reply[Thing]: ...


def no_call(thing: str) -> None: ...


def wrong_call(call: str, thing: str) -> None: ...


def no_answer(call: Call, thing: str):  # type: ignore[no-untyped-def]
    ...


def other_parameter(call: Call, other: str) -> None: ...


def parameter_as_number(call: Call, thing: int) -> None: ...


def loose_body(call: Call, thing: str, body: Loose) -> None: ...


def loose_query(call: Call, thing: str, query: Loose) -> None: ...


def odd_answer(call: Call, thing: str) -> dict[str, Any]: ...


def streams(call: Call, thing: str) -> Stream: ...


def gives_bytes(call: Call, thing: str) -> Bytes: ...


def plain(call: Call, thing: str) -> None: ...


def shows(call: Call, thing: str) -> Reply[Thing]: ...


PATH = "/api/things/{thing}"


@pytest.mark.parametrize(
    "handler",
    [no_call, wrong_call, no_answer, other_parameter, parameter_as_number, loose_body, loose_query, odd_answer],
)
def test_a_signature_that_does_not_fit_is_refused(handler: Callable[..., Any]) -> None:
    with pytest.raises(BadRoute):
        Routes("x-api").post(PATH, callers=(CONSOLE,), summary="X.")(handler)


@pytest.mark.parametrize(
    ("method", "handler", "declaration"),
    [
        ("POST", plain, {"callers": ()}),
        ("POST", plain, {"callers": (PUBLIC, CONSOLE)}),
        ("POST", plain, {"callers": (OPERATOR, CONSOLE)}),
        ("POST", plain, {"callers": (Caller.PUSH, CONSOLE)}),
        ("POST", plain, {"callers": (CONSOLE,), "summary": ""}),
        ("POST", plain, {"callers": (CONSOLE,), "scope": "everything"}),
        ("POST", plain, {"callers": (PUBLIC,), "idempotent": True}),
        ("PUT", plain, {"callers": (CONSOLE,), "idempotent": True}),
        ("POST", streams, {"callers": (CONSOLE,), "idempotent": True}),
        ("POST", gives_bytes, {"callers": (CONSOLE,)}),
        ("GET", ok, {"callers": (CONSOLE,)}),
        ("POST", plain, {"callers": (CONSOLE,), "etag": True}),
        ("POST", plain, {"callers": (CONSOLE,), "signed_in": "X-Signature"}),
        ("POST", plain, {"callers": (PUBLIC,), "signed_in": "X-Signature"}),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    method: str, handler: Callable[..., Any], declaration: dict[str, Any]
) -> None:
    with pytest.raises(BadRoute):
        Routes("x-api").route(method, PATH, **{"summary": "X.", **declaration})(handler)


def test_an_answer_without_the_etag_that_its_route_declares_is_a_fault() -> None:
    api = Routes("x-api")
    api.get(PATH, callers=(CONSOLE,), summary="X.", etag=True)(shows)
    (route,) = api.routes
    assert answering.answer(Reply(Thing(name="x"), etag="1"), route).headers["ETag"] == '"1"'
    with pytest.raises(answering.WrongAnswer):
        answering.answer(Reply(Thing(name="x")), route)


@pytest.mark.parametrize("path", ["things/{thing}", "/things/{thing}/", "/things/x-{thing}", "/Things/{thing}"])
def test_a_path_that_the_gateway_refuses_is_refused_here(path: str) -> None:
    with pytest.raises(BadRoute):
        Routes("x-api").get(path, callers=(CONSOLE,), summary="X.")(plain)


def test_the_same_route_twice_is_refused() -> None:
    api = Routes("x-api")
    api.post(PATH, callers=(CONSOLE,), summary="X.")(plain)
    with pytest.raises(BadRoute):
        api.post(PATH, callers=(CONSOLE,), summary="X.")(plain)
    other = Routes("x-api")
    other.get(PATH, callers=(CONSOLE,), summary="X.")(plain)
    api.include(other)
    assert [route.method for route in api.routes] == ["POST", "GET"]
    with pytest.raises(BadRoute):
        api.include(Routes("y-api"))


def test_what_is_not_said_is_the_careful_choice() -> None:
    api = Routes("x-api")
    api.post(PATH, callers=(CONSOLE, MACHINE), summary="X.")(ok)
    api.get(PATH, callers=(CONSOLE,), summary="X.")(plain)
    api.delete(PATH, callers=(CONSOLE,), summary="X.")(plain)
    post, get, delete = api.routes
    assert (post.role, post.scope, post.status, post.if_match) == (Role.MEMBER, "write", 200, False)
    assert (get.role, get.scope, get.status) == (Role.VIEWER, "read", 204)
    assert delete.if_match
    assert post.answers == (Thing,)


def test_a_union_of_answers_is_taken_apart() -> None:
    def either(call: Call, body: Raw) -> Stream | Reply[Items[Thing]] | None: ...

    api = Routes("x-api")
    api.post("/api/x", callers=(VISITOR,), summary="X.")(either)
    assert api.routes[0].answers == (Stream, Items[Thing])


def test_a_repeated_query_parameter_needs_a_list() -> None:
    class Many(Query):
        kind: tuple[str, ...] = ()

    def many(call: Call, query: Many) -> None: ...

    api = Routes("x-api")
    api.get("/api/x", callers=(CONSOLE,), summary="X.")(many)
    assert api.routes[0].query is Many


def test_a_page_token_comes_back_as_it_was_made() -> None:
    assert page_values(page_token("2026-11-25T00:00:00Z", "agents/agt_1"), 2) == (
        "2026-11-25T00:00:00Z",
        "agents/agt_1",
    )
    assert page_values(None, 2) is None


@pytest.mark.parametrize("token", ["", "?", "e30", page_token("one"), "A" * 1000, "ä"])
def test_a_page_token_that_we_did_not_make_is_invalid(token: str) -> None:
    with pytest.raises(Invalid):
        page_values(token, 2)
