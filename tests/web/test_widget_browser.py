"""What a visitor of a customer's site sees, hears and does, in a real Chromium against the stand-in platform."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from infra import web
from tests.web import standin
from tests.web.standin import ANSWER, WIDGET, Standin, Turn

pytestmark = pytest.mark.browser

AXE = web.FrontEnd("widget").source / "node_modules" / "axe-core" / "axe.min.js"
Open = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Open]:
    """Opens the customer's page: `visit(color_scheme="dark")`; an error of any script on it fails the test."""
    contexts = []
    errors: list[str] = []

    def go(init: str = "", site: str = site, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-US", **options})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: print(message.text))
        if init:
            page.add_init_script(init)
        page.goto(site)
        page.locator("agenthub-chat .launcher").wait_for()
        return page

    yield go
    for context in contexts:
        context.close()
    assert errors == []


def opened(page: Page) -> Page:
    page.locator(".launcher").click()
    page.get_by_role("dialog").wait_for()
    return page


def ask(page: Page, text: str = "What does a cleaning cost?") -> None:
    field = page.get_by_role("textbox", name="Write a message")
    field.fill(text)
    field.press("Enter")


def last_answer(page: Page) -> Locator:
    return page.locator(".message.agent .bubble").last


def answered(page: Page) -> None:
    expect(page.locator(".sources").last).to_be_visible()


def test_a_visitor_asks_and_reads_a_streamed_answer_with_its_source(platform: Standin, visit: Open) -> None:
    platform.plan.append(Turn(hold_after=3))
    page = opened(visit())
    ask(page)
    expect(last_answer(page)).to_have_text("A professional cleaning")
    platform.go.set()
    answered(page)
    expect(last_answer(page).locator("strong")).to_have_text("professional cleaning")
    expect(last_answer(page).locator("li")).to_have_count(2)
    source = page.locator(".sources a")
    expect(source).to_have_text("Price list 2026")
    expect(source).to_have_attribute("href", "https://linden.example/prices")
    expect(source).to_have_attribute("rel", "noopener noreferrer")
    [sent] = platform.asked("POST", "/api/chat")
    assert sent["message"] == "What does a cleaning cost?"
    assert sent["locale"] == "en"
    assert sent["page_url"].startswith("http://localhost:")


def test_a_page_view_asks_for_no_session(platform: Standin, visit: Open) -> None:
    page = opened(visit())
    expect(page.get_by_text("Ask me about treatments")).to_be_visible()
    assert not platform.asked("POST", f"/api/widgets/{WIDGET}/sessions")


def test_all_of_it_works_by_keyboard_alone(platform: Standin, visit: Open) -> None:
    page = visit()
    page.locator(".launcher").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Write a message")).to_be_focused()
    page.keyboard.type("What does a cleaning cost?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("For two.")
    page.keyboard.press("Enter")
    answered(page)
    assert platform.asked("POST", "/api/chat")[0]["message"] == "What does a cleaning cost?\nFor two."
    page.get_by_role("button", name="Not helpful").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("textbox", name="What was missing?").focus()
    page.keyboard.type("Children's price")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".rating .note")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(".launcher")).to_be_focused()
    expect(page.locator(".launcher")).to_have_attribute("aria-expanded", "false")
    assert platform.asked("POST", "/api/chat/feedback") == [
        {"message_id": "msg_1", "rating": "down"},
        {"message_id": "msg_1", "rating": "down", "comment": "Children's price"},
    ]


def test_a_screen_reader_hears_each_answer_once(platform: Standin, visit: Open) -> None:
    page = opened(visit())
    page.evaluate(
        """() => {
          window.heard = [];
          const status = document.querySelector("agenthub-chat").shadowRoot.querySelector("[role=status]");
          new MutationObserver(() => status.textContent && window.heard.push(status.textContent))
            .observe(status, { childList: true, characterData: true, subtree: true });
        }"""
    )
    ask(page)
    answered(page)
    expect(page.get_by_role("status")).to_have_text("")
    assert page.evaluate("window.heard") == ["Linden Dental is answering", ANSWER]
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")


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


def test_markup_in_an_answer_is_shown_as_text(platform: Standin, visit: Open) -> None:
    attack = (
        '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>\n'
        "[click](javascript:window.hacked=1) **<b onclick=alert(1)>bold</b>** `<svg onload=window.hacked=1>`"
    )
    platform.plan.append(Turn(text=attack))
    page = opened(visit())
    ask(page, "<img src=x onerror=window.hacked=1>")
    answered(page)
    expect(page.locator(".visitor .bubble")).to_have_text("<img src=x onerror=window.hacked=1>")
    expect(last_answer(page)).to_contain_text('<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>')
    expect(last_answer(page).locator("img, script, b, svg, a")).to_have_count(0)
    assert page.evaluate("window.hacked") is None


def test_an_answer_without_streaming_is_shown_as_well(platform: Standin, visit: Open) -> None:
    platform.plan.append(Turn(whole=True))
    page = opened(visit())
    ask(page)
    answered(page)
    expect(last_answer(page)).to_contain_text("Twice a year is enough")


def test_a_person_can_be_asked_for(platform: Standin, visit: Open) -> None:
    platform.plan.append(Turn(action="hand_off"))
    page = opened(visit())
    ask(page)
    card = page.locator("form.card")
    card.get_by_role("textbox").fill("Please call me")
    card.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Our team will get back to you.").first).to_be_visible()
    assert platform.asked("POST", "/api/chat/hand-off") == [{"conversation_id": "cnv_1", "note": "Please call me"}]


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
        {"conversation_id": "cnv_1", "name": "Ada", "email": "ada@example.com", "consent": True}
    ]


