"""The chat's forms, what it says by itself, and who is signed in: in a real Chromium against the stand-in platform."""

import base64
import json

import pytest
from playwright.sync_api import expect

from functions.widgets.models import PreChat, PreChatField, Proactive, Texts
from tests.web import standin
from tests.web.standin import OWNER, WIDGET, Standin, Turn
from tests.web.visitor import Open, answered, ask, last_answer, opened

pytestmark = pytest.mark.browser


def test_a_person_can_be_asked_for(platform: Standin, visit: Open) -> None:
    platform.plan.append(Turn(action="hand_off"))
    page = opened(visit())
    ask(page)
    card = page.locator("form.card")
    card.get_by_role("textbox").fill("Please call me")
    card.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Our team will get back to you.").first).to_be_visible()
    assert platform.asked("POST", "/api/chat/hand-off") == [{"conversation_id": "cnv_1", "note": "Please call me"}]


def test_a_person_can_be_asked_for_without_being_offered_one(platform: Standin, visit: Open) -> None:
    page = opened(visit())
    button = page.get_by_role("button", name="Talk to a person")
    expect(button).to_be_hidden()
    ask(page)
    answered(page)
    button.click()
    expect(page.get_by_role("textbox", name="What is it about?")).to_be_focused()
    page.locator("form.card").get_by_role("button", name="Send").click()
    expect(page.locator(".log > .note").last).to_have_text("Our team will get back to you.")
    assert platform.asked("POST", "/api/chat/hand-off") == [{"conversation_id": "cnv_1"}]


def test_details_are_left_only_with_consent(platform: Standin, visit: Open) -> None:
    platform.plan.append(Turn(action="collect_lead"))
    page = opened(visit())
    ask(page)
    card = page.locator("form.card")
    card.get_by_role("textbox", name="Name").fill("Ada")
    card.get_by_role("textbox", name="Email").fill("ada@example.com")
    card.get_by_role("button", name="Send").click()
    assert not platform.asked("POST", "/api/chat/lead")
    card.get_by_role("checkbox").check()
    card.get_by_role("button", name="Send").click()
    expect(page.locator(".foot .note")).to_have_text("Thank you!")
    assert platform.asked("POST", "/api/chat/lead") == [
        {"name": "Ada", "email": "ada@example.com", "consent": "You may use these details to answer me."}
    ]


def test_a_form_before_the_chat_is_handed_in_once_and_opens_it(platform: Standin, visit: Open, site: str) -> None:
    fields = [
        PreChatField(kind="email", required=True),
        PreChatField(kind="phone"),
        PreChatField(kind="custom", labels={"en": "Insurance", "de": "Krankenkasse"}),
    ]
    owner = {"pre_chat": PreChat(fields=fields), "texts": {"en": Texts(consent="Call me about my teeth.")}}
    platform.config = standin.public_file(platform.origin, OWNER.model_copy(update=owner))
    page = opened(visit())
    write = page.get_by_role("textbox", name="Write a message")
    expect(write).to_be_hidden()
    form = page.locator("form.card")
    form.get_by_role("button", name="Send").click()
    assert not platform.asked("POST", "/api/chat/lead")
    form.get_by_role("textbox", name="Email").fill("ada@example.com")
    form.get_by_role("textbox", name="Phone (optional)").fill("+1 555 0100")
    form.get_by_role("textbox", name="Insurance (optional)").fill("Linden Mutual")
    form.get_by_role("checkbox", name="Call me about my teeth.").check()
    form.get_by_role("button", name="Send").click()
    expect(write).to_be_visible()
    assert platform.asked("POST", "/api/chat/lead") == [
        {
            "email": "ada@example.com",
            "phone": "+1 555 0100",
            "message": "Insurance: Linden Mutual",
            "consent": "Call me about my teeth.",
        }
    ]
    page.goto(site)
    expect(opened(page).get_by_role("textbox", name="Write a message")).to_be_visible()


def test_details_that_could_not_be_handed_in_stay_typed(platform: Standin, visit: Open) -> None:
    platform.session_status = 503
    owner = {"pre_chat": PreChat(fields=[PreChatField(kind="name", required=True)])}
    platform.config = standin.public_file(platform.origin, OWNER.model_copy(update=owner))
    page = opened(visit())
    form = page.locator("form.card")
    form.get_by_role("textbox", name="Name").fill("Ada")
    form.get_by_role("checkbox").check()
    form.get_by_role("button", name="Send").click()
    expect(form.locator(".problem")).to_have_text("Something went wrong. Please try again.")
    expect(form.get_by_role("textbox", name="Name")).to_have_value("Ada")
    platform.session_status = 200
    form.get_by_role("button", name="Send").click()
    expect(page.get_by_role("textbox", name="Write a message")).to_be_visible()


def test_the_whole_chat_can_be_rated_by_keyboard_after_two_answers(platform: Standin, visit: Open) -> None:
    page = opened(visit())
    rate = page.get_by_role("button", name="Rate this chat")
    ask(page)
    answered(page)
    expect(rate).to_be_hidden()
    ask(page, "And a crown?")
    expect(page.locator(".sources")).to_have_count(2)
    rate.click()
    expect(page.get_by_role("group", name="Rate this chat")).to_be_visible()
    expect(page.get_by_role("radio", name="1 of 5")).to_be_focused()
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="4 of 5")).to_be_checked()
    assert page.get_by_role("dialog").evaluate("dialog => dialog.scrollTop") == 0
    page.get_by_role("textbox", name="Anything to add?").fill("Quick")
    page.locator("form.card").get_by_role("button", name="Send").click()
    expect(page.locator(".log > .note").last).to_have_text("Thank you!")
    assert platform.asked("POST", "/api/chat/feedback") == [{"stars": 4, "comment": "Quick"}]


