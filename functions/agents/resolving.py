"""Marks conversations as resolved or not: once each, with its event, and where the plan prices it with its charge."""

from datetime import datetime
from typing import Any, Literal

from functions.agents import conversation_events, repository
from functions.shared import clock, contracts, events, firestore, metering, plans, pricing
from functions.shared.contracts import ConversationRead, TurnRead
from functions.shared.events import Event
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId
from functions.shared.plans import Meter, PlanTerms
from functions.shared.resolution import RULE


def look(workspace: WorkspaceId, found: Snapshot, terms: PlanTerms, as_of: datetime, now: datetime) -> bool:
    """Apply the rule to one quiet conversation; True when it became resolved. Doing it again changes nothing.

    One commit, whatever comes of it; a conversation that is not resolved is told of once as unresolved, and looked at
    again when its state changes. A charge is cut to what the caps leave room for.
    """
    last = next(iter(repository.turns(workspace, found.id, limit=1)), None)
    turn = None if last is None else TurnRead.model_validate(last.data)
    priced = terms.unit_price(Meter.RESOLVED, None if turn is None else turn.model) is not None
    # Never before now: a day that was closed meanwhile gets no further event.
    moment = max(as_of, now)
    paths = [found.path, *([metering.spend_path(workspace, moment)] if priced else [])]

    def told(batch: firestore.Batch, home: Snapshot, turn: TurnRead, kind: Literal["resolved", "unresolved"]) -> Event:
        answer = {"version_id": turn.version_id}
        return conversation_events.record(batch, workspace, found.id, home.data, kind, answer=answer, now=moment)

    def work(batch: firestore.Batch, known: list[Snapshot]) -> list[Event]:
        home, *spend = known
        if not home.exists or home.data.get("quiet_at") is None or home.data["quiet_at"] > as_of:
            return []
        looked: dict[tuple[str, ...], Any] = {("quiet_at",): firestore.DELETE}
        conversation = ConversationRead.model_validate(home.data)
        if conversation.resolved or turn is None or not RULE.applies(conversation, turn, as_of):
            batch.update(home.path, looked, if_etag=home.etag)
            return []
        if not RULE.holds(conversation, turn, as_of):
            batch.update(home.path, {**looked, ("unresolved",): True}, if_etag=home.etag)
            return [] if home.data.get("unresolved") else [told(batch, home, turn, "unresolved")]
        batch.update(home.path, {**looked, ("resolved",): True, ("resolved_at",): moment}, if_etag=home.etag)
        return [
            told(batch, home, turn, "resolved"),
            *(
                metering.add_unheld(
                    batch, workspace, one, _row(workspace, found.id, conversation, turn, terms, moment), now
                )
                for one in spend
            ),
        ]

    try:
        made = firestore.compete(paths, [found, *(repository.read(*paths[1:]) if priced else ())], work)
    except firestore.AlreadyExists:
        # It was told of, erased, and went on under its name: it counts once.
        made = []
        kind = "resolved" if RULE.holds(ConversationRead.model_validate(found.data), turn, as_of) else "unresolved"
        batch = firestore.Batch()
        batch.update(found.path, {("quiet_at",): firestore.DELETE, (kind,): True}, if_etag=found.etag)
        batch.commit()
    events.publish_all(made)
    return any(event.row["type"] == "resolved" for event in made)


def _row(
    workspace: WorkspaceId,
    conversation: str,
    known: ConversationRead,
    last: TurnRead,
    terms: PlanTerms,
    moment: datetime,
) -> dict[str, Any]:
    """The usage event of a resolved conversation: no tokens, named by the conversation, at the plan's price for one."""
    nothing = pricing.Usage(**dict.fromkeys(contracts.BUCKETS, 0))
    return {
        "event_id": conversation,
        "type": plans.RESOLVED_TYPE,
        "corrects": None,
        "workspace_id": str(workspace),
        "agent_id": known.agent_id,
        "version_id": last.version_id,
        "conversation_id": conversation,
        "channel": known.channel,
        "widget_id": known.widget_id,
        "industry": None,
        "provider": last.provider,
        "model": last.model,
        "region": None,
        "occurred_at": clock.to_text(moment),
        "recorded_at": clock.to_text(moment),
        "outcome": "completed",
        "estimated": False,
        **dict.fromkeys(contracts.BUCKETS, 0),
        "price_version": last.price_version,
        "plan_version": terms.plan_version,
        "currency": terms.currency,
        "cost_nanos": 0,
        "charge_nanos": plans.charge(nothing, 0, terms, model=last.model, messages=0, resolved=1),
        "latency_ms": None,
        "first_token_ms": None,
        "error_code": None,
        "new_conversation": False,
        "new_visitor": False,
        "handed_off": False,
        "trace_id": None,
    }
