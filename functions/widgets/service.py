"""Widgets: made, changed, and published as one small public file, so that a page view wakes no function."""

import html
import json
from collections.abc import Mapping
from typing import Any

from functions.shared import activity, contracts, directory, firestore, ids, logs, paging, storage
from functions.shared.config import settings
from functions.shared.contracts import AgentRead, FleetRead
from functions.shared.errors import Invalid, NotFound, Unavailable
from functions.shared.http import Call, Items, Page
from functions.shared.identity import WorkspaceId
from functions.widgets import repository
from functions.widgets.models import Embed, NewWidget, Snippet, Widget, WidgetChange

PUBLIC_CACHE = "public, max-age=60"
PUBLISH_ATTEMPTS = 5


def create(call: Call, new: NewWidget) -> tuple[Widget, str]:
    """Make a widget and its public file. Raises Invalid when there is no such agent, or no more."""
    _embeddable(call.workspace, new.agent_id)
    widget = call.new_id("widget")
    data = {**new.model_dump(), "created_at": call.now, "updated_at": call.now, "deleted_at": None}
    batch = firestore.Batch()
    directory.enter(batch, widget, call.workspace, "widget")
    batch.create(repository.widget_path(call.workspace, widget), data)
    _tell(batch, call, "widget.created", widget, new.name, after={"allowed_origins": data["allowed_origins"]})
    path = repository.widget_path(call.workspace, widget)
    try:
        saved = firestore.Snapshot(path, data, batch.commit()[path])
    except firestore.AlreadyExists:
        # Made by an earlier request with this key, whose answer was lost.
        saved = _found(call, widget)
    try:
        publish(call.workspace, saved)
    except Unavailable as error:
        # It is made; looking at its embed code writes the file again.
        logs.error("a new widget's public file could not be written", error, widget=widget)
    return _shown(widget, saved.data), saved.etag


def _agent(workspace: WorkspaceId, agent: str) -> AgentRead:
    found = None
    if ids.valid("agent", agent):
        found = firestore.get(contracts.path(workspace, "agents", agent))
    if found is None or not found.exists:
        raise Invalid(errors=[{"pointer": "/agent_id", "message": "There is no such agent in this workspace."}])
    return AgentRead.model_validate(found.data)


def _embeddable(workspace: WorkspaceId, agent: str) -> None:
    """A widget that has a deleted agent already keeps it, since it may be restored; no other one gets it."""
    _agent(workspace, agent)
    fleet = FleetRead.model_validate(firestore.get(contracts.path(workspace, "fleet", agent)).data)
    if fleet.deleted_at is not None:
        message = "This agent is deleted. Restore it first, or choose another one."
        raise Invalid(errors=[{"pointer": "/agent_id", "message": message}])


def _tell(batch: firestore.Batch, call: Call, action: str, widget: str, name: str, **changed: Any) -> None:
    activity.record(
        batch,
        call.workspace,
        call.principal,
        action,
        kind="widget",
        subject=widget,
        name=name,
        now=call.now,
        **changed,
    )


def get(call: Call, widget: str) -> tuple[Widget, str]:
    """One widget and its etag. Raises NotFound."""
    found = _found(call, widget)
    return _shown(widget, found.data), found.etag


def _found(call: Call, widget: str) -> firestore.Snapshot:
    found = firestore.get(repository.widget_path(call.workspace, widget)) if ids.valid("widget", widget) else None
    if found is None or not found.exists or found.data.get("deleted_at") is not None:
        raise NotFound("There is no such widget.")
    return found


def listed(call: Call, page: Page) -> Items[Widget]:
    """The widgets, the newest first."""
    after = paging.place_of(page.page_token, contracts.path(call.workspace, "widgets"))
    found = repository.widgets(call.workspace, page.page_size + 1, after)
    more = len(found) > page.page_size
    shown = found[: page.page_size]
    return Items(
        items=[_shown(one.id, one.data) for one in shown],
        next_page_token=paging.next_token(shown[-1], "created_at") if more else None,
    )


def change(call: Call, widget: str, changes: WidgetChange) -> tuple[Widget, str]:
    """Change what is given and publish it. Raises NotFound, Invalid, and firestore.Changed when the etag is stale."""
    found = _found(call, widget)
    fields = {
        name: value
        for name, value in changes.model_dump(exclude_unset=True).items()
        if value is not None or name == "suggested_questions"
    }
    data = {**found.data, **fields, "updated_at": call.now}
    if data["agent_id"] != found.data["agent_id"]:
        _embeddable(call.workspace, data["agent_id"])
    batch = firestore.Batch()
    batch.replace(found.path, data, if_etag=call.if_match or found.etag)
    before = {name: found.data.get(name) for name in fields}
    _tell(batch, call, "widget.changed", widget, data["name"], before=before, after=fields)
    etag = batch.commit()[found.path]
    publish(call.workspace, firestore.Snapshot(found.path, data, etag))
    return _shown(widget, data), etag


