"""Lets a turn in or refuses it: who may speak now, with which agent and model, and whether there is room for its price.

Six reads, one commit of two. The hold's amount is the turn's highest price: every byte of the prompt counted as a token,
the answer as long as the model is allowed to make it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from functions.agents import conversations, passages, prompt_format, prompts, repository
from functions.agents.models import Agent, Ask, Definition
from functions.agents.providers import Provider, UnknownModel, load
from functions.agents.providers.catalogue import ModelCard
from functions.agents.turns import Answered, Turn, output_limit
from functions.shared import clock, contracts, firestore, metering, plans, pricing
from functions.shared.contracts import FleetRead, TurnRead, WidgetRead
from functions.shared.errors import Conflict, Forbidden, Invalid, NotFound
from functions.shared.identity import WorkspaceId
from functions.shared.metering import Hold

HOLD_LIFE = timedelta(seconds=120 + 60)
"""The request's timeout and a margin (MONEY 9)."""


def admit(workspace: WorkspaceId, ask: Ask, provider: Callable[[str], Provider]) -> Turn | Answered:
    """Refuse the turn, find its earlier answer, or take room for it and mark the conversation as running.

    Raises NotFound, Conflict (`turn_in_progress`, `conversation_busy`, `agent_paused`, `not_published`), Forbidden
    (`origin_not_allowed`), TooMany, CapReached, Unavailable (`cap_busy`), Invalid (unknown model).
    """
    spend_path = metering.spend_path(workspace, ask.asked_at)
    conversation_path = repository.conversation_path(workspace, ask.conversation_id)
    paths = [
        spend_path,
        conversation_path,
        f"{conversation_path}/turns/{ask.turn_id}",
        repository.agent_path(workspace, ask.agent_id),
        contracts.path(workspace, "fleet", ask.agent_id),
    ]
    if ask.widget_id is not None:
        paths.append(contracts.path(workspace, "widgets", ask.widget_id))
    spend, conversation, turn, agent_found, fleet, *widgets = repository.read(*paths)
    if turn.exists:
        conversations.check_owner(conversation.data, conversation.exists, ask)
        return Answered(ask.turn_id, ask.conversation_id, TurnRead.model_validate(turn.data))
    if not agent_found.exists:
        raise NotFound("There is no such agent.")
    agent = Agent.model_validate(agent_found.data)
    _check_fleet(FleetRead.model_validate(fleet.data), ask)
    widget = _check_widget(WidgetRead.model_validate(widgets[0].data), ask) if widgets and widgets[0].exists else None
    if ask.widget_id is not None and widget is None:
        raise NotFound("This widget does not exist any more.")
    definition = agent.draft if ask.draft else agent.published
    if definition is None:
        raise Conflict("Publish the agent first.", code="not_published")
    system = prompts.compose(definition).text if ask.draft else agent.published_prompt
    card, price = _model(definition, ask.asked_at)

    def take(batch: firestore.Batch, found: list[firestore.Snapshot]) -> Turn:
        spend, conversation = found
        now = clock.now()
        conversations.check_owner(conversation.data, conversation.exists, ask)
        conversations.check_free(conversation.data, ask, now)
        document = metering.terms_of(workspace, spend)
        terms = plans.PlanTerms.model_validate(document["plan_terms"])
        hold = _hold(workspace, ask, agent, definition, system, card, price, terms, conversation)
        fields: dict[str, Any] = {"running": {ask.turn_id: hold.expires_at}}
        if widget is not None:
            fields["pace"] = conversations.pace(conversation.data, widget.turns_per_hour, now)
        metering.reserve(batch, workspace, spend, document, hold, now)
        if conversation.exists:
            changed: dict[tuple[str, ...], Any] = {(name,): value for name, value in fields.items()}
            batch.update(conversation.path, changed, if_etag=conversation.etag)
        else:
            batch.create(conversation.path, {**_opened(ask, price), **fields})
        return Turn(
            workspace,
            ask,
            definition,
            card,
            price,
            terms,
            hold,
            agent,
            conversation.data,
            system,
            provider,
        )

    return firestore.compete([spend_path, conversation_path], [spend, conversation], take)


def _check_fleet(fleet: FleetRead, ask: Ask) -> None:
    if fleet.deleted_at is not None:
        raise NotFound("There is no such agent.")
    if ask.channel != "playground" and fleet.status != "active":
        raise Conflict("This agent is not answering at the moment.", code="agent_paused")


def _check_widget(widget: WidgetRead, ask: Ask) -> WidgetRead:
    if widget.deleted_at is not None or widget.agent_id != ask.agent_id:
        raise NotFound("This widget does not exist any more.")
    if ask.origin not in widget.allowed_origins:
        raise Forbidden("This page is not among the widget's allowed origins.", code="origin_not_allowed")
    return widget


def _model(definition: Definition, moment: datetime) -> tuple[ModelCard, pricing.Price]:
    chosen = definition.model
    try:
        card = load().model(chosen.provider, chosen.id)
        return card, pricing.price_at(chosen.provider, chosen.id, None, moment)
    except (UnknownModel, pricing.UnknownModel) as error:
        raise Invalid(
            "The agent's model cannot be used. Choose another one and publish again.",
            code="unknown_model",
            errors=[
                {"pointer": "/model/id", "message": f"{chosen.provider} {chosen.id} is unknown, retired or unpriced."}
            ],
        ) from error


def _hold(
    workspace: WorkspaceId,
    ask: Ask,
    agent: Agent,
    definition: Definition,
    system: str,
    card: ModelCard,
    price: pricing.Price,
    terms: plans.PlanTerms,
    conversation: firestore.Snapshot,
) -> Hold:
    """The turn's highest price: every byte of the prompt a token, the answer as long as it may be."""
    history = conversation.data.get("history") or ()
    said = sum(len(exchange["message"].encode()) + len(exchange["answer"].encode()) for exchange in history)
    tools = len(str(prompt_format.HAND_OFF).encode())
    block = passages.MAX_BYTES if agent.knowledge.parts and definition.knowledge.passages else 0
    framing = 64 + 16 * (2 * len(history) + 1)
    most_input = len(system.encode()) + block + said + tools + framing + len(ask.message.encode())
    row = {
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
        "region": None,
        "occurred_at": clock.to_text(ask.asked_at),
        "price_version": price.version,
        "plan_version": terms.plan_version,
        "currency": price.currency,
        "latency_ms": None,
        "first_token_ms": None,
        "error_code": None,
        "new_conversation": not conversation.exists,
        "new_visitor": ask.new_visitor and not conversation.exists,
        "handed_off": False,
        "trace_id": ask.trace_id or None,
    }
    return Hold(
        turn=ask.turn_id,
        agent=ask.agent_id,
        visitor=ask.channel == "widget",
        amount=plans.highest_charge(terms, price, most_input, output_limit(definition, card)),
        occurred_at=ask.asked_at,
        expires_at=ask.asked_at + HOLD_LIFE,
        row=row,
    )


def _opened(ask: Ask, price: pricing.Price) -> dict[str, Any]:
    return {
        "agent_id": ask.agent_id,
        "channel": ask.channel,
        "widget_id": ask.widget_id,
        "visitor_id": ask.visitor_id,
        "session_id": ask.session_id,
        "owner": ask.owner,
        "locale": ask.locale,
        "page_url": ask.page_url,
        "title": conversations.title(ask.message),
        "currency": price.currency,
        "turn_count": 0,
        "history": [],
        "words": [],
        "handed_off": False,
        "resolved": False,
        "created_at": ask.asked_at,
        "updated_at": ask.asked_at,
    }
