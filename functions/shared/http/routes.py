"""One declaration for each route: it feeds routing, validation, identity, OpenAPI and the gateway's file.

The handler's signature is part of the declaration: `call: Call` first, path parameters as named `str`, `query:` a
`Query` model, `body:` a `Body` model or `Raw`; the return annotation is the answer. What does not fit is refused at
import time.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from functions.shared.http.call import Call
from functions.shared.http.messages import Bytes, Json, Raw, Reply, Stream
from functions.shared.identity import SCOPES, Caller, Role

Deadline = Literal["standard", "slow", "chat", "job"]
Idempotent = bool | Literal["required", "own"]
Handler = TypeVar("Handler", bound=Callable[..., Any])

DEADLINES: dict[str, int] = {"standard": 30, "slow": 60, "chat": 120, "job": 540}
"""Seconds after which the caller gives up, by deadline class; `job` is for Pub/Sub and the scheduler."""

MEGABYTE = 1024 * 1024
_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_PATH = re.compile(r"(/([a-z0-9.-]+|\{[a-z_]+\}))+")
_EXTERNAL = frozenset({Caller.CONSOLE, Caller.MACHINE, Caller.VISITOR, Caller.OPERATOR, Caller.PUBLIC})


class BadRoute(TypeError):
    """A declaration that cannot work; raised at import time."""


@dataclass(frozen=True, slots=True)
class Route:
    """A declared route, with everything that its handler's signature says."""

    deployment: str
    method: str
    path: str
    handler: Callable[..., Any]
    callers: frozenset[Caller]
    role: Role | None
    scope: str
    deadline: Deadline
    summary: str
    status: int
    idempotent: Idempotent
    secret: bool
    if_match: bool
    etag: bool
    """Whether every answer of this GET has an ETag, so that who has it already is answered 304."""
    basic: bool
    max_body: int
    accepts: tuple[str, ...]
    produces: tuple[str, ...]
    refuses: frozenset[int]
    """Statuses that the declaration does not bring by itself; `announced` has them all."""
    signed_in: str
    """The header in which the sender signs the body; empty: nobody signs."""
    parameters: tuple[str, ...]
    body: type[BaseModel | Raw | Json] | None
    query: type[BaseModel] | None
    answers: tuple[Any, ...]
    """What may come back: models, `Stream`, `Bytes`; empty means no content."""

    @property
    def external(self) -> bool:
        """Whether the gateway leads here."""
        return self.callers <= _EXTERNAL

    @property
    def public(self) -> bool:
        """Whether anybody may call."""
        return Caller.PUBLIC in self.callers

    @property
    def any_origin(self) -> bool:
        """Whether pages of any origin may read the answer: the handler decides, or there is nothing to protect."""
        return bool(self.callers & {Caller.VISITOR, Caller.PUBLIC})

    @property
    def operation_id(self) -> str:
        """A name that is unique in the whole contract."""
        return f"{self.deployment.replace('-', '_')}_{self.handler.__name__}"


