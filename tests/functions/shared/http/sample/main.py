"""A function with one route of each kind, served by the real framework in the tests of the edge."""

import itertools
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from functions.shared import clock, firestore, logs
from functions.shared.errors import CapReached
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
    Event,
    Items,
    Json,
    Page,
    Raw,
    Reply,
    Routes,
    Stream,
    serve,
)
from functions.shared.identity.authenticate import workspace_of_operator

api = Routes("sample-api")
_runs = itertools.count(1)


class NewThing(Body):
    name: str = Field(min_length=1, max_length=100)
    count: int = 1
    kind: Literal["small", "large"] = "small"
    when: datetime | None = None
    tags: tuple[Annotated[str, Field(max_length=10)], ...] = ()


class Thing(Answer):
    name: str
    run: int
    workspace: str = ""
    when: datetime | None = None


class Filter(Page):
    kind: tuple[str, ...] = ()
    oldest_first: bool = False
    from_: datetime | None = Field(default=None, alias="from")


class Seen(Answer):
    kind: str
    subject: str
    role: str | None
    workspace: str | None
    address: str
    via: str


class Token(Answer):
    user: str | None
    password: str | None


def _seen(call: Call) -> Seen:
    who = call.principal
    return Seen(
        kind=who.kind,
        subject=who.subject,
        role=who.role,
        workspace=who.workspace,
        address=call.remote_address,
        via=who.via,
    )


@api.post("/api/things", callers=(CONSOLE, MACHINE), status=201, idempotent=True, summary="Make a thing.")
def create_thing(call: Call, body: NewThing) -> Reply[Thing]:
    if body.name == "capped":
        raise CapReached(f"Run {next(_runs)} met the cap.")
    thing = Thing(name=body.name, run=next(_runs), workspace=call.workspace, when=body.when)
    return Reply(thing, headers={"Location": f"/api/things/{thing.name}"})


@api.get("/api/things", callers=(CONSOLE, MACHINE), summary="List things.")
def list_things(call: Call, query: Filter) -> Items[Thing]:
    return Items(items=[Thing(name=kind, run=query.page_size) for kind in query.kind])


@api.get("/api/things/{thing}", callers=(CONSOLE,), summary="Show a thing.")
def show_thing(call: Call, thing: str) -> Reply[Thing]:
    found = firestore.get(f"workspaces/{call.workspace}/things/{thing}")
    return Reply(Thing(name=found.data.get("name", ""), run=0), etag=found.etag)


@api.patch("/api/things/{thing}", callers=(CONSOLE,), summary="Change a thing.")
def change_thing(call: Call, thing: str, body: NewThing) -> Reply[Thing]:
    batch = firestore.Batch()
    path = f"workspaces/{call.workspace}/things/{thing}"
    batch.replace(path, {"name": body.name}, if_etag=call.if_match or "")
    return Reply(Thing(name=body.name, run=0), etag=batch.commit()[path])


@api.delete("/api/things/{thing}", callers=(CONSOLE,), role="admin", summary="Take a thing away.")
def delete_thing(call: Call, thing: str) -> None:
    return None


@api.get("/api/table", callers=(CONSOLE,), produces=("text/csv",), summary="A list as a page or as a file.")
def table(call: Call) -> Items[Thing] | Bytes:
    return Bytes(b"name\r\n", call.media_type) if call.media_type == "text/csv" else Items(items=[])


@api.post("/api/things/{thing}/key", callers=(CONSOLE,), idempotent="required", secret=True, summary="Make a key.")
def make_key(call: Call, thing: str) -> Thing:
    return Thing(name="secret", run=next(_runs))


@api.post(
    "/api/things/{thing}/config",
    callers=(CONSOLE,),
    accepts=("application/yaml",),
    produces=("application/yaml",),
    max_body=1000,
    summary="Give YAML back.",
)
def echo_config(call: Call, thing: str, body: Raw) -> Bytes:
    return Bytes(body.content, body.media_type, headers={"Content-Disposition": "attachment"})


@api.get("/api/me", callers=(CONSOLE, MACHINE, VISITOR), summary="Who is calling.")
def me(call: Call) -> Seen:
    return _seen(call)


@api.post("/api/workspaces", callers=(CONSOLE,), role=None, summary="Needs no workspace.")
def no_workspace(call: Call) -> Seen:
    return _seen(call)


@api.get("/api/operator/workspaces/{workspace}", callers=(OPERATOR,), summary="For operators.")
def for_operators(call: Call, workspace: str) -> Seen:
    assert workspace_of_operator(call.principal, workspace) == workspace
    return _seen(call)


@api.post("/api/open", callers=(PUBLIC,), summary="For anybody.")
def for_anybody(call: Call) -> Seen:
    return _seen(call)


@api.post(
    "/oauth/token",
    callers=(PUBLIC,),
    basic=True,
    accepts=("application/x-www-form-urlencoded",),
    summary="Takes Basic credentials.",
)
def token(call: Call, body: Raw) -> Token:
    user, password = call.basic or (None, None)
    return Token(user=user, password=password)


@api.post("/api/crash", callers=(PUBLIC,), summary="Fails.")
def crash(call: Call) -> Seen:
    raise RuntimeError("the password is swordfish")


@api.post("/api/chat", callers=(VISITOR,), idempotent="own", deadline="chat", summary="Talks.")
def chat(call: Call, body: NewThing) -> Stream | Reply[Thing]:
    if body.name == "refused":
        raise CapReached
    if not call.wants_stream:
        return Reply(Thing(name=body.name, run=0))
    silence = threading.Event()
    return Stream(_talk(body, silence), cancel=silence.set)


def _talk(body: NewThing, silence: threading.Event) -> Iterator[Event]:
    started = clock.monotonic()
    try:
        yield Event("start", {"name": body.name})
        if body.name == "broken":
            raise RuntimeError("the password is swordfish")
        if body.name == "capped":
            raise CapReached("No room.")
        for number in range(body.count):
            yield Event("delta", Thing(name="ä\nö", run=number), id=str(number))
        if body.name == "silent":
            silence.wait(30)
        while body.name == "endless" and not silence.is_set():
            yield Event("delta", {"filler": "x" * 10_000})
        yield Event("done", {})
    finally:
        logs.count("firestore_writes", 4)
        logs.info("settled", seconds=clock.monotonic() - started)


@api.push("usage-recorded")
def usage_recorded(call: Call, body: Json) -> None:
    assert isinstance(body.value, dict)


@api.schedule("sample-close")
def sample_close(call: Call) -> None:
    assert call.schedule_time is not None


@api.check("firestore")
def _firestore_answers() -> None:
    firestore.get("health/probe")


@api.check("fails")
def _fails() -> None:
    raise RuntimeError("the password is swordfish")


sample_api = serve(api, heartbeat=0.2)
ROUTES = {"sample_api": api}
