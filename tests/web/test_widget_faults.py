"""The chat goes on, or says so, when the network, the platform or the browser does not play along."""

import pytest
from playwright.sync_api import expect

from tests.web.standin import WIDGET, Standin, Turn
from tests.web.visitor import Open, answered, ask, last_answer, opened

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("rudely", [False, True], ids=["ended", "reset"])
def test_a_stream_that_breaks_in_the_middle_goes_on(platform: Standin, visit: Open, rudely: bool) -> None:
    platform.plan.append(Turn(cut_after=4, rudely=rudely))
    page = opened(visit())
    ask(page)
    answered(page)
    expect(page.locator(".message.agent")).to_have_count(2)
    expect(last_answer(page)).to_contain_text("Twice a year is enough")
    keys = platform.keys()
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_session_that_died_is_renewed_in_passing(platform: Standin, visit: Open) -> None:
    platform.dead_tokens.add("token-1")
    page = opened(visit())
    ask(page)
    answered(page)
    assert len(platform.asked("POST", f"/api/widgets/{WIDGET}/sessions")) == 2


def test_a_cap_that_is_reached_shows_the_away_message_and_recovers(platform: Standin, visit: Open) -> None:
    platform.plan += [Turn(), Turn(status=402, code="cap_reached")]
    page = opened(visit())
    ask(page)
    answered(page)
    ask(page, "And a crown?")
    expect(page.locator(".notice")).to_have_text("Our assistant is resting. Please call +1 555 0100.")
    expect(page.locator(".visitor .bubble").last).to_have_text("And a crown?")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".sources")).to_have_count(2)
    expect(page.locator(".notice")).to_be_hidden()
    assert len(set(platform.keys())) == 3


@pytest.mark.parametrize("status", [403, 409])
def test_a_paused_agent_is_away_too(platform: Standin, visit: Open, status: int) -> None:
    platform.plan.append(Turn(status=status, code="agent_paused"))
    page = opened(visit())
    ask(page)
    expect(page.locator(".notice")).to_contain_text("Our assistant is resting")


def test_a_model_that_fails_in_mid_answer_leaves_the_question_to_be_tried_again(platform: Standin, visit: Open) -> None:
    platform.plan.append(Turn(error="model_failed"))
    page = opened(visit())
    ask(page)
    expect(page.get_by_text("Not sent")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    answered(page)
    expect(page.locator(".message.agent")).to_have_count(2)


def test_too_many_messages_count_down_and_go_on(platform: Standin, visit: Open) -> None:
    platform.plan.append(Turn(status=429, code="rate_limited", retry_after=2))
    page = opened(visit())
    ask(page)
    expect(page.locator(".notice")).to_have_text("Busy right now. Sending in 1 s.")
    answered(page)
    assert len(set(platform.keys())) == 1


def test_a_message_written_offline_is_sent_when_the_connection_is_back(platform: Standin, visit: Open) -> None:
    page = opened(visit())
    page.context.set_offline(True)
    ask(page)
    expect(page.locator(".notice")).to_contain_text("You are offline")
    expect(page.locator(".visitor")).to_have_attribute("data-state", "waiting")
    assert not platform.keys()
    page.context.set_offline(False)
    answered(page)
    expect(page.locator(".notice")).to_be_hidden()


def test_a_message_written_offline_survives_a_new_page(platform: Standin, visit: Open, site: str) -> None:
    page = opened(visit())
    page.context.set_offline(True)
    ask(page)
    expect(page.locator(".notice")).to_contain_text("You are offline")
    context = page.context
    page.close()
    context.set_offline(False)
    page = context.new_page()
    page.goto(site)
    opened(page)
    answered(page)
    assert platform.asked("POST", "/api/chat")[-1]["message"] == "What does a cleaning cost?"
    expect(page.locator(".message.visitor")).to_have_count(1)


def test_the_conversation_is_there_again_on_the_next_page(platform: Standin, visit: Open, site: str) -> None:
    page = opened(visit())
    ask(page)
    answered(page)
    page.goto(site)
    opened(page)
    expect(page.locator(".message.visitor")).to_have_text("You: What does a cleaning cost?")
    expect(last_answer(page)).to_contain_text("professional cleaning")
    ask(page, "Thanks")
    expect(page.locator(".message.visitor")).to_have_count(2)


def test_an_answer_without_streaming_is_shown_as_well(platform: Standin, visit: Open) -> None:
    platform.plan.append(Turn(whole=True))
    page = opened(visit())
    ask(page)
    answered(page)
    expect(last_answer(page)).to_contain_text("Twice a year is enough")


def test_a_site_that_is_not_allowed_keeps_what_was_typed(platform: Standin, visit: Open) -> None:
    platform.session_status = 403
    page = opened(visit())
    ask(page)
    expect(page.locator(".notice")).to_have_text("Something went wrong. Please try again.")
    expect(page.locator(".visitor .bubble")).to_have_text("What does a cleaning cost?")
    assert not platform.keys()


def test_it_works_where_storage_is_blocked(platform: Standin, visit: Open) -> None:
    blocked = (
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    page = opened(visit(init=blocked))
    ask(page)
    answered(page)
    ask(page, "Thanks")
    expect(page.locator(".sources")).to_have_count(2)
    assert platform.tokens == 1