@dataclass
class Routes:
    """The routes of one deployment; `serve(routes)` makes them its function."""

    deployment: str
    contract: Path | None = None
    """A file to show as /openapi.json instead of this deployment's own contract."""
    routes: list[Route] = field(default_factory=list)
    checks: dict[str, Callable[[], None]] = field(default_factory=dict)

    def check(self, name: str) -> Callable[[Handler], Handler]:
        """Register a dependency's check for /health?deep=1: it raises when the dependency does not work."""

        def register(handler: Handler) -> Handler:
            self.checks[name] = handler
            return handler

        return register

    def include(self, other: "Routes") -> None:
        """Take over the routes and checks of another part of the same deployment."""
        if other.deployment != self.deployment:
            raise BadRoute(f"{other.deployment} is another deployment than {self.deployment}")
        for route in other.routes:
            self._add(route)
        self.checks.update(other.checks)

    def get(self, path: str, **declaration: Any) -> Callable[[Handler], Handler]:
        """Declare a read; see `route`."""
        return self.route("GET", path, **declaration)

    def post(self, path: str, **declaration: Any) -> Callable[[Handler], Handler]:
        """Declare a POST; see `route`."""
        return self.route("POST", path, **declaration)

    def put(self, path: str, **declaration: Any) -> Callable[[Handler], Handler]:
        """Declare a PUT; see `route`."""
        return self.route("PUT", path, **declaration)

    def patch(self, path: str, **declaration: Any) -> Callable[[Handler], Handler]:
        """Declare a PATCH; see `route`."""
        return self.route("PATCH", path, **declaration)

    def delete(self, path: str, **declaration: Any) -> Callable[[Handler], Handler]:
        """Declare a DELETE; see `route`."""
        return self.route("DELETE", path, **declaration)

    def push(self, topic: str, *, summary: str = "") -> Callable[[Handler], Handler]:
        """Declare where Pub/Sub pushes a topic; the handler gives `body: Json` to `events.decode`."""
        return self.route(
            "POST",
            f"/events/{topic}",
            callers=(Caller.PUSH,),
            max_body=12 * MEGABYTE,
            deadline="job",
            summary=summary or f"Takes {topic} from Pub/Sub.",
        )

    def schedule(self, name: str, *, summary: str = "") -> Callable[[Handler], Handler]:
        """Declare what a schedule of the catalogue calls; the handler reads `call.schedule_time`."""
        return self.route(
            "POST",
            f"/schedules/{name}",
            callers=(Caller.SCHEDULER,),
            deadline="job",
            summary=summary or f"Runs {name}.",
        )

    def route(
        self,
        method: str,
        path: str,
        *,
        callers: Collection[Caller],
        summary: str,
        role: Role | str | None = "",
        scope: str = "",
        deadline: Deadline = "standard",
        status: int = 0,
        idempotent: Idempotent = False,
        secret: bool = False,
        if_match: bool | None = None,
        etag: bool = False,
        basic: bool = False,
        max_body: int = MEGABYTE,
        accepts: Collection[str] = (),
        produces: Collection[str] = (),
        refuses: Collection[int] = (),
        signed_in: str = "",
    ) -> Callable[[Handler], Handler]:
        """Declare a route; the decorated handler stays a plain function.

        `callers`: who may call. `role`: the least role in the workspace (default viewer for GET, member else; None:
        no workspace needed). `scope`: of a machine (default read for GET, write else). `deadline`: class of
        DEADLINES. `status`: of success (default 200, 204 without answer). `idempotent`: True takes an
        Idempotency-Key, "required" demands it, "own" demands it and leaves the rest to the handler. `secret`: the
        answer holds a secret: it is not stored. `if_match`: whether If-Match is demanded (default for PUT, PATCH,
        DELETE). `etag`: a GET whose answers have an ETag; one without is a fault. `basic`: `call.basic` is filled.
        `max_body`: bytes. `accepts`: content types of a `Raw` body. `produces`: media types of a `Bytes` answer.
        `refuses`: statuses that it may answer with beside those that its declaration brings, such as 402 and 429.
        `signed_in`: the header that fills `call.signature`, of a public webhook whose handler verifies it.
        """
        reads = method == "GET"
        least = Role(role) if role else (None if role is None else Role.VIEWER if reads else Role.MEMBER)

        def register(handler: Handler) -> Handler:
            parameters, body, query, answers = _signature(handler, path)
            self._add(
                _checked(
                    Route(
                        deployment=self.deployment,
                        method=method,
                        path=path,
                        handler=handler,
                        callers=frozenset(callers),
                        role=least,
                        scope=scope or ("read" if reads else "write"),
                        deadline=deadline,
                        summary=summary,
                        status=status or (200 if answers else 204),
                        idempotent=idempotent,
                        secret=secret,
                        if_match=method in ("PUT", "PATCH", "DELETE") if if_match is None else if_match,
                        etag=etag,
                        basic=basic,
                        max_body=max_body,
                        accepts=tuple(accepts) or ("application/json",),
                        produces=tuple(produces),
                        refuses=frozenset(refuses),
                        signed_in=signed_in,
                        parameters=parameters,
                        body=body,
                        query=query,
                        answers=answers,
                    )
                )
            )
            return handler

        return register

    def _add(self, route: Route) -> None:
        if any((known.method, known.path) == (route.method, route.path) for known in self.routes):
            raise BadRoute(f"{route.method} {route.path} is declared twice")
        self.routes.append(route)


