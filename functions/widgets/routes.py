"""Widgets over HTTP, for their owners."""

from functions.shared import firestore
from functions.shared.http import CONSOLE, MACHINE, Call, Items, Page, Reply, Routes
from functions.widgets import service
from functions.widgets.models import Embed, NewWidget, Widget, WidgetChange

api = Routes("widgets-api")


@api.get("/api/widgets", callers=(CONSOLE, MACHINE), summary="The widgets, the newest first.")
def list_widgets(call: Call, query: Page) -> Items[Widget]:
    """Deleted ones are gone."""
    return service.listed(call, query)


@api.post("/api/widgets", callers=(CONSOLE, MACHINE), status=201, idempotent=True, summary="Make a widget of an agent.")
def create_widget(call: Call, body: NewWidget) -> Reply[Widget]:
    """Without allowed origins nobody can open it."""
    widget, etag = service.create(call, body)
    return Reply(widget, etag=etag, headers={"Location": f"/api/widgets/{widget.id}"})


@api.get("/api/widgets/{widget}", callers=(CONSOLE, MACHINE), summary="One widget.")
def get_widget(call: Call, widget: str) -> Reply[Widget]:
    """As its owner set it up."""
    found, etag = service.get(call, widget)
    return Reply(found, etag=etag)


@api.patch("/api/widgets/{widget}", callers=(CONSOLE, MACHINE), summary="Change a widget; pages see it in a minute.")
def change_widget(call: Call, widget: str, body: WidgetChange) -> Reply[Widget]:
    """Parts are replaced whole."""
    found, etag = service.change(call, widget, body)
    return Reply(found, etag=etag)


@api.delete("/api/widgets/{widget}", callers=(CONSOLE, MACHINE), summary="Take a widget off every page.")
def delete_widget(call: Call, widget: str) -> None:
    """Conversations stay."""
    service.delete(call, widget)


@api.get("/api/widgets/{widget}/embed", callers=(CONSOLE, MACHINE), summary="The script tag, CSP lines and snippets.")
def get_embed(call: Call, widget: str) -> Embed:
    """One async tag is all that a page needs."""
    return service.embed(call, widget)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/widgets-api")
