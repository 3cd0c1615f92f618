"""A hold is never below what its turn is charged, whatever is asked, known, answered and agreed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.agents import passages, prompt_format, turn_price
from functions.agents.answering import Candidate, output_limit, tools
from functions.agents.models import Agent, Definition, KnowledgeState
from functions.agents.providers import load
from functions.agents.providers.models import ModelRequest, Usage, estimate_prompt, interrupted_usage
from functions.agents.providers.models import Turn as Said
from functions.shared import clock, contracts, plans, pricing
from functions.shared.plans import Meter, PlanTerms, UnitPrice

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
MODELS = [(card.provider, card.id) for card in load().models]


@st.composite
def plan_terms(draw: st.DrawFn) -> PlanTerms:
    rate = st.integers(0, 10**12)
    prices = [
        UnitPrice(meter=meter, price=draw(rate), per=draw(st.sampled_from([1, 1000, 1_000_000])))
        for meter in draw(st.sets(st.sampled_from([m for m in Meter if m is not Meter.RESOLVED]), max_size=5))
    ]
    plus = draw(st.none() | st.integers(0, 10**10))
    fee = 1 if not prices and plus is None else 0
    return PlanTerms(
        plan="p",
        plan_version="p-1",
        name="P",
        currency="USD",
        cost_plus=plus,
        unit_prices=tuple(prices),
        monthly_fee=fee,
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_hold_is_never_below_the_charge(data: st.DataObject) -> None:
    provider, model = data.draw(st.sampled_from(MODELS))
    card = load().model(provider, model)
    region = data.draw(st.sampled_from(["global", "eu", None]))
    price = pricing.price_at(provider, model, region, clock.now())
    agreed = data.draw(plan_terms())
    definition = Definition(
        name="Ada",
        model={"provider": provider, "id": model, "max_output_tokens": data.draw(st.integers(16, 8192))},
        hand_off={"enabled": data.draw(st.booleans())},
        leads={"enabled": data.draw(st.booleans())},
    )
    times = data.draw(st.sampled_from([1, 20, 400]))
    system, message = data.draw(TEXT) * times, data.draw(TEXT) + "?"
    history = [
        {"message": m + "?", "answer": a + "!"} for m, a in data.draw(st.lists(st.tuples(TEXT, TEXT), max_size=6))
    ]
    title, text = data.draw(TEXT), data.draw(TEXT) * 8
    block = prompt_format.knowledge_block([(title, text)])
    known = len(block.encode()) <= passages.MAX_BYTES
    agent = Agent(
        name="Ada",
        industry="general",
        model=model,
        draft=definition,
        knowledge=KnowledgeState(parts=int(known)),
        created_at=clock.now(),
        updated_at=clock.now(),
    )
    most_input = turn_price.prompt_bound(definition, agent, system, history, message)
    offered = tools(definition)
    most_output = output_limit(definition, card) + turn_price.TOOL_CALL_TOKENS * max(1, len(offered))
    amount = turn_price.highest(definition, (Candidate(card, price),), agreed, most_input)
    said = [
        Said(role, text)
        for pair in history
        for role, text in (("user", pair["message"]), ("assistant", pair["answer"]))
    ]
    request = ModelRequest(
        model=model,
        turns=(*said, Said("user", message)),
        max_output_tokens=output_limit(definition, card),
        system=f"{system}\n\n{block}" if known else system,
        tools=offered,
    )
    # A token is at least a byte: no tokenizer counts more than the prompt's bytes, its frame apart.
    size = len(request.system.encode()) + sum(len(turn.text.encode()) for turn in request.turns)
    tokens = size + sum(len(str(tool).encode()) for tool in offered)
    assert tokens <= most_input
    assert estimate_prompt(request) <= most_input
    given_input = data.draw(st.integers(0, most_input))
    cached = data.draw(st.integers(0, given_input))
    output = data.draw(st.integers(0, most_output))
    thoughts = data.draw(st.integers(0, output))
    usages = [
        Usage(given_input - cached, cached, output - thoughts, thoughts),
        Usage(most_input, 0, most_output, 0),
        Usage(0, most_input, 0, most_output),
        Usage(most_input, None, most_output, None),
        interrupted_usage(
            request, None, "a" * data.draw(st.integers(0, 4 * output_limit(definition, card))), thinks=True
        ),
    ]
    for usage in usages:
        counted = pricing.Usage(**{name: getattr(usage, name) for name in contracts.BUCKETS})
        cost = pricing.rate(counted, price)
        for conversations in (0, 1):
            assert plans.charge(counted, cost, agreed, model=model, conversations=conversations) <= amount
