"""Shows the system prompt before anything is stored, and warns of what a careful colleague would notice."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from functions.agents import definitions, industries, offers, prompts
from functions.agents.models import Definition
from functions.agents.providers import estimate_tokens, load
from functions.agents.providers.catalogue import ModelCard
from functions.agents.terms import language_of, terms, words
from functions.shared.errors import Invalid
from functions.shared.http import Answer

LONG_PROMPT_TOKENS = 2500
"""From here on every single turn becomes noticeably dearer and slower."""


class PromptSection(Answer):
    """One part of the prompt with its estimated tokens."""

    name: str
    text: str
    tokens: int


class PromptWarning(Answer):
    """Something that is allowed and probably not meant; `pointer` says where in the definition."""

    code: str
    pointer: str
    message: str


class Preview(Answer):
    """The system prompt of these answers. Tokens are estimated: about four bytes each."""

    definition: Definition
    sections: list[PromptSection]
    text: str
    tokens: int
    warnings: list[PromptWarning]


Unknown = Callable[[Sequence[str]], list[int]]
"""Which of these texts an agent's knowledge says nothing about, by their numbers."""


def nothing_known(texts: Sequence[str]) -> list[int]:
    """All of them: an agent that does not exist yet has no knowledge."""
    return list(range(len(texts)))


def preview(answers: dict[str, Any], now: datetime, unknown: Unknown = nothing_known) -> Preview:
    """The prompt that these answers make, with the gaps filled, judged by the knowledge that `unknown` has looked into.

    Raises Invalid below /definition.
    """
    values = definitions.completed(answers, now)
    unnamed = not str(values.get("name") or "").strip()
    if unnamed:
        values["name"] = definitions.UNNAMED
    definition = definitions.formed(values, "/definition")
    prompt = prompts.compose(definition)
    sections = [PromptSection(name=s.name, text=s.text, tokens=estimate_tokens(s.text)) for s in prompt.sections]
    tokens = estimate_tokens(prompt.text)
    found = [PromptWarning(code="no_name", pointer="/name", message="Give the agent a name.")] if unnamed else []
    found += warnings(definition, now, unknown, tokens)
    return Preview(
        definition=definition,
        sections=sections,
        text=prompt.text,
        tokens=tokens,
        warnings=found,
    )


def warnings(
    definition: Definition, now: datetime, unknown: Unknown | None, tokens: int | None = None
) -> list[PromptWarning]:
    """What is probably not meant, in the order of the wizard; without `unknown` the knowledge is not judged."""
    size = estimate_tokens(prompts.compose(definition).text) if tokens is None else tokens
    found = [PromptWarning(code=c, pointer=p, message=m) for c, p, m in _warnings(definition, now, size)]
    if unknown is not None and definition.knowledge.passages:
        found += _knowledge_warnings(definition, unknown)
    return found


def _knowledge_warnings(definition: Definition, unknown: Unknown) -> list[PromptWarning]:
    """Goals and sample questions that the agent's knowledge says nothing about; `unknown` gives their numbers.

    Without goals and questions nothing is asked.
    """
    texts = [*definition.goals, *definition.sample_questions]
    found = []
    for number in unknown(texts) if texts else ():
        if number < len(definition.goals):
            message = "Nothing in the knowledge speaks of this goal. Write down what the agent needs for it."
            found.append(PromptWarning(code="goal_without_knowledge", pointer=f"/goals/{number}", message=message))
        else:
            message = "The knowledge does not answer this question, and visitors will click on it."
            place = f"/sample_questions/{number - len(definition.goals)}"
            found.append(PromptWarning(code="question_without_knowledge", pointer=place, message=message))
    return found


def _warnings(definition: Definition, now: datetime, tokens: int) -> Iterator[tuple[str, str, str]]:
    industry = industries.known(definition.industry)
    if industry is None:
        yield "unknown_industry", "/industry", "There is no such industry."
    if not definition.business.name.strip():
        yield "no_business_name", "/business/name", "The agent does not know whom it speaks for. Name the business."
    if not definition.business.contact.strip():
        yield "no_contact", "/business/contact", "Say how people reach the business; the agent is asked for it often."
    if not definition.goals:
        yield "no_goals", "/goals", "Without goals the agent only answers. Say what a good conversation leads to."
    yield from _conflicts(definition)
    if industry is not None and industry.regulated and not definition.notice.strip():
        message = f"{industry.name} is regulated: add a notice that the agent gives no advice of that kind."
        yield "no_notice", "/notice", message
    if not definition.hand_off.enabled and industry is not None and industry.regulated:
        yield "no_hand_off", "/hand_off/enabled", "In a regulated industry people must be able to reach a person."
    if definition.knowledge.passages == 0:
        yield "knowledge_off", "/knowledge/passages", "With no passages the agent never looks into its knowledge."
    if tokens > LONG_PROMPT_TOKENS:
        message = f"The prompt has about {tokens} tokens, and each turn pays for them. Move facts into the knowledge."
        yield "long_prompt", "/instructions", message
    yield from _model_warnings(definition, now)


