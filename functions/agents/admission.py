"""Lets a turn in or refuses it: who may speak now, with which agent and model, and whether there is room for its price.

Six reads, one commit of two. The hold's amount is the turn's highest price: every byte of the prompt counted as a token,
the answer as long as the model is allowed to make it.

The turn's event says whether its key was used before: it is written with the turn, it outlives an erased conversation,
and a sweep writes it for a turn that nobody settled. So one key never makes two holds.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from functions.agents import conversations, hours, passages, prompts, repository
from functions.agents.answering import Answering, Candidate, output_limit, tools
from functions.agents.models import Agent, Ask, Definition, Exchange, FallbackModel, ModelChoice
from functions.agents.providers import Provider, UnknownModel, estimate_tokens, load
from functions.agents.telling import Answered, Ended, problem_of
from functions.agents.turns import Turn, model_of
from functions.shared import clock, contracts, events, firestore, logs, metering, plans, pricing
from functions.shared.config import settings
from functions.shared.contracts import FleetRead, TurnRead
from functions.shared.errors import CapReached, Conflict, Invalid, NotFound, TooMany
from functions.shared.firestore import Snapshot
from functions.shared.identity import WorkspaceId
from functions.shared.metering import Hold

HOLD_LIFE = timedelta(seconds=120 + 60)
"""The request's timeout and a margin (MONEY 9)."""

FRAME_TOKENS = 64
"""What providers put around a prompt, and around each of its messages a quarter of it."""

TOOL_CALL_TOKENS = 64
"""What each action may take beside the answer, on servers that do not count it against the answer's limit."""


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
        raise _not_published()
    is_open = hours.is_open(definition.business.hours, ask.asked_at)
    system = _system(agent, definition, ask.draft, is_open)
    candidates = _models(definition, ask.asked_at)

    def take(batch: firestore.Batch, found: list[Snapshot]) -> Turn | Answered | Ended:
        spend, conversation, _ = found
        now = clock.now()
        document = metering.terms_of(workspace, spend)
        check_state(document)
        terms = plans.PlanTerms.model_validate(document["plan_terms"])
        retention_days = document.get("retention_days")
        talk = conversation.data if conversation.exists else _opened(ask, candidates[0].price.currency, retention_days)
        history = recalled(definition, candidates, agent, system, talk.get("history") or [], ask.message)
        most_input = prompt_bound(definition, agent, system, history, ask.message)
        hold = Hold(
            turn=ask.turn_id,
            agent=ask.agent_id,
            visitor=ask.channel == "widget",
            amount=highest(definition, candidates, terms, most_input),
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


def _not_published() -> Conflict:
    """What who asks for the published version of an agent without one is told."""
    return Conflict("Publish the agent first.", code="not_published")


def _lost(ask: Ask) -> Ended:
    return Ended(ask.turn_id, ask.conversation_id, problem_of("turn_lost"))


def _system(agent: Agent, definition: Definition, draft: bool, is_open: bool) -> str:
    system = prompts.compose(definition).text if draft else agent.published_prompt
    if not is_open and definition.hand_off.enabled:
        system = f"{system}\n\n{prompts.closed_note(definition)}"
    return system


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


def _models(definition: Definition, moment: datetime) -> tuple[Candidate, ...]:
    """The chosen model and its fallback, as far as they can still be used: both were known when they were chosen.

    The agent answers as long as one of them does. Raises Invalid (`unknown_model`) without any.
    """
    chosen = definition.model
    found: list[Candidate] = []
    for one in (chosen, chosen.fallback):
        if one is None:
            continue
        try:
            found.append(_candidate(one, moment))
        except (UnknownModel, pricing.UnknownModel):
            which = "model" if one is chosen else "fallback"
            logs.warning(f"an agent's {which} cannot be used any more", provider=one.provider, model=one.id)
    if found:
        return tuple(found)
    message = f"{chosen.provider} {chosen.id} is unknown, retired or unpriced."
    raise Invalid(
        "The agent's model cannot be used. Choose another one and publish again.",
        code="unknown_model",
        errors=[{"pointer": "/model/id", "message": message}],
    )


def _candidate(chosen: ModelChoice | FallbackModel, moment: datetime) -> Candidate:
    # Only Vertex AI has locations, and some cost more.
    region = settings().vertex_location if chosen.provider == "vertexai" else None
    card = load().model(chosen.provider, chosen.id)
    return Candidate(card, pricing.price_at(chosen.provider, chosen.id, region, moment))


def highest(definition: Definition, candidates: tuple[Candidate, ...], terms: plans.PlanTerms, most_input: int) -> int:
    """The most that the turn can be charged, in nanos: by the dearest of the models that may answer it."""
    actions = TOOL_CALL_TOKENS * max(1, len(tools(definition)))
    return max(
        plans.highest_charge(terms, one.price, most_input, output_limit(definition, one.card) + actions, calls=1)
        for one in candidates
    )


def highest_first(agent: Agent, draft: bool, message: str, terms: plans.PlanTerms, at: datetime) -> int:
    """The most that a conversation's first turn with this message can be charged, in nanos of the plan's currency.

    With what the prompt says outside the business's hours, since the turn may begin when it has closed. Raises Invalid
    (`unknown_model`), Conflict (`not_published`).
    """
    definition = agent.draft if draft else agent.published
    if definition is None:
        raise _not_published()
    system = _system(agent, definition, draft, is_open=False)
    most_input = prompt_bound(definition, agent, system, [], message)
    return highest(definition, _models(definition, at), terms, most_input)


def recalled(
    definition: Definition,
    candidates: tuple[Candidate, ...],
    agent: Agent,
    system: str,
    history: list[Exchange],
    message: str,
) -> list[Exchange]:
    """What of the history the prompt holds, so that each model that may answer can read all of it."""
    beside = estimate_tokens(system) + estimate_tokens(message) + _around(definition, agent, 1)
    budget = min(
        conversations.history_budget(one.card.context_tokens - output_limit(definition, one.card), beside)
        for one in candidates
    )
    return conversations.recalled(history, budget)


def _around(definition: Definition, agent: Agent, messages: int) -> int:
    """At least the tokens of knowledge, tools and frames."""
    block = passages.MAX_BYTES if agent.knowledge.parts and definition.knowledge.passages else 0
    offered = sum(len(str(tool).encode()) for tool in tools(definition))
    return block + offered + FRAME_TOKENS + FRAME_TOKENS // 4 * messages


def prompt_bound(definition: Definition, agent: Agent, system: str, history: list[Exchange], message: str) -> int:
    """At least the tokens of the prompt that this turn may send: no token is shorter than a byte."""
    said = sum(len(exchange["message"].encode()) + len(exchange["answer"].encode()) for exchange in history)
    return len(system.encode()) + said + len(message.encode()) + _around(definition, agent, 2 * len(history) + 1)


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
