"""The public file of each widget, `v1/w/{widget}.json` in the CDN bucket, so that a page view wakes no function.

It holds what everybody may know and nothing else, with every colour decided, and follows the widget's document and the
published agent: whoever changes one of the two has it written again.
"""

import json
from collections.abc import Mapping
from typing import Any

from functions.shared import contracts, firestore, ids, storage
from functions.shared.config import settings
from functions.shared.contracts import AgentRead
from functions.shared.errors import Invalid, Unavailable
from functions.shared.identity import WorkspaceId
from functions.widgets import palette, repository
from functions.widgets.models import Widget, WidgetFields

CACHE = "public, max-age=60"
ATTEMPTS = 5

FONTS = {
    "serif": 'Georgia, "Noto Serif", serif',
    "rounded": 'ui-rounded, "Hiragino Maru Gothic ProN", Quicksand, "Noto Sans", sans-serif',
    "mono": "ui-monospace, Consolas, monospace",
}
"""Fonts that machines have; `system` is the script's own."""


def name_of(widget: str) -> str:
    """The name of a widget's public file in the CDN bucket."""
    return f"v1/w/{widget}.json"


def take_away(widget: str) -> None:
    """Delete the widget's public file; none there is no error. Raises Unavailable."""
    storage.delete(settings().cdn_bucket, name_of(widget))


def agent_of(workspace: WorkspaceId, agent: str) -> AgentRead:
    """What may be known of a widget's agent. Raises Invalid when there is none."""
    found = None
    if ids.valid("agent", agent):
        found = firestore.get(contracts.path(workspace, "agents", agent))
    if found is None or not found.exists:
        raise Invalid(errors=[{"pointer": "/agent_id", "message": "There is no such agent in this workspace."}])
    return AgentRead.model_validate(found.data)


def publish(workspace: WorkspaceId, saved: firestore.Snapshot) -> None:
    """Write the public file of the widget as it was saved; harmless to repeat.

    Whoever saves at the same time may write the file in the other order, so each looks again and writes what is there
    then. Raises Unavailable, and then another save or the embed page repairs it.
    """
    for _ in range(ATTEMPTS):
        try:
            _write(workspace, saved)
        except Unavailable as error:
            raise Unavailable("The widget is saved, but not on the site yet. Save it once more.") from error
        now = firestore.get(saved.path)
        if now.etag == saved.etag:
            return
        saved = now


def publish_all_of(workspace: WorkspaceId, agent: str) -> int:
    """Write the files of all widgets of an agent, which was published anew; how many. Raises Unavailable."""
    found = repository.of_agent(workspace, agent)
    for saved in found:
        if saved.data.get("deleted_at") is None:
            publish(workspace, saved)
    return len(found)


def _write(workspace: WorkspaceId, saved: firestore.Snapshot) -> None:
    if not saved.exists or saved.data.get("deleted_at") is not None:
        take_away(saved.id)
        return
    shown = content(saved.id, shown_of(saved.id, saved.data), agent_of(workspace, saved.data["agent_id"]))
    data = json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
    bucket = settings().cdn_bucket
    storage.write(bucket, name_of(saved.id), data, content_type="application/json", cache_control=CACHE)


def shown_of(widget: str, data: Mapping[str, Any]) -> Widget:
    """A widget as its owner sees it, out of its document."""
    kept = {name: value for name, value in data.items() if name in Widget.model_fields}
    found = Widget.model_validate({"id": widget, **kept})
    avatar = data.get("avatar")
    return found.model_copy(
        update={
            "avatar_url": f"{settings().cdn_url}/{avatar}" if avatar else None,
            "warnings": palette.warnings(found.theme),
        }
    )


def content(widget: str, saved: Widget | WidgetFields, agent: AgentRead) -> dict[str, Any]:
    """What everybody may read of a widget. Its own words win over the agent's, and these over the script's."""
    default = saved.default_locale
    own = {locale: _given(texts.model_dump()) for locale, texts in saved.texts.items()}
    agents = _given({"greeting": agent.published_greeting, "away": agent.published_away})
    own[default] = {**agents, **own.get(default, {})}
    offered = saved.languages or [*agent.published_languages, *own]
    questions = saved.suggested_questions
    look = palette.look(saved.theme)
    return {
        "widget": widget,
        "name": agent.published_name or agent.name,
        "avatar_url": saved.avatar_url if isinstance(saved, Widget) else None,
        "api_url": settings().public_url,
        "chat_url": settings().chat_url,
        "theme": {
            "mode": saved.theme.mode,
            "position": saved.theme.position,
            "radius": look.radius,
            "font": FONTS.get(saved.theme.font, ""),
            "light": look.light,
            "dark": look.dark,
        },
        "texts": own,
        "default_locale": default,
        "languages": list(dict.fromkeys([*offered, default])),
        "suggested_questions": list(agent.published_questions[:4] if questions is None else questions),
        "feedback": saved.feedback,
        "rating": saved.rating,
        "hand_off": saved.hand_off,
        "pre_chat": [_given(field.model_dump()) for field in saved.pre_chat.fields] if saved.pre_chat else [],
        "proactive": _given(saved.proactive.model_dump()) if saved.proactive else None,
    }


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", {}, False)}