def _conflicts(definition: Definition) -> Iterator[tuple[str, str, str]]:
    """Rules that stand on both sides, or twice; told apart by their words alone.

    A rule forbids a wish when all that it speaks of stands in the wish: "Do not quote prices" meets "Quote prices in
    dollars". A wish that says no itself, "Say that you give no medical advice", is not met by what forbids the advice.
    """
    language = language_of("", definition.languages[0])
    wanted = [(line, f"goal {number}") for number, line in enumerate(definition.goals, 1)]
    wanted += [(line, f"rule {number} of the things to do") for number, line in enumerate(definition.must_do, 1)]
    wishes = [(_essence(line, language), name) for line, name in wanted if not _NO & set(words(line))]
    for number, line in enumerate(definition.must_not_do):
        forbidden = _essence(line, language)
        for wish, name in wishes:
            if forbidden and (forbidden == wish or (len(forbidden) > 1 and forbidden < wish)):
                yield "conflicting_rules", f"/must_not_do/{number}", f"This forbids what {name} demands."
                break
    for field in ("goals", "must_do", "must_not_do"):
        seen: set[tuple[frozenset[str], bool]] = set()
        for number, line in enumerate(getattr(definition, field)):
            # A rule and its opposite are no repetition, but on the side of what is forbidden all say no.
            said = _essence(line, language), field != "must_not_do" and bool(_NO & set(words(line)))
            if said in seen:
                yield "repeated_rule", f"/{field}/{number}", "This stands there twice."
            seen.add(said)


_FILLERS = frozenset(
    (
        "do", "does", "don't", "dont", "always", "please", "must", "should", "may", "shall", "any", "ever", "immer", "bitte",
        "darf", "soll", "muss", "toujours", "doit", "siempre", "debe", "sempre", "deve", "altijd", "moet",
    )
)  # fmt: skip

_NO = frozenset(
    (
        "no", "not", "never", "none", "without", "don't", "dont", "nicht", "kein", "keine", "keinen", "keiner", "nie", "niemals",
        "ohne", "ne", "pas", "jamais", "aucun", "aucune", "sans", "nunca", "ningún", "ninguna", "sin", "não", "nenhum", "sem",
        "non", "mai", "nessun", "nessuna", "senza", "niet", "geen", "nooit", "zonder", "inte", "aldrig", "ingen", "utan",
    )
)  # fmt: skip


def _essence(line: str, language: str) -> frozenset[str]:
    """What a rule speaks of, whatever the forms of its words, their order, and whether it is demanded or forbidden."""
    spoken = " ".join(word for word in words(line) if word not in _FILLERS | _NO)
    return frozenset(terms(spoken, language))


def _model_warnings(definition: Definition, now: datetime) -> Iterator[tuple[str, str, str]]:
    chosen = definition.model
    try:
        card = offers.check(chosen, now)
    except Invalid as error:
        for fault in error.errors:
            yield error.code, fault["pointer"], fault["message"]
        return
    yield from _retirement(card, now, "/model/id")
    if not offers.usable(f"{card.provider}/{card.id}", now):
        yield "model_not_available", "/model/id", "This installation cannot reach the model's provider."
    if chosen.temperature is not None and not card.accepts("temperature"):
        yield "temperature_ignored", "/model/temperature", f"{card.name} takes no temperature; it is not sent."
    if chosen.max_output_tokens > card.max_output_tokens:
        message = f"{card.name} writes at most {card.max_output_tokens} tokens."
        yield "output_limited", "/model/max_output_tokens", message
    if definition.hand_off.enabled and "tools" not in card.abilities:
        yield "no_tools", "/hand_off/enabled", f"{card.name} cannot call tools, so it cannot hand over."
    if definition.leads.enabled and "tools" not in card.abilities:
        yield "no_tools", "/leads/enabled", f"{card.name} cannot call tools, so it cannot ask for contact details."
    fallback = chosen.fallback
    if fallback is None:
        return
    yield from _retirement(load().model(fallback.provider, fallback.id), now, "/model/fallback/id")
    if not offers.usable(f"{fallback.provider}/{fallback.id}", now):
        yield "model_not_available", "/model/fallback/id", "This installation cannot reach the fallback's provider."


def _retirement(card: ModelCard, now: datetime, pointer: str) -> Iterator[tuple[str, str, str]]:
    if card.retires_not_before is not None and now.date() >= card.retires_not_before - offers.RETIRES_SOON:
        message = f"{card.name} may be taken away from {card.retires_not_before} on. Try its successor in time."
        yield "model_retires", pointer, message
