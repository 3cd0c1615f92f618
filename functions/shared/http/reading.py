"""Reads requests: bodies, query parameters and headers, each refused with a clear answer when it is not right."""

import base64
import binascii
import json
import types
import typing
from datetime import datetime
from typing import Any

import flask
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import Headers

from functions.shared import clock
from functions.shared.config import settings
from functions.shared.errors import EtagRequired, Invalid, Malformed, NotFound, Problem, TooLarge
from functions.shared.http.messages import Json, Raw
from functions.shared.http.routes import Route

_MAX_ERRORS = 50
_MAX_KEY = 255


class WrongMediaType(Problem):
    """The body has another content type than the route takes."""

    status, code, title = 415, "unsupported_media_type", "This content type is not taken here"


def refuse_tricks(request: flask.Request) -> None:
    """Refuse what the gateway and we could read differently, for then its security would be another route's.

    An encoded slash is one segment for the gateway and two for WSGI; a method override is honoured by the gateway
    alone.
    """
    raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or "").partition("?")[0].lower()
    if "%2f" in raw or "%5c" in raw or "\\" in raw:
        raise NotFound("No path here holds an encoded slash.")
    if "X-HTTP-Method-Override" in request.headers:
        raise Malformed("Send the method itself; X-HTTP-Method-Override is not taken.")


def content_of(request: flask.Request, route: Route) -> bytes:
    """The body's bytes, at most `max_body` of them. Raises TooLarge."""
    too_large = TooLarge(f"At most {route.max_body} bytes are taken here.")
    if request.content_length is not None and request.content_length > route.max_body:
        raise too_large
    # Read from the stream itself, for the framework reads what is left of it after every request.
    content = request.stream.read(route.max_body + 1)
    if len(content) > route.max_body:
        raise too_large
    return content


def body_of(content: bytes, media_type: str, route: Route) -> BaseModel | Raw | Json | None:
    """The validated body; nothing at all is an empty object. Raises WrongMediaType, Malformed, Invalid."""
    if route.body is None:
        return None
    if not content and issubclass(route.body, BaseModel):
        content, media_type = b"{}", "application/json"
    if media_type not in route.accepts:
        raise WrongMediaType(f"Send the body as {' or '.join(route.accepts)}.")
    if issubclass(route.body, Raw):
        return Raw(content, media_type)
    value = _parsed(content)
    if issubclass(route.body, Json):
        return Json(value)
    try:
        return route.body.model_validate_json(content)
    except ValidationError as error:
        raise invalid(error) from None


def _parsed(content: bytes) -> Any:
    """The JSON value; what is no JSON is refused, and JSON that two readers may understand differently."""
    try:
        text = content.decode()
        value = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeError as error:
        raise Malformed("The body is not valid Unicode in UTF-8.") from error
    except json.JSONDecodeError as error:
        detail = f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise Malformed(detail) from error
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not JSON that everybody reads alike.") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("The body names a member twice.")
    return members


def _no_constant(name: str) -> Any:
    raise Malformed(f"{name} is not JSON.")


def query_of(request: flask.Request, route: Route) -> BaseModel | None:
    """The validated query parameters; unknown and repeated ones are Invalid."""
    known = route.query.model_fields if route.query else {}
    fields = {field.alias or name: field for name, field in known.items()}
    values: dict[str, Any] = {}
    for name, texts in request.args.to_dict(flat=False).items():
        if name not in fields:
            raise Invalid(errors=[{"pointer": f"/{_escaped(name)}", "message": "This query parameter is not known."}])
        if _takes_many(fields[name].annotation):
            values[name] = texts
        elif len(texts) > 1:
            raise Invalid(errors=[{"pointer": f"/{_escaped(name)}", "message": "This query parameter comes once."}])
        else:
            values[name] = texts[0]
    if route.query is None:
        return None
    try:
        return route.query.model_validate(values)
    except ValidationError as error:
        raise invalid(error) from None


def _takes_many(annotation: Any) -> bool:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(_takes_many(member) for member in typing.get_args(annotation))
    return typing.get_origin(annotation) in (list, tuple, set, frozenset)


def invalid(error: ValidationError, prefix: str = "") -> Invalid:
    """Pydantic's findings as an Invalid with JSON pointers (RFC 6901) below `prefix`; values are not repeated."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    errors = [
        {
            "pointer": prefix + "".join(f"/{_escaped(str(part))}" for part in item["loc"]),
            "message": _message(item["type"], item["msg"]),
        }
        for item in found[:_MAX_ERRORS]
    ]
    return Invalid(errors=errors)


def _message(kind: str, text: str) -> str:
    return "This field is not known here." if kind == "extra_forbidden" else text.removeprefix("Value error, ")


def _escaped(part: str) -> str:
    return part[:200].replace("~", "~0").replace("/", "~1")


def etag_demanded(request: flask.Request, route: Route) -> str | None:
    """The etag in If-Match, without quotes. Raises EtagRequired where the route demands one and there is none."""
    stated = request.headers.get("If-Match", "").strip()
    if not stated or stated == "*":
        if route.if_match:
            raise EtagRequired("Read the resource and send its ETag as If-Match.")
        return None
    if len(stated) < 3 or stated[0] != '"' or stated[-1] != '"' or '"' in stated[1:-1]:
        raise Malformed("If-Match holds one ETag, in quotes, as it was given.")
    return stated[1:-1]


def idempotency_key(request: flask.Request, route: Route) -> str | None:
    """The Idempotency-Key where the route takes one. Raises Malformed when it is missing or no key."""
    if not route.idempotent:
        return None
    key = request.headers.get("Idempotency-Key")
    if key is None:
        if route.idempotent is True:
            return None
        raise Malformed("Send an Idempotency-Key, a new one for each thing you want done.", code="idempotency_required")
    if not 0 < len(key) <= _MAX_KEY or not key.isascii() or not key.isprintable():
        raise Malformed(
            f"An Idempotency-Key is 1 to {_MAX_KEY} printable ASCII characters.", code="idempotency_key_bad"
        )
    return key


def basic_of(headers: Headers) -> tuple[str, str] | None:
    """User and password of HTTP Basic as the client sent them; the gateway moves its header aside."""
    scheme, _, encoded = headers.get("X-Forwarded-Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return None
    return (user, password) if colon else None


def bearer_of(headers: Headers) -> str:
    """The bearer token that the client sent; the gateway moves its header aside."""
    scheme, _, token = headers.get("X-Forwarded-Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def remote_address(headers: Headers) -> str:
    """The client's address, or an empty text.

    Google's proxies add `proxy_hops` entries to X-Forwarded-For, the client's address first; what stands before them is
    the client's own say.
    """
    entries = [part.strip() for part in headers.get("X-Forwarded-For", "").split(",")]
    hops = max(1, settings().proxy_hops)
    return entries[-hops][:64] if len(entries) >= hops else ""


def schedule_time(headers: Headers) -> datetime | None:
    """The time that a scheduled run stands for. Raises Malformed when the header is there and no time."""
    stated = headers.get("X-CloudScheduler-ScheduleTime")
    if stated is None:
        return None
    try:
        return clock.from_text(stated)
    except ValueError as error:
        raise Malformed("X-CloudScheduler-ScheduleTime is not an RFC 3339 time.") from error