def _signature(
    handler: Callable[..., Any], path: str
) -> tuple[tuple[str, ...], type[BaseModel | Raw | Json] | None, type[BaseModel] | None, tuple[Any, ...]]:
    hints = typing.get_type_hints(handler)
    names = list(inspect.signature(handler).parameters)
    where = f"{handler.__qualname__} for {path}"
    if not names or hints.get(names[0]) is not Call:
        raise BadRoute(f"{where}: the first parameter is call: Call")
    if "return" not in hints:
        raise BadRoute(f"{where}: annotate what it returns")
    parameters = tuple(_PARAMETER.findall(path))
    rest = [name for name in names[1:] if name not in ("body", "query")]
    if sorted(rest) != sorted(parameters) or any(hints.get(name) is not str for name in rest):
        raise BadRoute(f"{where}: parameters {rest} are not the path's {list(parameters)} as str")
    body, query = hints.get("body"), hints.get("query")
    if body not in (None, Raw, Json) and not _strict_model(body):
        raise BadRoute(f"{where}: body is Raw, Json or a model that forbids unknown fields")
    if query is not None and not _strict_model(query):
        raise BadRoute(f"{where}: query is a model that forbids unknown fields")
    answers = tuple(part for part in _alternatives(hints["return"]) if part is not type(None))
    for answer in answers:
        if not (isinstance(answer, type) and issubclass(answer, BaseModel | Stream | Bytes)):
            raise BadRoute(f"{where}: {answer!r} is no answer; return a model, Reply, Stream, Bytes or None")
    return parameters, body, query, answers


def _strict_model(candidate: Any) -> bool:
    return (
        isinstance(candidate, type)
        and issubclass(candidate, BaseModel)
        and candidate.model_config.get("extra") == "forbid"
    )


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return tuple(part for member in typing.get_args(annotation) for part in _alternatives(member))
    if typing.get_origin(annotation) is Reply:
        return _alternatives(typing.get_args(annotation)[0])
    return (annotation,)


def _checked(route: Route) -> Route:
    where = f"{route.method} {route.path}"
    if not _PATH.fullmatch(route.path):
        raise BadRoute(f"{where}: a path is literal segments and whole {{parameters}}, without a slash at the end")
    if not route.callers or not (route.external or len(route.callers) == 1):
        raise BadRoute(f"{where}: declare the callers; an internal route has one")
    if len(route.callers) > 1 and route.callers & {Caller.PUBLIC, Caller.OPERATOR}:
        raise BadRoute(f"{where}: a public or an operator's route has no other callers")
    if route.deadline not in DEADLINES or (route.scope not in SCOPES):
        raise BadRoute(f"{where}: unknown deadline class or scope")
    if route.body is not None and route.method in ("GET", "DELETE"):
        raise BadRoute(f"{where}: no body with {route.method}")
    if route.etag and route.method != "GET":
        raise BadRoute(f"{where}: an ETag saves a repeated GET; what a write answers with needs no declaration")
    if route.idempotent and (route.method != "POST" or route.public or not route.external):
        raise BadRoute(f"{where}: Idempotency-Key belongs to POST by a known caller")
    if route.idempotent in (True, "required") and any(a in (Stream, Bytes) for a in route.answers):
        raise BadRoute(f"{where}: only JSON answers are stored for repeats")
    if Bytes in route.answers and not route.produces:
        raise BadRoute(f"{where}: name the media types in `produces`")
    if route.signed_in and not (route.public and route.body is Raw):
        raise BadRoute(f"{where}: a signature is over the bytes of a public route's Raw body")
    if not route.summary:
        raise BadRoute(f"{where}: say in one line what it does")
    return route
