"""Which model answers: the chosen one, or its fallback before the first word; what it is offered, and what it costs."""

import contextlib
from collections.abc import Generator
from typing import Any

import pytest

from functions.agents import admission, answering
from functions.agents.providers import (
    Finished,
    ModelInterrupted,
    ModelRefused,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    TextDelta,
    ToolCall,
    UsageReport,
)
from functions.shared import logs
from functions.shared.errors import Invalid, Problem, Unavailable
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents.talking import (
    ANSWER,
    OFFLINE,
    USAGE,
    Scripted,
    Visitor,
    Wait,
    an_agent,
    everything_adds_up,
    named,
    text_of,
    usage_events,
)

CHEAP = {"provider": "vertexai", "id": "gemini-3.5-flash-lite"}
DEAR = {"provider": "vertexai", "id": "gemini-4-argon"}


class Two:
    """Two providers: the offline one does `first`, every other one `second`."""

    def __init__(self, first: Scripted, second: Scripted | None = None) -> None:
        self.first, self.second = first, second or Scripted()

    def __call__(self, name: str) -> Scripted:
        return self.first if name == "offline" else self.second


@pytest.fixture
def backed(cloud: Cloud, workspace: WorkspaceId) -> Generator[Visitor, None, None]:
    """A visitor of an agent that has a fallback."""
    return Visitor(cloud, workspace, an_agent(workspace, model={**OFFLINE, "fallback": CHEAP}))


def turn(visitor: Visitor, two: Any) -> list[Any]:
    return visitor.turn(two)


@pytest.mark.parametrize("fault", [ModelUnavailable("503"), ModelTimeout("late"), ModelInterrupted("gone")])
def test_the_fallback_answers_when_the_first_cannot_be_reached(backed: Visitor, fault: Exception) -> None:
    two = Two(Scripted(fault))
    found = turn(backed, two)
    assert text_of(found) == "Good day."
    (row,) = usage_events(backed.workspace)
    assert (row["provider"], row["model"], row["outcome"]) == ("vertexai", CHEAP["id"], "completed")
    assert row["region"] == "global"
    # 100 and 20 tokens in at USD 0.30 and 0.03 a million, 10 out at 2.50.
    assert row["cost_nanos"] == 100 * 300 + 20 * 30 + 10 * 2500
    (stored,) = backed.turns()
    assert (stored["provider"], stored["model"], stored["price_version"]) == (
        "vertexai",
        CHEAP["id"],
        row["price_version"],
    )
    everything_adds_up(backed.workspace, backed)
    assert two.second.requests[0].model == CHEAP["id"]


def test_the_first_answers_when_it_can(backed: Visitor) -> None:
    two = Two(Scripted())
    turn(backed, two)
    assert usage_events(backed.workspace)[0]["provider"] == "offline"
    assert two.second.requests == []


@pytest.mark.parametrize(
    "steps",
    [
        (TextDelta("Good "), ModelInterrupted("gone")),
        (ModelRefused("SAFETY"),),
        (ModelRejected("400"),),
        (UsageReport(USAGE), Finished("stop")),
    ],
)
def test_after_the_first_word_or_for_another_fault_nobody_else_is_asked(
    backed: Visitor, steps: tuple[Any, ...]
) -> None:
    two = Two(Scripted(*steps))
    with contextlib.suppress(Problem):
        turn(backed, two)
    assert two.second.requests == []
    assert usage_events(backed.workspace)[0]["provider"] == "offline"


def test_a_silent_model_with_a_fallback_is_left_in_time(backed: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "PATIENCE_SECONDS", 0.3)
    silence = Wait()
    found = turn(backed, Two(Scripted(silence, *ANSWER)))
    silence.released.set()
    assert text_of(found) == "Good day."
    assert usage_events(backed.workspace)[0]["provider"] == "vertexai"


def test_when_both_fail_the_turn_fails_and_costs_nothing(backed: Visitor) -> None:
    with pytest.raises(Unavailable) as raised:
        turn(backed, Two(Scripted(ModelTimeout("late")), Scripted(ModelUnavailable("503"))))
    assert raised.value.code == "model_unavailable"
    assert everything_adds_up(backed.workspace, backed) == 0


def test_the_hold_covers_the_dearer_of_both(cloud: Cloud, workspace: WorkspaceId) -> None:
    def amount(model: dict[str, Any]) -> int:
        return Visitor(cloud, workspace, an_agent(workspace, model=model)).begin().hold.amount

    for one, other in ((CHEAP, DEAR), (DEAR, CHEAP)):
        assert amount({**one, "fallback": other}) == amount(DEAR) > amount(CHEAP)


def test_a_fallback_that_is_gone_does_not_stop_the_agent(cloud: Cloud, workspace: WorkspaceId) -> None:
    gone = {"provider": "vertexai", "id": "gemini-2.5-pro"}
    talker = Visitor(cloud, workspace, an_agent(workspace, model={**OFFLINE, "fallback": gone}))
    assert text_of(talker.turn()) == "Good day."