def delete(call: Call, widget: str) -> None:
    """Take the widget off every page: its public file is gone at once, its turns are refused.

    Raises NotFound, firestore.Changed when the etag is stale, Unavailable when the file could not be taken away: then a
    repeat does it, and says NotFound.
    """
    try:
        found = _found(call, widget)
    except NotFound:
        if ids.valid("widget", widget) and firestore.get(repository.widget_path(call.workspace, widget)).exists:
            storage.delete(settings().cdn_bucket, public_name(widget))
        raise
    batch = firestore.Batch()
    batch.replace(found.path, {**found.data, "deleted_at": call.now}, if_etag=call.if_match or found.etag)
    directory.remove(batch, widget)
    _tell(batch, call, "widget.deleted", widget, found.data["name"])
    batch.commit()
    storage.delete(settings().cdn_bucket, public_name(widget))


def public_name(widget: str) -> str:
    """The name of a widget's public file in the CDN bucket."""
    return f"v1/w/{widget}.json"


def publish(workspace: WorkspaceId, saved: firestore.Snapshot) -> None:
    """Write the public file of the widget as it was saved; harmless to repeat.

    Whoever saves at the same time may write the file in the other order, so each looks again and writes what is there
    then. Raises Unavailable, and then another save or the embed page repairs it.
    """
    for _ in range(PUBLISH_ATTEMPTS):
        try:
            _write(workspace, saved)
        except Unavailable as error:
            raise Unavailable("The widget is saved, but not on the site yet. Save it once more.") from error
        now = firestore.get(saved.path)
        if now.etag == saved.etag:
            return
        saved = now


def _write(workspace: WorkspaceId, saved: firestore.Snapshot) -> None:
    bucket, name = settings().cdn_bucket, public_name(saved.id)
    if not saved.exists or saved.data.get("deleted_at") is not None:
        storage.delete(bucket, name)
        return
    shown = public(saved.id, saved.data, _agent(workspace, saved.data["agent_id"]))
    content = json.dumps(shown, ensure_ascii=False).encode()
    storage.write(bucket, name, content, content_type="application/json", cache_control=PUBLIC_CACHE)


def public(widget: str, data: Mapping[str, Any], agent: AgentRead) -> dict[str, Any]:
    """What everybody may read of a widget. The widget's own words win over the agent's."""
    own = {locale: _given(texts) for locale, texts in data["texts"].items()}
    default = data["default_locale"]
    agents = _given({"greeting": agent.published_greeting, "away": agent.published_away})
    own[default] = {**agents, **own.get(default, {})}
    questions = data["suggested_questions"]
    return {
        "widget": widget,
        "name": agent.published_name or agent.name,
        "api_url": settings().public_url,
        "chat_url": settings().chat_url,
        "theme": _given(data["theme"]),
        "texts": own,
        "default_locale": default,
        "suggested_questions": list(agent.published_questions[:4] if questions is None else questions),
        "feedback": data["feedback"],
        "hand_off": data["hand_off"],
        "pre_chat": None,
    }


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "")}


def embed(call: Call, widget: str) -> Embed:
    """The code for a site; looking at it writes the public file once more, which repairs one that was not written."""
    found = _found(call, widget)
    publish(call.workspace, found)
    cdn, chat, api = settings().cdn_url, settings().chat_url, settings().public_url
    connect = " ".join(dict.fromkeys((cdn, api, chat)))
    source = html.escape(f"{cdn}/v1/widget.js")
    script = f'<script async src="{source}" data-widget="{widget}"></script>'
    in_php = f"<script async src='{source}' data-widget='{widget}'></script>"
    return Embed(
        script=script,
        content_security_policy=[f"script-src {cdn}", f"connect-src {connect}", "img-src https: data:"],
        snippets=[
            Snippet(title="HTML", code=f"{script}\n</body>"),
            Snippet(
                title="WordPress (functions.php)", code=f'add_action("wp_footer", function () {{ echo "{in_php}"; }});'
            ),
            Snippet(title="Shopify (theme.liquid)", code=f"{script}\n</body>"),
            Snippet(
                title="React",
                code=(
                    "useEffect(() => {\n"
                    '  const tag = document.createElement("script");\n'
                    f"  Object.assign(tag, {{ async: true, src: {json.dumps(f'{cdn}/v1/widget.js')} }});\n"
                    f'  tag.dataset.widget = "{widget}";\n'
                    "  document.body.append(tag);\n"
                    "}, []);"
                ),
            ),
            Snippet(title="Google Tag Manager (Custom HTML)", code=script),
        ],
        note=(
            "No page may show this widget yet: add its origin to allowed_origins."
            if not found.data["allowed_origins"]
            else f"Pages of {', '.join(found.data['allowed_origins'])} may show this widget."
        ),
    )


def _shown(widget: str, data: Mapping[str, Any]) -> Widget:
    kept = {name: value for name, value in data.items() if name in Widget.model_fields}
    return Widget.model_validate({"id": widget, **kept})
