"""A resource that is read again has an ETag, so that what has not changed is not sent twice."""

from pydantic import BaseModel

from functions.shared.http import Items
from functions.shared.http.routes import Route
from infra import openapi

PUT_TOGETHER = "figures of a time, put together at each request and not kept as a document"
FOR_EVER = "never changes, and is asked for once by whoever keeps it"
WITHOUT = {
    "/api/agents/{agent}/versions/{version}/diff": "what differs between two resources that have ETags of their own",
    "/api/analytics": PUT_TOGETHER,
    "/api/analytics/agents/{agent}": PUT_TOGETHER,
    "/api/analytics/agents/{agent}/versions": PUT_TOGETHER,
    "/api/analytics/industries": PUT_TOGETHER,
    "/api/billing": PUT_TOGETHER,
    "/api/billing/credits": "a page of what moved the credit, with its state at this moment",
    "/api/billing/events/{event}": "the way of one event to its invoice, looked up in several places for who asks why",
    "/api/billing/evidence-keys": "all the keys, a list that names each of them",
    "/api/billing/prices": "the price book that ships with a release",
    "/api/billing/usage": PUT_TOGETHER,
    "/api/chat": "the messages of a visitor's own conversation, read when a widget opens and longer after each turn",
    "/api/credit-notes/{credit_note}/pdf": FOR_EVER,
    "/api/dashboard": PUT_TOGETHER,
    "/api/dashboard/status": "asked of the engines at this moment, which is what it is for",
    "/api/dashboard/summary": PUT_TOGETHER,
    "/api/invitations/{token}/offer": "what a link offers until it is taken, once",
    "/api/invoices/{invoice}/pdf": FOR_EVER,
    "/api/operator/plans": "all versions of the plans, a list",
    "/api/operator/workspaces/{workspace}/margin": PUT_TOGETHER,
    "/api/templates": "what a release offers, a list",
    "/api/usage/stats": PUT_TOGETHER,
    "/api/visitor-id": "a name that is computed of another one",
    "/api/visitors/{visitor}": "a page of an export, collected for one request for access",
    "/api/widgets/{widget}/embed": "a line of HTML made of the widget's id and the addresses of this installation",
}
"""Path of a single resource whose GET answers no ETag → why it needs none."""


def single() -> dict[str, Route]:
    """By path the reads of one thing: every external GET that does not answer with a page of a list."""
    return {
        route.path: route
        for api in openapi.declared()
        for route in api.routes
        if route.method == "GET" and route.external and not any(_is_list(answer) for answer in route.answers)
    }


def _is_list(answer: type) -> bool:
    return issubclass(answer, BaseModel) and answer.__pydantic_generic_metadata__["origin"] is Items


def test_every_read_of_a_single_resource_declares_its_etag_or_says_why_it_has_none() -> None:
    found = single()
    assert {"/api/agents/{agent}", "/api/agents/{agent}/versions/{version}", "/api/workspace"} <= found.keys()
    bare = {path for path, route in found.items() if not route.etag}
    assert not bare - WITHOUT.keys(), "declare etag=True and answer with one, or say here why there is none"
    assert not WITHOUT.keys() - bare, "take out of WITHOUT what is gone or has an ETag now"
    assert all(len(why.split()) >= 5 for why in WITHOUT.values())


def test_the_contract_tells_of_the_etag_and_of_304() -> None:
    paths = openapi.public_contract(openapi.declared())["paths"]
    for path, route in single().items():
        answers = paths[path]["get"]["responses"]
        assert ("304" in answers, "ETag" in answers["200"].get("headers", {})) == (route.etag, route.etag), path


def test_a_write_that_demands_an_etag_has_a_read_beside_it_that_gives_one() -> None:
    """Or, for what has no GET of its own, a read of what it belongs to."""
    found = single()
    for api in openapi.declared():
        for route in api.routes:
            if route.external and route.if_match:
                places = (route.path, route.path.rpartition("/")[0])
                assert any(place in found and found[place].etag for place in places), f"{route.method} {route.path}"
