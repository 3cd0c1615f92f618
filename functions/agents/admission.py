"""Lets a turn in or refuses it: who may speak now, with which agent and model, and whether there is room for its price.

Six reads, one commit of two. The hold's amount is the turn's highest price (`turn_price`).

The turn's event says whether its key was used before: it is written with the turn, it outlives an erased conversation,
and a sweep writes it for a turn that nobody settled. So one key never makes two holds.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from functions.agents import conversations, hours, repository, turn_price
from functions.agents.answering import Answering, Candidate, output_limit
from functions.agents.models import Agent, Ask, Definition, Exchange
from functions.agents.providers import Provider, estimate_tokens
from functions.agents.telling import Answered, Ended, problem_of
from functions.agents.turns import Turn, model_of
from functions.shared import clock, contracts, events, firestore, metering, plans
from functions.shared.contracts import FleetRead, TurnRead
from functions.shared.errors import CapReached, Conflict, NotFound, TooMany
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId
from functions.shared.metering import Hold

HOLD_LIFE = timedelta(seconds=120 + 60)
"""The request's timeout and a margin (MONEY 9)."""


def admit(workspace: WorkspaceId, ask: Ask, provider: Callable[[str], Provider]) -> Turn | Answered | Ended:
    """Refuse the turn, find how it ended earlier, or take room for it and mark the conversation as running.

    Raises NotFound, Conflict (`turn_in_progress`, `conversation_busy`, `agent_paused`, `not_published`,
    `workspace_suspended`, `idempotency_conflict`), Forbidden (`origin_not_allowed`), TooMany (`pace`, `visitor_share`),
    CapReached, Unavailable (`cap_busy`), Invalid (`unknown_model`).
    """
    contested = [
        metering.spend_path(workspace, ask.asked_at),
        repository.conversation_path(workspace, ask.conversation_id),
        contracts.path(workspace, "events", ask.turn_id),
    ]
    others = [repository.agent_path(workspace, ask.agent_id), contracts.path(workspace, "fleet", ask.agent_id)]
    if ask.widget_id is not None:
        others.append(contracts.path(workspace, "widgets", ask.widget_id))
    found = repository.read(*contested, *others)
    known, (agent_found, fleet, *widgets) = found[:3], found[3:]
    earlier = _earlier(workspace, ask, known)
    if earlier is not None:
        return earlier
    if not agent_found.exists:
        raise NotFound("There is no such agent.")
    agent = Agent.model_validate(agent_found.data)
    _check_fleet(FleetRead.model_validate(fleet.data), ask)
    widget = conversations.check_widget(widgets[0].data, ask.agent_id, ask.origin) if widgets else None
    definition = agent.draft if ask.draft else agent.published
    if definition is None:
        raise turn_price.not_published()
    is_open = hours.is_open(definition.business.hours, ask.asked_at)
    system = turn_price.system_prompt(agent, definition, ask.draft, is_open)
    candidates = turn_price.models(definition, ask.asked_at)

    def take(batch: firestore.Batch, found: list[Snapshot]) -> Turn | Answered | Ended:
        spend, conversation, _ = found
        now = clock.now()
        document = metering.terms_of(workspace, spend)
        check_state(document)
        terms = plans.PlanTerms.model_validate(document["plan_terms"])
        retention_days = document.get("retention_days")
        talk = conversation.data if conversation.exists else _opened(ask, candidates[0].price.currency, retention_days)
        history = recalled(definition, candidates, agent, system, talk.get("history") or [], ask.message)
        most_input = turn_price.prompt_bound(definition, agent, system, history, ask.message)
        hold = Hold(
            turn=ask.turn_id,
            agent=ask.agent_id,
            visitor=ask.channel == "widget",
            amount=turn_price.highest(definition, candidates, terms, most_input),
            occurred_at=ask.asked_at,
            expires_at=ask.asked_at + HOLD_LIFE,
            row=_row(workspace, ask, agent, definition, candidates[0], terms),
        )
        turn = Turn(
            workspace=workspace,
            ask=ask,
            terms=terms,
            hold=hold,
            agent=agent,
            conversation=talk,
            retention_days=retention_days,
            answering=Answering(definition, candidates, system, history, ask.message, is_open, provider),
        )
        earlier = _earlier(workspace, ask, found)
        if earlier is not None:
            return earlier
        conversations.check_owner(conversation.data, conversation.exists, ask)
        marked = (conversation.data.get("running") or {}).get(ask.turn_id)
        held = document["holds"].get(ask.turn_id)
        if held is not None and marked == held["expires_at"] == hold.expires_at:
            # Our own commit, whose answer was lost on the way.
            return turn
        conversations.check_free(conversation.data, ask, now)
        if marked is not None or held is not None:
            if held is not None and held["expires_at"] > now:
                raise conversations.in_progress()
            # It died, and whoever writes there next makes its event; under this key it cannot be held again.
            return _lost(ask)
        fields: dict[str, Any] = {"running": {ask.turn_id: hold.expires_at}}
        if widget is not None:
            fields["pace"] = conversations.pace(conversation.data, widget.turns_per_hour, now)
        try:
            metering.reserve(batch, workspace, spend, document, hold, now)
        except (CapReached, TooMany):
            told = metering.record_refusal(workspace, spend.id, document, hold, now)
            if told is not None:
                events.publish(told)
            raise
        if conversation.exists:
            if not talk.get("turn_count") and not talk.get("title"):
                # It was opened by a lead, before anything was said.
                fields |= _said_first(ask)
            changed: dict[tuple[str, ...], Any] = {(name,): value for name, value in fields.items()}
            batch.update(conversation.path, changed, if_etag=conversation.etag)
        else:
            batch.create(conversation.path, {**talk, **fields})
        return turn

    return firestore.compete(contested, known, take)


