"""Writes routes down as OpenAPI 3.0.4: the public contract, as /openapi.json shows it, without Google's extensions.

`infra/openapi.py` adds what the gateway needs. The order is that of the paths, so the same routes give the same text.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from functions.shared.http import schema
from functions.shared.http.announced import MEANINGS, announced
from functions.shared.http.messages import Bytes, Json, Raw, Stream
from functions.shared.http.routes import Route, Routes
from functions.shared.identity import Caller

VERSION = "3.0.4"
SCHEMES = {
    Caller.CONSOLE: "console",
    Caller.OPERATOR: "console",
    Caller.MACHINE: "machine",
    Caller.VISITOR: "visitor",
}
"""Which security scheme a kind of caller comes with."""

_SCHEME_TEXTS = {
    "console": "A person's Identity Platform ID token.",
    "machine": "A token from POST /oauth/token, one hour long.",
    "visitor": "A session's token from POST /api/widgets/{widget}/sessions, 30 minutes long.",
}
_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def document(deployments: Sequence[Routes], *, title: str = "AgentHub", version: str = "1") -> dict[str, Any]:
    """The OpenAPI document of all external routes of some deployments."""
    routes = external(deployments)
    references, schemas = schema.components(_models(routes))
    paths: dict[str, Any] = {}
    for route in sorted(routes, key=lambda route: route.path):
        operation, more = _operation(route, references)
        schemas.update(more)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "securitySchemes": {
                name: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": text}
                for name, text in _SCHEME_TEXTS.items()
            },
            "responses": {str(status): _refusal(status) for status in MEANINGS},
            "schemas": {"Problem": _PROBLEM, **dict(sorted(schemas.items()))},
        },
    }


def external(deployments: Iterable[Routes]) -> list[Route]:
    """The routes that the gateway leads to."""
    return [route for api in deployments for route in api.routes if route.external]


def _models(routes: list[Route]) -> list[tuple[type[BaseModel], schema.Mode]]:
    found: list[tuple[type[BaseModel], schema.Mode]] = []
    for route in routes:
        if route.body is not None and issubclass(route.body, BaseModel):
            found.append((route.body, "validation"))
        found += [(answer, "serialization") for answer in route.answers if issubclass(answer, BaseModel)]
    return found


def security(route: Route) -> list[dict[str, list[str]]]:
    """The alternatives of a route's security; empty means public."""
    names = sorted({SCHEMES[caller] for caller in route.callers if caller in SCHEMES})
    return [{name: []} for name in names]


def _operation(route: Route, references: dict[Any, dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.parameters
    ]
    query, schemas = _query(route)
    parameters += query + _headers(route)
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "tags": [route.deployment],
        "security": security(route),
    }
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": _body(route, references)}
    refusals = {str(status): {"$ref": f"#/components/responses/{status}"} for status in announced(route)}
    operation["responses"] = {str(route.status): _success(route, references), **refusals, "default": _failure()}
    if route.etag:
        operation["responses"][str(route.status)]["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return operation, schemas


def _query(route: Route) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if route.query is None:
        return [], {}
    properties, required, schemas = schema.inline(route.query)
    parameters = []
    for name, found in properties.items():
        description = found.pop("description", None)
        found.pop("title", None)
        parameter = {"name": name, "in": "query", "required": name in required, "schema": found}
        parameters.append({**parameter, **({"description": description} if description else {})})
    return parameters, schemas


def _headers(route: Route) -> list[dict[str, Any]]:
    text = {"type": "string"}
    found: list[dict[str, Any]] = []
    if route.if_match:
        found.append({"name": "If-Match", "in": "header", "required": True, "schema": text})
    if route.idempotent:
        needed = route.idempotent is not True
        found.append({"name": "Idempotency-Key", "in": "header", "required": needed, "schema": text})
    if route.signed_in:
        found.append({"name": route.signed_in, "in": "header", "required": True, "schema": text})
    return found


def _body(route: Route, references: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    if route.body is None or issubclass(route.body, Raw | Json):
        shape: dict[str, Any] = {"type": "string"} if route.body is Raw else {}
        return {media_type: {"schema": shape} for media_type in route.accepts}
    return {"application/json": {"schema": references[route.body, "validation"]}}


def _success(route: Route, references: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    models = [references[a, "serialization"] for a in route.answers if issubclass(a, BaseModel)]
    if models:
        content["application/json"] = {"schema": models[0] if len(models) == 1 else {"anyOf": models}}
    if Stream in route.answers:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    if Bytes in route.answers:
        for media_type in route.produces:
            text = media_type.startswith("text/") or media_type.endswith(("yaml", "json"))
            content[media_type] = {"schema": {"type": "string", **({} if text else {"format": "binary"})}}
    return {"description": "It worked.", **({"content": content} if content else {})}


def _failure(description: str = "A problem.") -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": reference}}}


def _refusal(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {"description": MEANINGS[status]} if status == 304 else _failure(MEANINGS[status])
    if status in (429, 503):
        seconds = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
        found["headers"] = {"Retry-After": seconds}
    return found
