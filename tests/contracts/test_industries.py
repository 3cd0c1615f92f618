"""Every industry's file is judged as its author would want to hear it: whole, in bounds, careful and not too dear."""

from pathlib import Path

import pytest

from functions.agents import definitions, industries, prompts
from functions.agents.models import Definition
from functions.agents.providers import estimate_tokens, load
from infra import bundle

FILES = sorted(industries.FOLDER.glob("*.yaml"))
PROMISED = {
    "healthcare", "dental", "legal", "real_estate", "ecommerce", "restaurant", "travel_hotels", "banking", "insurance",
    "education", "saas_support", "automotive", "home_services", "recruiting", "fitness_beauty", "public_sector",
    "non_profit", "general",
}  # fmt: skip
REGULATED = {"healthcare", "dental", "legal", "banking", "insurance", "real_estate", "recruiting", "public_sector"}
MOST_TOKENS = 1_600
LISTS = {
    "goals": (3, 6), "must_do": (3, 6), "must_not_do": (3, 6), "sample_questions": (3, 6), "knowledge": (3, 8),
}  # fmt: skip


def agent(industry: industries.Industry) -> Definition:
    """An agent of somebody who gave a name and nothing else."""
    model = {"provider": "offline", "id": "offline-extractive"}
    return definitions.formed({**industry.defaults(), "name": "Mia", "model": model})


def test_every_promised_industry_has_its_file() -> None:
    assert {path.stem for path in FILES} >= PROMISED
    assert len(FILES) >= 16


def test_the_folder_holds_industries_and_their_guide_only() -> None:
    assert {path.name for path in industries.FOLDER.iterdir()} == {path.name for path in FILES} | {"README.md"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_whole_and_in_bounds(path: Path) -> None:
    industry = industries.read(path)
    for field, (least, most) in LISTS.items():
        assert least <= len(getattr(industry, field)) <= most, f"{path.name}: {field} has {least} to {most} lines"
    assert 3 <= len(industry.hand_off.triggers) <= 6
    assert industry.hand_off.enabled
    assert industry.description.endswith(".")
    assert industry.greeting
    assert industry.away_message
    assert industry.model_role in load().roles, f"{path.name}: model_role is one of {', '.join(load().roles)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_says_what_the_agent_must_not_do(path: Path) -> None:
    industry = industries.read(path)
    assert all(rule.startswith("Do not ") for rule in industry.must_not_do), path.name
    text = prompts.compose(agent(industry)).text
    assert all(f"- {rule}" in text for rule in (*industry.goals, *industry.must_do, *industry.must_not_do))
    assert industry.hand_off.message in text
    assert all(f"- {trigger.rstrip('.')} (reason: rule)." in text for trigger in industry.hand_off.triggers)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_where_advice_is_regulated_the_notice_is_in_file_and_prompt(path: Path) -> None:
    industry = industries.read(path)
    assert industry.regulated or path.stem not in REGULATED
    assert industry.regulated == bool(industry.notice.strip()), f"{path.name}: regulated and notice belong together"
    assert industry.notice in prompts.compose(agent(industry)).text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_prompt_of_a_file_is_affordable(path: Path) -> None:
    tokens = estimate_tokens(prompts.compose(agent(industries.read(path))).text)
    assert tokens <= MOST_TOKENS, f"{path.name} makes a prompt of {tokens} tokens"


@pytest.mark.parametrize("deployment", ["agents-api", "agents-chat"])
def test_a_bundle_carries_every_file(deployment: str) -> None:
    held = {Path(name).name for name in bundle.cut(deployment).files if "/industries/" in name}
    assert held == {path.name for path in FILES}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("Pet Care.yaml", "", "named by"),
        ("pets.yaml", "name: [", "not YAML"),
        ("pets.yaml", "- a\n- b\n", "one field a line"),
        ("pets.yaml", "id: cats\nname: Cats\n", "no id"),
        ("pets.yaml", "name: Pets\ncolour: red\n", "colour"),
        ("pets.yaml", "name: Pets\ntone: rude\n", "tone"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(industries.BadIndustry, match=said) as refused:
        industries.read(path)
    assert name in str(refused.value)