def test_outside_business_hours_a_wish_for_a_person_is_answered_with_them(platform: Standin, visit: Open) -> None:
    platform.closed = "We are back on Monday at 8:00."
    platform.plan.append(Turn(action="hand_off"))
    page = opened(visit())
    ask(page)
    page.locator("form.card").get_by_role("button", name="Send").click()
    expect(page.locator(".foot .note")).to_have_text("We are back on Monday at 8:00.")


def test_the_closed_chat_says_something_once_a_session(platform: Standin, visit: Open, site: str) -> None:
    owner = {"proactive": Proactive(after_seconds=1), "texts": {"en": Texts(proactive="Looking for an appointment?")}}
    platform.config = standin.public_file(platform.origin, OWNER.model_copy(update=owner))
    page = visit(reduced_motion="reduce")
    hello = page.locator(".hello")
    expect(hello).to_have_text("Looking for an appointment?")
    expect(hello).to_have_css("animation-name", "none")
    expect(hello).to_have_attribute("role", "status")
    hello.get_by_role("button", name="Looking for an appointment?").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(hello).to_be_empty()
    page.clock.install()
    page.goto(site)
    page.locator(".launcher").wait_for()
    page.clock.fast_forward(60_000)
    expect(page.locator(".hello")).to_be_empty()
    assert not platform.asked("POST", f"/api/widgets/{WIDGET}/sessions")


def test_it_is_dismissed_and_does_not_disturb_who_has_closed_the_chat(platform: Standin, visit: Open) -> None:
    platform.config = standin.public_file(
        platform.origin, OWNER.model_copy(update={"proactive": Proactive(scroll_percent=50)})
    )
    page = visit()
    expect(page.locator(".hello")).to_be_empty()
    page.mouse.wheel(0, 10_000)
    page.locator(".hello").get_by_role("button", name="Dismiss").click()
    expect(page.locator(".hello")).to_be_empty()
    other = opened(visit())
    other.locator(".head").get_by_role("button").click()
    other.mouse.wheel(0, 10_000)
    other.wait_for_function("scrollY > 100")
    expect(other.locator(".hello")).to_be_empty()


def signed(subject: str) -> str:
    """What the site's server says of the visitor whom it knows by this name."""
    payload = json.dumps({"sub": subject, "name": "Zoë", "email": "zoe@example.com", "exp": 4_000_000_000})
    return f"h.{base64.urlsafe_b64encode(payload.encode()).decode().rstrip('=')}.s"


def test_who_is_signed_in_by_the_site_is_known_and_others_do_not_see_what_they_said(
    platform: Standin, visit: Open
) -> None:
    platform.plan.append(Turn(action="collect_lead"))
    with standin.site(platform, {"data-identity": signed("7")}) as site:
        page = opened(visit(site=site))
        ask(page)
        answered(page)
        assert platform.asked("POST", f"/api/widgets/{WIDGET}/sessions") == [{"identity": signed("7")}]
        expect(page.get_by_role("textbox", name="Name")).to_have_value("Zoë")
        expect(page.get_by_role("textbox", name="Email")).to_have_value("zoe@example.com")
        page.evaluate("token => AgentHub.identify(token)", signed("8"))
        expect(page.locator(".message.visitor")).to_have_count(0)
        ask(page, "Who am I?")
        answered(page)
        assert platform.asked("POST", f"/api/widgets/{WIDGET}/sessions")[1:] == [{"identity": signed("8")}]
        composer = page.get_by_role("textbox", name="Write a message")
        composer.fill("Half typed")
        page.evaluate("AgentHub.identify('')")
        expect(page.locator(".message.visitor")).to_have_count(0)
        expect(composer).to_have_value("")
        ask(page, "And now?")
        answered(page)
        assert platform.asked("POST", f"/api/widgets/{WIDGET}/sessions")[2:] == [{}]


def test_who_signs_out_while_an_answer_runs_takes_it_along(platform: Standin, visit: Open) -> None:
    platform.plan.append(Turn(text="Your results are in.", hold_after=2))
    with standin.site(platform, {"data-identity": signed("7")}) as site:
        page = opened(visit(site=site))
        ask(page, "What are my results?")
        expect(last_answer(page)).to_have_text("Your results")
        with page.expect_event("requestfailed", lambda request: request.url.endswith("/api/chat")):
            page.evaluate("AgentHub.identify('')")
        platform.go.set()
        ask(page, "And who am I?")
        answered(page)
        expect(page.locator(".message.visitor")).to_have_text(["You: And who am I?"])
        expect(page.get_by_text("results")).to_have_count(0)
        assert platform.asked("POST", "/api/chat")[1].get("conversation_id") is None
        assert platform.asked("POST", f"/api/widgets/{WIDGET}/sessions")[1:] == [{}]


def test_what_waits_to_be_sent_again_is_not_sent_for_who_comes_next(platform: Standin, visit: Open) -> None:
    platform.plan.append(Turn(status=429, code="rate_limited", retry_after=2))
    with standin.site(platform, {"data-identity": signed("7")}) as site:
        page = opened(visit(site=site))
        ask(page, "What are my results?")
        expect(page.locator(".notice")).to_contain_text("Busy right now")
        page.evaluate("AgentHub.identify('')")
        expect(page.locator(".notice")).to_be_hidden()
        ask(page, "And who am I?")
        answered(page)
        said = [body["message"] for body in platform.asked("POST", "/api/chat")]
        assert said == ["What are my results?", "And who am I?"]
