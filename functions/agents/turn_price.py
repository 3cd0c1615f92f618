"""The most that a turn can be charged: by the dearest of the models that may answer it.

Every byte of the prompt counts as a token, and the answer is as long as the model is allowed to make it.
"""

from datetime import datetime

from functions.agents import passages, prompts
from functions.agents.answering import Candidate, output_limit, tools
from functions.agents.models import Agent, Definition, Exchange, FallbackModel, ModelChoice
from functions.agents.providers import UnknownModel, load
from functions.shared import logs, plans, pricing
from functions.shared.config import settings
from functions.shared.errors import Conflict, Invalid

FRAME_TOKENS = 64
"""What providers put around a prompt, and around each of its messages a quarter of it."""

TOOL_CALL_TOKENS = 64
"""What each action may take beside the answer, on servers that do not count it against the answer's limit."""


def not_published() -> Conflict:
    """What who asks for the published version of an agent without one is told."""
    return Conflict("Publish the agent first.", code="not_published")


def system_prompt(agent: Agent, definition: Definition, draft: bool, is_open: bool) -> str:
    """What the model is told before the conversation, with a note where nobody of the business is there."""
    system = prompts.compose(definition).text if draft else agent.published_prompt
    if not is_open and definition.hand_off.enabled:
        system = f"{system}\n\n{prompts.closed_note(definition)}"
    return system


def models(definition: Definition, moment: datetime) -> tuple[Candidate, ...]:
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
        raise not_published()
    system = system_prompt(agent, definition, draft, is_open=False)
    most_input = prompt_bound(definition, agent, system, [], message)
    return highest(definition, models(definition, at), terms, most_input)


def around(definition: Definition, agent: Agent, messages: int) -> int:
    """At least the tokens of knowledge, tools and frames."""
    block = passages.MAX_BYTES if agent.knowledge.parts and definition.knowledge.passages else 0
    offered = sum(len(str(tool).encode()) for tool in tools(definition))
    return block + offered + FRAME_TOKENS + FRAME_TOKENS // 4 * messages


def prompt_bound(definition: Definition, agent: Agent, system: str, history: list[Exchange], message: str) -> int:
    """At least the tokens of the prompt that this turn may send: no token is shorter than a byte."""
    said = sum(len(exchange["message"].encode()) + len(exchange["answer"].encode()) for exchange in history)
    return len(system.encode()) + said + len(message.encode()) + around(definition, agent, 2 * len(history) + 1)
