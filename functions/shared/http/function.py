"""Makes a deployment's `Routes` a functions-framework target: the order in which a request is checked is written here.

`serve(routes)` returns a plain function, since the framework takes nothing else. No nested Flask application: contexts
of two applications break streams.
"""

import gc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import flask
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from functions.shared import clock, firestore, idempotency, logs
from functions.shared.config import MissingSetting, Settings, settings
from functions.shared.errors import Conflict, Malformed, NotFound, Problem, Stale, TooLarge
from functions.shared.http import answering, reading
from functions.shared.http.builtin import Builtin, MethodNotTaken
from functions.shared.http.call import Call, Trace, request_id_of, trace_of
from functions.shared.http.messages import Stream
from functions.shared.http.router import Found, Router
from functions.shared.http.routes import DEADLINES, Route, Routes
from functions.shared.http.streams import HEARTBEAT_SECONDS, Pump
from functions.shared.identity.authenticate import authenticate
from functions.shared.identity.workspace import is_name

Target = Callable[[flask.Request], flask.Response]


def entry_point(name: str, routes: Callable[[], Routes]) -> Target:
    """A function of a folder with several deployments; `routes` imports those of this one.

    The deployed one loads here, so that what is broken does not start; its neighbours in main.py load when they are
    called, which is never: their imports were a tenth of every cold start.
    """
    target = cache(lambda: serve(routes()))
    if Settings().function_target == name:
        target()

    def function(request: flask.Request) -> flask.Response:
        return target()(request)

    function.__name__ = function.__qualname__ = name
    return function


def serve(api: Routes, *, heartbeat: float = HEARTBEAT_SECONDS) -> Target:
    """The function of a deployment; its `__name__` is the catalogue's entry point (`agents_api`)."""
    edge = _Edge(api, heartbeat)

    def function(request: flask.Request) -> flask.Response:
        return edge.handle(request)

    function.__name__ = function.__qualname__ = api.deployment.replace("-", "_")
    # What is imported by now stays: the collector need not walk it again while a first call imports the clients.
    gc.freeze()
    return function


class _Exchange:
    """What is known of one request while it is served, for its log line."""

    def __init__(self, request: flask.Request) -> None:
        self.request = request
        self.started = clock.monotonic()
        self.request_id = request_id_of(request.headers)
        self.trace: Trace = trace_of(request.headers)
        self.origin = request.headers.get("Origin")
        self.template = ""
        self.any_origin = False
        self.code = ""
        self.caller = ""
        self.workspace = ""
        self.streaming = False

    def context(self) -> dict[str, str]:
        fields = {
            "request_id": self.request_id,
            "traceparent": self.trace.parent,
            "logging.googleapis.com/spanId": self.trace.span_id,
        }
        try:
            fields["trace"] = f"projects/{settings().project}/traces/{self.trace.trace_id}"
        except MissingSetting:
            fields["trace"] = self.trace.trace_id
        return fields

    def log(self, status: int, operations: dict[str, int], **more: Any) -> None:
        fields: dict[str, Any] = {
            "route": self.template,
            "method": self.request.method,
            "status": status,
            "latency_ms": round((clock.monotonic() - self.started) * 1000),
            "operations": dict(operations),
            "caller": self.caller,
            "workspace_id": self.workspace,
            "code": self.code,
            **more,
        }
        logs.info(f"{self.request.method} {self.template or 'unknown path'} {status}", **fields)


