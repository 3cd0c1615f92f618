"""Each industry must make a good agent by itself: its proposals are valid, complete and compose to a prompt."""

import pytest

from functions.agents import definitions, industries, prompts
from functions.agents.industries import Industry
from functions.shared.errors import NotFound

PROMISED = (
    "healthcare", "dental", "legal", "real_estate", "ecommerce", "restaurant", "travel_hotels", "banking", "insurance",
    "education", "saas_support", "automotive", "home_services", "recruiting", "fitness_beauty", "public_sector",
    "non_profit", "general",
)  # fmt: skip
MODEL = {"provider": "offline", "id": "offline-extractive"}


def test_every_promised_industry_is_there_once():
    assert sorted(found.id for found in industries.every()) == sorted(PROMISED)


@pytest.mark.parametrize("industry", industries.every(), ids=lambda industry: industry.id)
def test_an_industry_with_a_name_is_a_whole_agent(industry: Industry):
    definition = definitions.formed({**industry.defaults(), "name": "Mia", "model": MODEL})
    text = prompts.compose(definition).text
    assert all(line in text for line in (*industry.goals, *industry.must_do, *industry.must_not_do))
    assert industry.hand_off.message in text
    assert industry.notice in text
    assert len(industry.sample_questions) >= 3
    assert len(industry.knowledge) >= 3
    assert industry.hand_off.triggers
    assert industries.models_for(industry.model_role)
    assert bool(industry.notice) or not industry.regulated


def test_no_two_industries_say_the_same():
    for field in ("description", "goals", "must_do", "must_not_do", "greeting", "away_message"):
        values = [getattr(found, field) for found in industries.every()]
        assert len(set(values)) == len(values), field


def test_an_unknown_industry_is_not_found():
    with pytest.raises(NotFound):
        industries.find("alchemy")
