"""What a run of test cases can cost: said with the cases, before anybody begins one, and by the run as it begins."""

from collections.abc import Iterable
from datetime import datetime

from functions.agents import turn_price
from functions.agents.check_rules import Case, Version
from functions.agents.models import Agent
from functions.shared import plans
from functions.shared.errors import Invalid


def versions(kept: Agent) -> dict[Version, str | None]:
    """What a run asks, with the published version's id: the draft, and the published version where there is one."""
    return {"draft": None} if kept.published is None else {"draft": None, "published": kept.published_version}


def highest(kept: Agent, cases: Iterable[Case], terms: plans.PlanTerms, at: datetime) -> int:
    """The most that a run of these cases can be charged, in nanos of the plan's currency.

    Each version by its own model and prompt, and each turn as admission will hold room for it.
    """
    asked = tuple(cases)
    return sum(_one(kept, version, case, terms, at) for version in versions(kept) for case in asked)


def _one(kept: Agent, version: Version, case: Case, terms: plans.PlanTerms, at: datetime) -> int:
    try:
        return turn_price.highest_first(kept, version == "draft", case.question, terms, at)
    except Invalid:
        # Its model is gone, so each of its cases fails, and costs nothing.
        return 0
