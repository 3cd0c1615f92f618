"""What a visitor of a customer's site sees, hears and does, in a real Chromium against the stand-in platform."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from functions.widgets.models import PreChat, PreChatField, Proactive, Texts, Theme, ThemeName
from infra import web
from tests.web import standin
from tests.web.standin import ANSWER, OWNER, WIDGET, Standin, Turn
from tests.web.visitor import Open, answered, ask, last_answer, opened

pytestmark = pytest.mark.browser

AXE = web.FrontEnd("widget").source / "node_modules" / "axe-core" / "axe.min.js"


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
          const status = document.querySelector("agenthub-chat").shadowRoot.querySelector("dialog [role=status]");
          new MutationObserver(() => status.textContent && window.heard.push(status.textContent))
            .observe(status, { childList: true, characterData: true, subtree: true });
        }"""
    )
    ask(page)
    answered(page)
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("")
    assert page.evaluate("window.heard") == ["Linden Dental is answering", ANSWER]
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")


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


def test_a_long_name_and_a_long_word_stay_inside(platform: Standin, visit: Open) -> None:
    platform.config["name"] = "Praxis für Zahnheilkunde und Kieferorthopädie am Lindenplatz Dr. Mustermann & Partner"
    platform.plan.append(Turn(text="Zahn" * 60 + " https://linden.example/" + "a" * 200))
    page = opened(visit(viewport={"width": 360, "height": 740}))
    ask(page, "x" * 300)
    answered(page)
    for part in (".log", "dialog"):
        assert page.locator(part).evaluate("part => part.scrollWidth <= part.clientWidth")


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
    page.goto(site)
    page.locator(".launcher").wait_for()
    page.wait_for_timeout(1500)
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


def test_who_is_signed_in_by_the_site_is_known_and_others_do_not_see_what_they_said(
    platform: Standin, visit: Open
) -> None:
    def signed(subject: str) -> str:
        payload = json.dumps({"sub": subject, "name": "Zoë", "email": "zoe@example.com", "exp": 4_000_000_000})
        return f"h.{base64.urlsafe_b64encode(payload.encode()).decode().rstrip('=')}.s"

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
        page.evaluate("AgentHub.identify('')")
        expect(page.locator(".message.visitor")).to_have_count(0)
        ask(page, "And now?")
        answered(page)
        assert platform.asked("POST", f"/api/widgets/{WIDGET}/sessions")[2:] == [{}]


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


@pytest.mark.parametrize(("locale", "words"), [("de-AT", "Nachricht schreiben"), ("fr-FR", "Write a message")])
def test_a_visitor_is_met_in_their_language_where_it_is_offered(
    platform: Standin, visit: Open, locale: str, words: str
) -> None:
    with standin.site(platform) as site:
        page = visit(site=site, locale=locale)
        expect(opened(page).get_by_role("textbox")).to_have_attribute("placeholder", words)


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
    assert complaints(page) == []


@pytest.mark.parametrize("theme", ["plum", "contrast"])
def test_axe_finds_nothing_in_forms_stars_and_what_the_closed_chat_says(
    platform: Standin, visit: Open, theme: ThemeName
) -> None:
    fields = [PreChatField(kind="name", required=True), PreChatField(kind="custom", labels={"en": "Insurance"})]
    owner = {"theme": Theme(name=theme), "proactive": Proactive(after_seconds=1), "pre_chat": PreChat(fields=fields)}
    platform.config = standin.public_file(platform.origin, OWNER.model_copy(update=owner))
    with standin.site(platform, {"data-locale": "ar"}) as site:
        page = visit(site=site, color_scheme="dark", reduced_motion="reduce")
        page.locator(".hello button").first.wait_for()
        assert complaints(page) == []
        opened(page)
        assert complaints(page) == []
        form = page.locator("form.card")
        form.get_by_role("textbox").first.fill("Ada")
        form.get_by_role("checkbox").check()
        form.get_by_role("button").click()
        for _ in range(2):
            field = page.locator(".write textarea")
            field.fill("What does a cleaning cost?")
            field.press("Enter")
            answered(page)
        page.locator(".sources").nth(1).wait_for()
        page.locator(".more button").last.click()
        page.locator(".stars label").nth(2).click()
        assert complaints(page) == []


def complaints(page: Page) -> Any:
    """What axe finds on the page, by rule."""
    page.evaluate(Path(AXE).read_text())
    return page.evaluate(
        "axe.run().then(({ violations }) => violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
    )
