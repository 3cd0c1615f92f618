"""Lets a turn in or refuses it: who may speak now, with which agent and model, and whether there is room for its price.

Six reads, one commit of two. The hold's amount is the turn's highest price: every byte of the prompt counted as a token,
the answer as long as the model is allowed to make it.

The turn's event says whether its key was used before: it is written with the turn, it outlives an erased conversation,
and a sweep writes it for a turn that nobody settled. So one key never makes two holds.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from functions.agents import conversations, passages, prompt_format, prompts, repository
from functions.agents.models import Agent, Ask, Definition
from functions.agents.providers import Provider, UnknownModel, load
from functions.agents.providers.catalogue import ModelCard
from functions.agents.telling import Answered, Ended, problem_of
from functions.agents.turns import Turn, output_limit
from functions.shared import clock, contracts, firestore, metering, plans, pricing
from functions.shared.config import settings
from functions.shared.contracts import FleetRead, TurnRead, WidgetRead
from functions.shared.errors import Conflict, Forbidden, Invalid, NotFound
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId
from functions.shared.metering import Hold

HOLD_LIFE = timedelta(seconds=120 + 60)
"""The request's timeout and a margin (MONEY 9)."""

FRAME_TOKENS = 64
"""What providers put around a prompt, and around each of its messages a quarter of it."""

TOOL_CALL_TOKENS = 64
"""What an action may take beside the answer, on servers that do not count it against the answer's limit."""


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
    widget = _check_widget(widgets[0], ask) if widgets else None
    definition = agent.draft if ask.draft else agent.published
    if definition is None:
        raise Conflict("Publish the agent first.", code="not_published")
    system = prompts.compose(definition).text if ask.draft else agent.published_prompt
    card, price = _model(definition, ask.asked_at)

    def take(batch: firestore.Batch, found: list[Snapshot]) -> Turn | Answered | Ended:
        spend, conversation, _ = found
        now = clock.now()
        document = metering.terms_of(workspace, spend)
        _check_state(document)
        terms = plans.PlanTerms.model_validate(document["plan_terms"])
        talk = conversation.data if conversation.exists else _opened(ask, price)
        most_input = prompt_bound(definition, agent, system, talk.get("history") or [], ask.message)
        hold = Hold(
            turn=ask.turn_id,
            agent=ask.agent_id,
            visitor=ask.channel == "widget",
            amount=plans.highest_charge(
                terms, price, most_input, output_limit(definition, card) + TOOL_CALL_TOKENS, calls=1
            ),
            occurred_at=ask.asked_at,
            expires_at=ask.asked_at + HOLD_LIFE,
            row=_row(workspace, ask, agent, definition, card, price, terms),
        )
        turn = Turn(
            workspace=workspace,
            ask=ask,
            definition=definition,
            card=card,
            price=price,
            terms=terms,
            hold=hold,
            agent=agent,
            conversation=talk,
            system=system,
            provider=provider,
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
        metering.reserve(batch, workspace, spend, document, hold, now)
        if conversation.exists:
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


def _check_state(spend: dict[str, Any]) -> None:
    """Of a suspended or closing workspace no agent answers, not even in the playground; nothing is lost by it."""
    if spend.get("state", "active") != "active":
        raise Conflict("This workspace's agents are not answering at the moment.", code="workspace_suspended")


def _check_fleet(fleet: FleetRead, ask: Ask) -> None:
    if fleet.deleted_at is not None:
        raise NotFound("There is no such agent.")
    if ask.channel != "playground" and fleet.status != "active":
        raise Conflict("This agent is not answering at the moment.", code="agent_paused")


def _check_widget(found: Snapshot, ask: Ask) -> WidgetRead:
    widget = WidgetRead.model_validate(found.data) if found.exists else None
    if widget is None or widget.deleted_at is not None or widget.agent_id != ask.agent_id:
        raise NotFound("This widget does not exist any more.")
    if ask.origin not in widget.allowed_origins:
        raise Forbidden("This page is not among the widget's allowed origins.", code="origin_not_allowed")
    return widget


def _model(definition: Definition, moment: datetime) -> tuple[ModelCard, pricing.Price]:
    chosen = definition.model
    # Only Vertex AI has locations, and some cost more.
    region = settings().vertex_location if chosen.provider == "vertexai" else None
    try:
        card = load().model(chosen.provider, chosen.id)
        return card, pricing.price_at(chosen.provider, chosen.id, region, moment)
    except (UnknownModel, pricing.UnknownModel) as error:
        raise Invalid(
            "The agent's model cannot be used. Choose another one and publish again.",
            code="unknown_model",
            errors=[
                {"pointer": "/model/id", "message": f"{chosen.provider} {chosen.id} is unknown, retired or unpriced."}
            ],
        ) from error


def prompt_bound(definition: Definition, agent: Agent, system: str, history: list[dict[str, Any]], message: str) -> int:
    """At least the tokens of the prompt that this turn may send: no token is shorter than a byte."""
    said = sum(len(exchange["message"].encode()) + len(exchange["answer"].encode()) for exchange in history)
    tools = len(str(prompt_format.HAND_OFF).encode()) if definition.hand_off.enabled else 0
    block = passages.MAX_BYTES if agent.knowledge.parts and definition.knowledge.passages else 0
    frames = FRAME_TOKENS + FRAME_TOKENS // 4 * (2 * len(history) + 1)
    return len(system.encode()) + block + said + tools + frames + len(message.encode())


def _row(
    workspace: WorkspaceId,
    ask: Ask,
    agent: Agent,
    definition: Definition,
    card: ModelCard,
    price: pricing.Price,
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
        "provider": card.provider,
        "model": card.id,
        "region": price.region if card.provider == "vertexai" else None,
        "occurred_at": clock.to_text(ask.asked_at),
        "price_version": price.version,
        "plan_version": terms.plan_version,
        "currency": price.currency,
        "latency_ms": None,
        "first_token_ms": None,
        "error_code": None,
        "new_conversation": False,
        "new_visitor": False,
        "handed_off": False,
        "trace_id": ask.trace_id or None,
    }


def _opened(ask: Ask, price: pricing.Price) -> dict[str, Any]:
    return {
        "agent_id": ask.agent_id,
        "channel": ask.channel,
        "widget_id": ask.widget_id,
        "visitor_id": ask.visitor_id,
        "new_visitor": ask.new_visitor,
        "session_id": ask.session_id,
        "owner": ask.owner,
        "locale": ask.locale,
        "page_url": ask.page_url,
        "title": conversations.title(ask.message),
        "currency": price.currency,
        "turn_count": 0,
        "answered": False,
        "history": [],
        "words": [],
        "handed_off": False,
        "resolved": False,
        "created_at": ask.asked_at,
        "updated_at": ask.asked_at,
    }
