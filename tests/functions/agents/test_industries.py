"""The industries as the wizard offers them; tests/contracts/test_industries.py judges each file."""

import pytest

from functions.agents import industries
from functions.shared.errors import NotFound


def test_the_general_one_comes_first_and_the_others_by_name():
    general, *others = industries.every()
    assert general.id == industries.GENERAL
    assert [one.name for one in others] == sorted((one.name for one in others), key=str.casefold)


def test_no_two_industries_say_the_same():
    for field in ("description", "goals", "must_do", "must_not_do", "greeting", "away_message"):
        values = [getattr(found, field) for found in industries.every()]
        assert len(set(values)) == len(values), field


def test_an_unknown_industry_is_not_found():
    with pytest.raises(NotFound):
        industries.find("alchemy")