@pytest.mark.parametrize(
    "gone", [{"provider": "vertexai", "id": "gemini-2.5-pro"}, {"provider": "openai", "id": "without-a-price"}]
)
def test_a_model_that_is_gone_does_not_stop_an_agent_with_a_fallback(
    cloud: Cloud, workspace: WorkspaceId, gone: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    talker = Visitor(cloud, workspace, an_agent(workspace, model={**gone, "fallback": CHEAP}))
    assert text_of(talker.turn()) == "Good day."
    assert "an agent's model cannot be used any more" in capsys.readouterr().out
    (row,) = usage_events(workspace)
    assert (row["provider"], row["model"], row["outcome"]) == ("vertexai", CHEAP["id"], "completed")
    (stored,) = talker.turns()
    assert (stored["provider"], stored["model"]) == ("vertexai", CHEAP["id"])
    assert everything_adds_up(workspace, talker) == row["charge_nanos"]


def test_an_agent_whose_models_are_both_gone_is_refused(cloud: Cloud, workspace: WorkspaceId) -> None:
    gone = {"provider": "vertexai", "id": "gemini-2.5-pro"}
    other = {"provider": "openai", "id": "without-a-price"}
    with pytest.raises(Invalid) as raised:
        Visitor(cloud, workspace, an_agent(workspace, model={**gone, "fallback": other})).turn()
    assert raised.value.code == "unknown_model"
    assert usage_events(workspace) == []


def test_a_level_of_thinking_that_the_fallback_does_not_know_is_not_asked_of_it(
    cloud: Cloud, workspace: WorkspaceId
) -> None:
    model = {"provider": "vertexai", "id": "gemini-3.5-flash-lite", "thinking": "minimal", "fallback": DEAR}
    provider = Scripted(ModelUnavailable("503"))
    with pytest.raises(Unavailable):
        Visitor(cloud, workspace, an_agent(workspace, model=model)).turn(provider)
    assert [request.thinking for request in provider.requests] == ["minimal", None]


@pytest.mark.parametrize(
    ("fields", "offered"),
    [
        ({}, ["hand_off"]),
        ({"leads": {"enabled": True}}, ["hand_off", "collect_lead"]),
        ({"leads": {"enabled": True}, "hand_off": {"enabled": False}}, ["collect_lead"]),
        ({"hand_off": {"enabled": False}}, []),
    ],
)
def test_the_model_is_offered_the_actions_of_the_definition(
    cloud: Cloud, workspace: WorkspaceId, fields: dict[str, Any], offered: list[str]
) -> None:
    provider = Scripted()
    Visitor(cloud, workspace, an_agent(workspace, **fields)).turn(provider)
    assert [tool.name for tool in provider.requests[0].tools] == offered


def test_a_model_that_asks_for_contact_details_shows_the_form_and_says_the_businesss_sentence(
    cloud: Cloud, workspace: WorkspaceId
) -> None:
    leads = {"enabled": True, "message": "Leave your details, please."}
    talker = Visitor(cloud, workspace, an_agent(workspace, leads=leads))
    found = talker.turn(Scripted(ToolCall("collect_lead", {}), UsageReport(USAGE), Finished("stop")))
    assert named(found, "action") == [{"type": "collect_lead"}]
    assert text_of(found) == "Leave your details, please."
    assert talker.turns()[0]["actions"] == ["collect_lead"]
    assert not talker.home()["handed_off"]


@pytest.mark.parametrize(("hours", "said"), [({"time_zone": "UTC"}, "We are asleep."), (None, "Somebody comes.")])
def test_outside_the_hours_a_hand_off_says_the_away_text(
    cloud: Cloud, workspace: WorkspaceId, hours: Any, said: str
) -> None:
    words = {"message": "Somebody comes.", "away_message": "We are asleep."}
    talker = Visitor(cloud, workspace, an_agent(workspace, business={"hours": hours}, hand_off=words))
    provider = Scripted(ToolCall("hand_off", {"reason": "asked"}), UsageReport(USAGE), Finished("stop"))
    assert text_of(talker.turn(provider)) == said
    # A model that speaks for itself is told which of the two sentences holds.
    assert ("We are asleep." in provider.requests[0].system) is (hours is not None)
    assert talker.home()["hand_off"]["state"] == "waiting"


def test_a_turn_that_hands_over_writes_and_publishes_its_notification_beside(
    cloud: Cloud, workspace: WorkspaceId, visitor: Visitor
) -> None:
    visitor.turn()
    tool = ToolCall("hand_off", {"reason": "asked", "summary": "Wants a refund."})
    with logs.request() as operations:
        visitor.turn(Scripted(TextDelta("Yes."), tool, UsageReport(USAGE), Finished("stop")))
    assert operations["firestore_writes"] == 7 + 2
    assert operations["pubsub_publishes"] == 2
    (told,) = cloud.published("notifications", workspace)
    assert (told["type"], told["subject"], told["facts"]) == (
        "hand_off.requested",
        visitor.conversation,
        {"agent_id": visitor.agent},
    )


def test_a_small_context_cuts_the_history_between_turns_and_the_turn_says_so(
    cloud: Cloud, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    talker = Visitor(cloud, workspace, an_agent(workspace))
    for number in range(4):
        talker.turn(message=f"Question {number}? " + "x" * 400)
    monkeypatch.setattr(admission.conversations, "HISTORY_TOKENS", 250)
    provider = Scripted()
    talker.turn(provider, "And now?")
    said = [one.text[:11] for one in provider.requests[0].turns]
    assert said == ["Question 2?", "Good day.", "Question 3?", "Good day.", "And now?"]
    last = talker.turns()[-1]
    assert (last["history_turns"], last["history_cut"]) == (2, 2)
    assert (talker.turns()[0]["history_turns"], talker.turns()[0]["history_cut"]) == (0, 0)
    everything_adds_up(workspace, talker)
