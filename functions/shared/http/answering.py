"""Makes responses: answers, problems and preflights, with the headers that each of them has."""

import json
from collections.abc import Collection
from typing import Any

import flask
from pydantic import BaseModel

from functions.shared.config import settings
from functions.shared.errors import Problem
from functions.shared.http.messages import Bytes, Reply
from functions.shared.http.routes import Route

_ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID, traceparent"
_EXPOSED_HEADERS = (
    "ETag, Location, Retry-After, X-Request-ID, Idempotent-Replayed, Content-Disposition, Next-Page-Token"
)
_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_DAY = "86400"


class WrongAnswer(TypeError):
    """A handler returned something else than it declared: a fault of ours."""


def answer(returned: Any, route: Route) -> flask.Response:
    """The response for what a handler returned (streams apart). Raises WrongAnswer."""
    response = _response(returned, route)
    if route.etag and "ETag" not in response.headers:
        raise WrongAnswer(f"{route.operation_id} answered without the ETag that it declares")
    return response


def _response(returned: Any, route: Route) -> flask.Response:
    if isinstance(returned, Bytes):
        response = flask.Response(returned.content, returned.status or route.status, content_type=returned.media_type)
        response.headers.update(returned.headers)
        _etag(response, returned.etag)
        return response
    reply = returned if isinstance(returned, Reply) else Reply(returned)
    if reply.body is None:
        response = flask.Response(status=reply.status or (route.status if not route.answers else 204))
        response.headers.pop("Content-Type", None)
    elif isinstance(reply.body, BaseModel) and isinstance(reply.body, _models(route)):
        response = flask.Response(
            reply.body.model_dump_json(by_alias=True), reply.status or route.status, content_type="application/json"
        )
    else:
        raise WrongAnswer(f"{route.operation_id} answered {type(reply.body).__name__}")
    response.headers.update(reply.headers)
    _etag(response, reply.etag)
    return response


def _models(route: Route) -> tuple[type[BaseModel], ...]:
    """The classes an answer may have; `Items(…)` is taken where `Items[Thing]` is declared."""
    models = tuple(model for model in route.answers if issubclass(model, BaseModel))
    generic = (model.__pydantic_generic_metadata__["origin"] for model in models)
    return (*models, *(origin for origin in generic if origin is not None))


def _etag(response: flask.Response, etag: str | None) -> None:
    if etag is not None:
        response.set_etag(etag)


def problem(found: Problem, request_id: str) -> flask.Response:
    """The response for a problem: application/problem+json, never cached."""
    text = json.dumps(found.body(request_id), ensure_ascii=False)
    response = flask.Response(text, found.status, content_type="application/problem+json")
    response.headers.update(found.headers)
    response.headers["Cache-Control"] = "no-store"
    if found.status == 401:
        response.headers.setdefault("WWW-Authenticate", "Bearer")
    return response


def preflight(methods: Collection[str], *, any_origin: bool, origin: str | None) -> flask.Response:
    """The answer to OPTIONS: what a page of this origin may send."""
    response = flask.Response(status=204)
    response.headers.pop("Content-Type", None)
    allowed = ", ".join(sorted({*methods, "OPTIONS"}))
    response.headers["Allow"] = allowed
    if allow_origin(response, any_origin=any_origin, origin=origin):
        # A path may lead to several deployments by its method, and one of them answers for all.
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = _DAY
    return response


def allow_origin(response: flask.Response, *, any_origin: bool, origin: str | None) -> bool:
    """Let the page that asked read the response, if it may; says whether."""
    response.headers.add("Vary", "Origin")
    if not origin or not (any_origin or origin in settings().console_origins):
        return False
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    return True
