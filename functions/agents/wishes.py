"""What visitors ask of the business: a person to talk to, and to be contacted. Each is a state of its conversation.

Change, event and notification are one commit; both are published after it. Neither holds what the visitor wrote.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from functions.agents import conversation_events, conversations, hours, repository
from functions.agents.conversation_events import Kind
from functions.agents.models import Agent
from functions.shared import contracts, events, firestore, metering, notifications, pricing
from functions.shared.contracts import SpendRead
from functions.shared.errors import Conflict
from functions.shared.events import Event
from functions.shared.firestore import Snapshot
from functions.shared.http import Call


@dataclass(frozen=True)
class Details:
    """How a visitor can be reached, and what they agreed to, word for word."""

    name: str
    email: str
    phone: str
    message: str
    consent: str


@dataclass(frozen=True)
class Reception:
    """Whether the business is open now, and what it says to who asks for a person."""

    is_open: bool
    message: str


def hand_off(call: Call, conversation: str, note: str | None) -> Reception:
    """Mark the conversation as waiting for a person; while it waits or is taken already, only the note changes.

    The wish opens the conversation if nothing was said yet. Raises what `leave` raises.
    """
    standing, home, agent = _door(call, conversation, repository.agent_path(call.workspace, call.principal.agent))

    def work(batch: firestore.Batch, found: list[Snapshot]) -> list[Event]:
        home = found[0]
        if home.exists and conversations.waits(home.data):
            if note is not None:
                batch.update(home.path, {("hand_off", "note"): note}, if_etag=home.etag)
            return []
        waiting = {"state": "waiting", "note": note, "asked_at": call.now}
        if home.exists:
            fields: dict[tuple[str, ...], Any] = {
                ("hand_off",): waiting,
                ("handed_off",): True,
                ("updated_at",): call.now,
            }
            batch.update(home.path, fields, if_etag=home.etag)
        else:
            batch.create(home.path, _opened(call, standing, hand_off=waiting, handed_off=True))
        return _told(batch, call, conversation, home.data, "hand_off", "hand_off.requested")

    events.publish_all(firestore.compete([home.path], [home], work))
    return _reception(call, agent)


def _door(call: Call, conversation: str, *more: str) -> tuple[SpendRead, Snapshot, Snapshot]:
    """The workspace's standing, the conversation, and one more document; refuses whom a turn refuses."""
    principal = call.principal
    home, spend, widget, *others = repository.read(
        repository.conversation_path(call.workspace, conversation),
        metering.spend_path(call.workspace, call.now),
        contracts.path(call.workspace, "widgets", principal.widget),
        *more,
    )
    conversations.check_widget(widget.data, principal.agent, principal.origin)
    standing = SpendRead.model_validate(metering.terms_of(call.workspace, spend))
    if standing.state != "active":
        raise Conflict("This workspace takes no messages at the moment.", code="workspace_suspended")
    return standing, home, others[0] if others else home


def _opened(call: Call, standing: SpendRead, **more: Any) -> dict[str, Any]:
    """A conversation in which nothing was said yet."""
    principal = call.principal
    return conversations.opened(
        agent_id=principal.agent,
        channel="widget",
        owner=principal.caller,
        at=call.now,
        currency=pricing.book().currency,
        retention_days=standing.retention_days,
        widget_id=principal.widget,
        visitor_id=principal.subject,
        new_visitor=principal.new_visitor,
        session_id=principal.session,
        **more,
    )


def _reception(call: Call, found: Snapshot) -> Reception:
    agent = Agent.model_validate(found.data) if found.exists else None
    definition = (agent.published or agent.draft) if agent is not None else None
    if definition is None:
        return Reception(True, "")
    is_open = hours.is_open(definition.business.hours, call.now)
    return Reception(is_open, definition.hand_off.message if is_open else definition.hand_off.away_message)


def leave(call: Call, conversation: str, details: Details) -> None:
    """Store the details on the conversation, which they open if nothing was said yet; the last word counts.

    They wait for somebody, unless a colleague has taken what was left before. The first are an event and a notification.
    Raises NotFound and Forbidden (`origin_not_allowed`) as a turn does, and Conflict (`workspace_suspended`).
    """
    standing, home, _ = _door(call, conversation)

    def work(batch: firestore.Batch, found: list[Snapshot]) -> list[Event]:
        home = found[0]
        before = home.data.get("lead")
        lead = {**(before or {}), **asdict(details), "left_at": call.now}
        if lead.get("state") != "taken":
            # What was done is not, since there is something new to do.
            lead |= {"state": "waiting", "taken_by": None}
        waiting = {} if lead["state"] == "taken" else {"lead_at": call.now}
        if home.exists:
            fields = {"lead": lead, "updated_at": call.now, **waiting}
            batch.update(home.path, {(name,): value for name, value in fields.items()}, if_etag=home.etag)
        else:
            batch.create(home.path, _opened(call, standing, lead=lead, **waiting))
        if before is not None:
            return []
        return _told(batch, call, conversation, home.data, "lead", "lead.created")

    events.publish_all(firestore.compete([home.path], [home], work))


def _told(
    batch: firestore.Batch,
    call: Call,
    conversation: str,
    known: Mapping[str, Any],
    kind: Kind,
    notified: notifications.Kind,
) -> list[Event]:
    # One that begins with the wish is the widget's, and nothing was answered in it.
    of = {"agent_id": call.principal.agent, "channel": "widget", **known}
    event = conversation_events.record(
        batch,
        call.workspace,
        conversation,
        of,
        kind,
        once=call.idempotency_id,
        trace_id=call.trace.trace_id,
        now=call.now,
    )
    notification = notifications.record(
        batch,
        call.workspace,
        notified,
        subject=conversation,
        once=call.idempotency_id,
        facts={"agent_id": of["agent_id"]},
        now=call.now,
    )
    return [event, notification]