def _earlier(workspace: WorkspaceId, ask: Ask, found: list[Snapshot]) -> Answered | Ended | None:
    """How the turn of this key ended, or None when the key is new; one more read for a key that is not."""
    _, conversation, event = found
    if not event.exists:
        return None
    turn = repository.read(repository.turn_path(workspace, ask.conversation_id, ask.turn_id))[0]
    if turn.exists and conversation.exists:
        conversations.check_owner(conversation.data, True, ask)
        stored = TurnRead.model_validate(turn.data)
        if stored.message == ask.message:
            if not stored.answer.strip():
                return Ended(ask.turn_id, ask.conversation_id, problem_of(stored.error_code or "caller_left"))
            return Answered(ask.turn_id, ask.conversation_id, stored)
    elif event.data["row"].get("outcome") == "abandoned":
        return _lost(ask)
    raise Conflict(
        "This Idempotency-Key was used for another message, or for one that was erased. Take a new key.",
        code="idempotency_conflict",
    )


def _lost(ask: Ask) -> Ended:
    return Ended(ask.turn_id, ask.conversation_id, problem_of("turn_lost"))


def check_state(spend: dict[str, Any]) -> None:
    """Of a suspended or closing workspace no agent answers, not even in the playground; nothing is lost by it.

    Raises Conflict (`workspace_suspended`).
    """
    if spend.get("state", "active") != "active":
        raise Conflict("This workspace's agents are not answering at the moment.", code="workspace_suspended")


def _check_fleet(fleet: FleetRead, ask: Ask) -> None:
    if fleet.deleted_at is not None:
        raise NotFound("There is no such agent.")
    if ask.channel not in ("playground", "check") and fleet.status != "active":
        raise Conflict("This agent is not answering at the moment.", code="agent_paused")


def recalled(
    definition: Definition,
    candidates: tuple[Candidate, ...],
    agent: Agent,
    system: str,
    history: list[Exchange],
    message: str,
) -> list[Exchange]:
    """What of the history the prompt holds, so that each model that may answer can read all of it."""
    beside = estimate_tokens(system) + estimate_tokens(message) + turn_price.around(definition, agent, 1)
    budget = min(
        conversations.history_budget(one.card.context_tokens - output_limit(definition, one.card), beside)
        for one in candidates
    )
    return conversations.recalled(history, budget)


def _row(
    workspace: WorkspaceId,
    ask: Ask,
    agent: Agent,
    definition: Definition,
    candidate: Candidate,
    terms: plans.PlanTerms,
) -> dict[str, Any]:
    """The event's beginning. A turn that dies counts no conversation: whichever turn is answered first does."""
    return {
        "event_id": ask.turn_id,
        "type": "turn",
        "corrects": None,
        "workspace_id": str(workspace),
        "agent_id": ask.agent_id,
        "version_id": None if ask.draft else agent.published_version,
        "conversation_id": ask.conversation_id,
        "channel": ask.channel,
        "widget_id": ask.widget_id,
        "industry": definition.industry,
        **model_of(candidate),
        "occurred_at": clock.to_text(ask.asked_at),
        "plan_version": terms.plan_version,
        "currency": candidate.price.currency,
        "latency_ms": None,
        "first_token_ms": None,
        "error_code": None,
        "new_conversation": False,
        "new_visitor": False,
        "handed_off": False,
        "trace_id": ask.trace_id or None,
    }


def _opened(ask: Ask, currency: str, retention_days: int | None) -> dict[str, Any]:
    return conversations.opened(
        agent_id=ask.agent_id,
        channel=ask.channel,
        owner=ask.owner,
        at=ask.asked_at,
        currency=currency,
        retention_days=retention_days,
        widget_id=ask.widget_id,
        visitor_id=ask.visitor_id,
        new_visitor=ask.new_visitor,
        session_id=ask.session_id,
        **_said_first(ask),
    )


def _said_first(ask: Ask) -> dict[str, Any]:
    return {"locale": ask.locale, "page_url": ask.page_url, "title": conversations.title(ask.message)}
