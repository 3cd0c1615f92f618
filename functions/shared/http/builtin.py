"""The paths that every deployment answers without being asked to: /health, /openapi.json, /docs."""

import json
from functools import cached_property
from typing import Any

import flask

from functions.shared import clock, logs
from functions.shared.config import settings
from functions.shared.errors import Problem
from functions.shared.http import answering
from functions.shared.http.routes import Routes

PATHS = ("/health", "/openapi.json", "/docs")
_DEEP_SECONDS = 2.0


class Builtin:
    """Answers PATHS for one deployment; they need no caller, hold no secret and touch nothing (but `?deep=1`)."""

    def __init__(self, api: Routes) -> None:
        self._api = api
        self._deep: tuple[float, dict[str, Any]] | None = None

    def answer(self, path: str, request: flask.Request) -> flask.Response | None:
        """The response for one of PATHS, None for any other path. Raises Problem for another method."""
        if path not in PATHS:
            return None
        if request.method == "OPTIONS":
            return answering.preflight({"GET", "HEAD"}, any_origin=True, origin=request.headers.get("Origin"))
        if request.method not in ("GET", "HEAD"):
            raise MethodNotTaken("Taken here: GET, HEAD, OPTIONS.", headers={"Allow": "GET, HEAD, OPTIONS"})
        if path == "/health":
            return self._health(deep=request.args.get("deep") == "1")
        if path == "/openapi.json":
            return flask.Response(json.dumps(self.contract, ensure_ascii=False), content_type="application/json")
        return self._docs()

    def _health(self, *, deep: bool) -> flask.Response:
        state: dict[str, Any] = {
            "status": "healthy",
            "service": self._api.deployment,
            "version": settings().version,
        }
        if deep:
            state["checks"] = self._checks()
            if any(check["status"] != "healthy" for check in state["checks"].values()):
                state["status"] = "unhealthy"
        status = 200 if state["status"] == "healthy" else 503
        response = flask.Response(json.dumps(state), status, content_type="application/json")
        response.headers["Cache-Control"] = "no-store"
        return response

    def _checks(self) -> dict[str, Any]:
        # /health is public through the gateway: whoever asks often gets what was found a moment ago.
        if self._deep is not None and clock.monotonic() - self._deep[0] < _DEEP_SECONDS:
            return self._deep[1]
        found: dict[str, Any] = {}
        for name, check in self._api.checks.items():
            started = clock.monotonic()
            try:
                check()
                status = "healthy"
            except Exception as error:  # noqa: BLE001 - whatever a dependency raises, the answer is that it does not work
                logs.error(f"The check of {name} failed", error)
                status = "unhealthy"
            found[name] = {"status": status, "latency_ms": round((clock.monotonic() - started) * 1000)}
        self._deep = (clock.monotonic(), found)
        return found

    @cached_property
    def contract(self) -> dict[str, Any]:
        """The OpenAPI document to show."""
        if self._api.contract is not None and self._api.contract.exists():
            whole: dict[str, Any] = json.loads(self._api.contract.read_text(encoding="utf-8"))
            return whole
        from functions.shared.http import openapi  # Imported when asked for: no request but this one needs it.

        return openapi.document([self._api])

    def _docs(self) -> flask.Response:
        from functions.shared.http import docs

        response = flask.Response(docs.page(self.contract), content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = docs.POLICY
        return response


class MethodNotTaken(Problem):
    """The path exists and the method does not."""

    status, code, title = 405, "method_not_allowed", "This method is not taken here"
