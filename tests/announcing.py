"""Watches every answer of the test run that a function of ours gives in this process: its status is one that is announced.

`watch` looks at each answer at the edge, whatever the test is about; an answer that the contract does not list raises where
it is given.
"""

import functools
from typing import Any

import flask
import pytest

from functions.shared.http import function
from functions.shared.http.announced import announced
from functions.shared.http.routes import Route


class Unannounced(BaseException):
    """A route answers with a status that the contract does not list. A BaseException, so that nobody handles it."""


def watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every answer checked until the monkeypatch is undone."""
    monkeypatch.setattr(function._Edge, "handle", _watched(function._Edge.handle))


def _watched(handle: Any) -> Any:
    @functools.wraps(handle)
    def watched(edge: Any, request: flask.Request) -> flask.Response:
        response: flask.Response = handle(edge, request)
        found = edge._router.find(request.path.rstrip("/") or "/").get(request.method)
        if found is not None:
            check(found[0], response.status_code)
        return response

    return watched


def check(route: Route, status: int) -> None:
    """Raise Unannounced unless the contract lists this status of the route."""
    # The routes that tests declare for themselves are in no contract.
    if route.deployment != "sample-api" and status not in (route.status, *announced(route)):
        raise Unannounced(f"{route.operation_id} answers {status}: name it in `refuses`")