def test_a_form_before_the_chat_hands_its_details_in_with_the_first_answer(platform: Standin, visit: Open) -> None:
    platform.config["pre_chat"] = {"fields": ["email"]}
    page = opened(visit())
    expect(page.get_by_role("textbox", name="Write a message")).to_be_hidden()
    page.get_by_role("textbox", name="Email").fill("ada@example.com")
    page.get_by_role("checkbox").check()
    page.locator("form.card").get_by_role("button", name="Send").click()
    ask(page)
    answered(page)
    expect(page.get_by_role("status")).to_have_text("")
    assert platform.asked("POST", "/api/chat/lead") == [
        {"conversation_id": "cnv_1", "email": "ada@example.com", "consent": True}
    ]


def test_who_reads_further_up_is_not_moved_by_news(platform: Standin, visit: Open) -> None:
    platform.plan += [Turn(text="Line\n\n" * 40), Turn(hold_after=0)]
    page = opened(visit())
    ask(page)
    answered(page)
    ask(page, "And then?")
    expect(page.locator(".busy, .message.agent >> nth=2")).to_be_visible()
    page.get_by_role("log").evaluate("log => { log.scrollTop = 100; }")
    platform.go.set()
    newer = page.get_by_role("button", name="New messages")
    expect(newer).to_be_visible()
    assert page.get_by_role("log").evaluate("log => log.scrollTop") == 100
    newer.click()
    expect(newer).to_be_hidden()


def test_a_phone_shows_it_on_the_full_screen(platform: Standin, visit: Open) -> None:
    page = opened(visit(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_css("width", "360px")
    box = dialog.bounding_box()
    assert box is not None
    assert (box["x"], round(box["height"])) == (0, 740)
    assert dialog.evaluate("dialog => dialog.matches(':modal')")
    assert page.evaluate("document.documentElement.scrollWidth <= 360")
    ask(page)
    answered(page)
    page.locator(".head").get_by_role("button").click()
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize(
    ("mode", "scheme", "colour"),
    [
        ("auto", "light", "rgb(255, 255, 255)"),
        ("auto", "dark", "rgb(24, 25, 28)"),
        ("light", "dark", "rgb(255, 255, 255)"),
        ("dark", "light", "rgb(24, 25, 28)"),
    ],
)
def test_light_and_dark_follow_the_owner_or_the_visitor(
    platform: Standin, visit: Open, mode: str, scheme: str, colour: str
) -> None:
    platform.config["theme"]["mode"] = mode
    page = opened(visit(color_scheme=scheme))
    expect(page.get_by_role("dialog")).to_have_css("background-color", colour)


def test_arabic_runs_from_right_to_left(platform: Standin, visit: Open) -> None:
    with standin.site(platform, {"data-locale": "ar-EG"}) as site:
        page = opened(visit(site=site))
    box = page.locator(".launcher").bounding_box()
    assert box is not None
    assert box["x"] == 20
    field = page.get_by_role("textbox", name="اكتب رسالة")
    field.fill("كم سعر التنظيف؟")
    field.press("Enter")
    expect(page.locator(".visitor .bubble div")).to_have_css("direction", "rtl")
    expect(last_answer(page)).to_contain_text("professional")
    expect(last_answer(page).locator("div")).to_have_css("direction", "ltr")
    expect(last_answer(page)).to_have_css("direction", "rtl")
    assert platform.asked("POST", "/api/chat")[0]["locale"] == "ar"


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


def test_a_strict_content_security_policy_is_no_obstacle(platform: Standin, visit: Open) -> None:
    policy = (
        f"default-src 'none'; style-src 'self'; img-src data:; connect-src {platform.origin}; "
        f"script-src {platform.origin}; require-trusted-types-for 'script'; trusted-types agenthub"
    )

    note = "window.broken = []; addEventListener('securitypolicyviolation', (e) => broken.push(e.violatedDirective))"
    with standin.site(platform, headers={"Content-Security-Policy": policy}) as site:
        page = opened(visit(init=note, site=site))
    ask(page)
    answered(page)
    expect(page.get_by_role("dialog")).to_have_css("position", "fixed")
    assert page.evaluate("window.broken") == []


def test_shortcuts_of_the_page_do_not_see_what_is_typed(platform: Standin, visit: Open) -> None:
    page = opened(visit())
    page.evaluate("window.keys = []; addEventListener('keydown', (event) => window.keys.push(event.key))")
    page.keyboard.type("abc")
    assert page.evaluate("window.keys") == []


def test_the_page_can_open_the_chat_and_ask(platform: Standin, visit: Open) -> None:
    page = visit()
    page.evaluate("AgentHub.ask('Do you have time this week?')")
    answered(page)
    assert platform.asked("POST", "/api/chat")[0]["message"] == "Do you have time this week?"


@pytest.mark.parametrize(
    "options", [{}, {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}}], ids=["wide", "phone"]
)
def test_axe_finds_nothing_to_complain_about(platform: Standin, visit: Open, options: dict[str, Any]) -> None:
    platform.plan += [Turn(action="collect_lead"), Turn(status=402, code="cap_reached")]
    page = opened(visit(**options, reduced_motion="reduce"))
    ask(page)
    answered(page)
    ask(page, "And a crown?")
    expect(page.locator(".notice")).to_be_visible()
    page.evaluate(Path(AXE).read_text())
    found = page.evaluate(
        "axe.run().then(({ violations }) => violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
    )
    assert found == []
