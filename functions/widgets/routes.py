"""Widgets over HTTP, for their owners."""

from pydantic import Field

from functions.shared import events, firestore
from functions.shared.http import CONSOLE, MACHINE, Call, Items, Json, Page, Query, Raw, Reply, Routes
from functions.widgets import avatars, identities, public_files, service, sweeping, templates
from functions.widgets.models import (
    Embed,
    IdentityRotation,
    IdentitySecret,
    ListedWidget,
    NewWidget,
    VisitorId,
    Widget,
    WidgetChange,
    WidgetPreview,
)

api = Routes("widgets-api")


class Subject(Query):
    """A user of the site, as its JWTs name them in `sub`."""

    subject: str = Field(min_length=1, max_length=200)


class Listing(Page):
    """Which widgets, and what of them."""

    use: bool = Field(default=False, description="Also say when each was last used: one read more for each.")


@api.get("/api/templates", callers=(CONSOLE, MACHINE), summary="The themes, with their colours and a preview.")
def list_templates(call: Call) -> templates.Templates:
    """And the languages in which the chat has words of its own."""
    return templates.templates()


@api.get("/api/widgets", callers=(CONSOLE, MACHINE), summary="The widgets, the newest first.")
def list_widgets(call: Call, query: Listing) -> Items[ListedWidget]:
    """Deleted ones are gone."""
    return service.listed(call, query, use=query.use)


@api.post("/api/widgets", callers=(CONSOLE, MACHINE), status=201, idempotent=True, summary="Make a widget of an agent.")
def create_widget(call: Call, body: NewWidget) -> Reply[Widget]:
    """Without allowed origins nobody can open it."""
    widget, etag = service.create(call, body)
    return Reply(widget, etag=etag, headers={"Location": f"/api/widgets/{widget.id}"})


@api.get("/api/widgets/{widget}", callers=(CONSOLE, MACHINE), etag=True, summary="One widget.")
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


@api.post("/api/widgets/preview", callers=(CONSOLE, MACHINE), summary="What visitors would get; nothing is stored.")
def preview_widget(call: Call, body: NewWidget) -> WidgetPreview:
    """The real script shows it on the console's own page."""
    return service.preview(call, body)


@api.put(
    "/api/widgets/{widget}/avatar",
    callers=(CONSOLE, MACHINE),
    accepts=avatars.TYPES,
    max_body=avatars.MAX_BYTES,
    summary="Give the widget a picture: PNG, JPEG or WebP, at most 64 KB.",
)
def set_avatar(call: Call, widget: str, body: Raw) -> Reply[Widget]:
    """It is drawn anew, 128 by 128; nothing else of the file is kept."""
    found, etag = service.set_avatar(call, widget, body.content)
    return Reply(found, etag=etag)


@api.delete("/api/widgets/{widget}/avatar", callers=(CONSOLE, MACHINE), summary="Take the widget's picture away.")
def take_avatar(call: Call, widget: str) -> Reply[Widget]:
    """The initial of its name takes the place."""
    found, etag = service.take_avatar(call, widget)
    return Reply(found, etag=etag)


@api.post(
    "/api/widgets/{widget}/identity-secret/rotate",
    callers=(CONSOLE,),
    role="admin",
    status=201,
    idempotent=True,
    secret=True,
    summary="Make a secret for signed visitor identities.",
)
def rotate_identity_secret(call: Call, widget: str, body: IdentityRotation) -> Reply[IdentitySecret]:
    """Shown this once; the secret before it counts for `overlap_hours` longer."""
    return Reply(service.rotate_identity(call, widget, body), headers={"Cache-Control": "no-store"})


@api.get("/api/visitor-id", callers=(CONSOLE, MACHINE), summary="Which visitor a user of the site is.")
def visitor_id(call: Call, query: Subject) -> VisitorId:
    """For exporting or erasing what somebody said whom the site has signed for."""
    return VisitorId(visitor_id=identities.visitor_of(call.workspace, query.subject))


@api.push("agent-published")
def agent_published(call: Call, body: Json) -> None:
    """The agent's name, words, questions and languages are in its widgets' public files."""
    event = events.decode(body.value, "agent-published")
    public_files.publish_all_of(event.workspace, str(event.row.get("agent_id")))


@api.push("sweep-requested")
def sweep(call: Call, body: Json) -> None:
    """What deleted widgets left, and everything of a workspace that is erased."""
    workspace, as_of = events.requested(body.value, "sweep-requested")
    sweeping.sweep(workspace, as_of)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/widgets-api")