class _Edge:
    def __init__(self, api: Routes, heartbeat: float) -> None:
        self._api = api
        self._heartbeat = heartbeat
        self._builtin = Builtin(api)
        self._router = Router(api.routes)

    def handle(self, request: flask.Request) -> flask.Response:
        exchange = _Exchange(request)
        with logs.request(**exchange.context()) as operations:
            try:
                response = self._answer(exchange, operations)
            except Exception as error:  # noqa: BLE001 - the edge is where every exception ends, and none is shown
                found = _as_problem(error, request)
                exchange.code = found.code
                response = answering.problem(found, exchange.request_id)
            answering.allow_origin(response, any_origin=exchange.any_origin, origin=exchange.origin)
            response.headers["X-Request-ID"] = exchange.request_id
            response.headers["traceparent"] = exchange.trace.parent
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers.setdefault("Cache-Control", "private, no-cache" if request.method == "GET" else "no-store")
            if not exchange.streaming:
                exchange.log(response.status_code, operations)
            return response

    def _answer(self, exchange: _Exchange, operations: dict[str, int]) -> flask.Response:
        request = exchange.request
        reading.refuse_tricks(request)
        path = request.path.rstrip("/") or "/"
        if (builtin := self._builtin.answer(path, request)) is not None:
            exchange.template, exchange.any_origin = path, True
            return builtin
        found = self._router.find(path)
        if not found:
            raise NotFound("There is no such path.")
        if request.method == "OPTIONS":
            return self._preflight(exchange, found)
        if request.method not in found:
            allowed = ", ".join(sorted({*found, "OPTIONS"}))
            raise MethodNotTaken(f"Taken here: {allowed}.", headers={"Allow": allowed})
        route, parameters = found[request.method]
        exchange.template, exchange.any_origin = route.path, route.any_origin
        return self._serve(exchange, operations, route, parameters)

    def _preflight(self, exchange: _Exchange, found: Found) -> flask.Response:
        routes = [route for route, _ in found.values()]
        exchange.template = routes[0].path
        any_origin = any(route.any_origin for route in routes)
        response = answering.preflight(set(found), any_origin=any_origin, origin=exchange.origin)
        exchange.any_origin = any_origin
        return response

    def _serve(
        self, exchange: _Exchange, operations: dict[str, int], route: Route, parameters: dict[str, str]
    ) -> flask.Response:
        request = exchange.request
        principal = authenticate(request.headers, callers=route.callers, role=route.role, scope=route.scope)
        exchange.caller, exchange.workspace = principal.kind, principal.workspace or ""
        if not all(is_name(value) for value in parameters.values()):
            raise NotFound("There is nothing of this id.")
        now = clock.now()
        call = Call(
            principal=principal,
            request_id=exchange.request_id,
            trace=exchange.trace,
            now=now,
            deadline=now + timedelta(seconds=DEADLINES[route.deadline]),
            path=request.path,
            if_match=reading.etag_demanded(request, route),
            idempotency_key=reading.idempotency_key(request, route),
            origin=exchange.origin,
            remote_address=reading.remote_address(request.headers),
            user_agent=request.headers.get("User-Agent", "")[:500],
            wants_stream=request.accept_mimetypes.best_match(["application/json", "text/event-stream"])
            == "text/event-stream",
            media_type=request.accept_mimetypes.best_match(["application/json", *route.produces], "application/json"),
            schedule_time=reading.schedule_time(request.headers),
            basic=reading.basic_of(request.headers) if route.basic else None,
            signature=request.headers.get(route.signed_in, "") if route.signed_in else "",
            bearer=reading.bearer_of(request.headers) if route.public else "",
        )
        arguments: dict[str, Any] = dict(parameters)
        query = reading.query_of(request, route)
        if query is not None:
            arguments["query"] = query
        content = reading.content_of(request, route)
        body = reading.body_of(content, request.mimetype, route)
        if body is not None:
            arguments["body"] = body
        if call.idempotency_key is not None and route.idempotent in (True, "required"):
            return self._once(call, route, arguments, request, content)
        returned = route.handler(call, **arguments)
        if isinstance(returned, Stream):
            return self._stream(exchange, operations, route, returned)
        return _conditional(self._finished(returned, route), request)

    def _once(
        self, call: Call, route: Route, arguments: dict[str, Any], request: flask.Request, content: bytes
    ) -> flask.Response:
        """Do it unless it was done: the first answer is kept under the caller's key."""
        print_ = idempotency.fingerprint(request.method, request.path, request.query_string.decode("latin-1"), content)
        lease = timedelta(seconds=DEADLINES[route.deadline] + 60)
        begun = idempotency.begin(call.idempotency_id, print_, now=call.now, lease=lease)
        if isinstance(begun, idempotency.StoredAnswer):
            response = flask.Response(begun.body, begun.status)
            response.headers.pop("Content-Type", None)
            response.headers.update(begun.headers)
            response.headers["Idempotent-Replayed"] = "true"
            return response
        call = replace(call, first_at=begun.since)
        try:
            response = self._finished(route.handler(call, **arguments), route)
        except BaseException as error:
            if _changed_nothing(error):
                begun.abandon()
            else:
                begun.release()
            raise
        if response.status_code >= 400:
            begun.abandon()
        elif route.secret:
            begun.issued()
        else:
            kept = {k: v for k, v in response.headers.items() if k in ("Content-Type", "ETag", "Location")}
            begun.keep(idempotency.StoredAnswer(response.status_code, response.get_data(), kept))
        return response

    def _finished(self, returned: Any, route: Route) -> flask.Response:
        response = answering.answer(returned, route)
        if route.secret:
            response.headers["Cache-Control"] = "no-store"
        return response

    def _stream(self, exchange: _Exchange, operations: dict[str, int], route: Route, stream: Stream) -> flask.Response:
        exchange.streaming = True
        context = logs.current()

        def ended(outcome: str) -> None:
            with logs.request(**context):
                exchange.log(200, operations, stream=outcome)

        pump = Pump(stream, exchange.request_id, exchange.request.environ, ended, self._heartbeat)
        response = flask.Response(pump, route.status, content_type="text/event-stream; charset=utf-8")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"
        response.headers.update(stream.headers)
        return response


def _conditional(response: flask.Response, request: flask.Request) -> flask.Response:
    """304 when the client has this version already."""
    etag, _ = response.get_etag()
    if (
        request.method in ("GET", "HEAD")
        and response.status_code == 200
        and etag is not None
        and request.if_none_match.contains_weak(etag)
    ):
        response.set_data(b"")
        response.status_code = 304
        for name in ("Content-Type", "Content-Length"):
            response.headers.pop(name, None)
    return response


def _changed_nothing(error: BaseException) -> bool:
    """Whether a handler that raised this has surely done nothing: a commit that got no answer may have been made."""
    if isinstance(error, Problem):
        return error.status < 500
    return isinstance(error, firestore.Changed | firestore.AlreadyExists)


def _as_problem(error: Exception, request: flask.Request) -> Problem:
    """What a caller may know of an exception."""
    match error:
        case Problem():
            if error.status >= 500 and error.status != 503:
                logs.error("A request failed", error)
            return error
        case firestore.Changed():
            if request.headers.get("If-Match"):
                return Stale("Read it again and repeat the change.")
            return Conflict("It has changed in the meantime. Read it again.")
        case firestore.AlreadyExists():
            return Conflict("It exists already.")
        case RequestEntityTooLarge():
            return TooLarge("The body is too large.")
        case HTTPException():
            return Malformed("The request broke off or cannot be read.")
        case _:
            logs.error("A request failed", error)
            return Problem("We have noted it. Try again; if it stays, tell us the request id.")
