"""What a visitor of a customer's site sees, hears and does, in a real Chromium against the stand-in platform."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from functions.widgets.models import PreChat, PreChatField, Proactive, Theme, ThemeName
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
    expect(source).to_have_attribute("rel", "noreferrer")
    [sent] = platform.asked("POST", "/api/chat")
    assert sent["message"] == "What does a cleaning cost?"
    assert sent["locale"] == "en"
    assert sent["page_url"].startswith("http://localhost:")


def test_the_notice_stands_before_the_first_word_and_a_suggested_question_asks_itself(
    platform: Standin, visit: Open
) -> None:
    page = opened(visit())
    expect(page.get_by_text("Answers come from an AI.")).to_be_visible()
    expect(page.get_by_role("link", name="Privacy")).to_have_attribute("href", "https://linden.example/privacy")
    for question in OWNER.suggested_questions:
        expect(page.get_by_role("button", name=question)).to_be_visible()
    page.get_by_role("button", name="I am afraid of the dentist").click()
    answered(page)
    assert platform.asked("POST", "/api/chat")[0]["message"] == "I am afraid of the dentist"
    expect(page.get_by_role("button", name="I am afraid of the dentist")).to_be_hidden()


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


def test_a_long_name_and_a_long_word_stay_inside(platform: Standin, visit: Open) -> None:
    platform.config["name"] = "Praxis für Zahnheilkunde und Kieferorthopädie am Lindenplatz Dr. Mustermann & Partner"
    platform.plan.append(Turn(text="Zahn" * 60 + " https://linden.example/" + "a" * 200))
    page = opened(visit(viewport={"width": 360, "height": 740}))
    ask(page, "x" * 300)
    answered(page)
    for part in (".log", "dialog"):
        assert page.locator(part).evaluate("part => part.scrollWidth <= part.clientWidth")


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


def test_a_countdown_leaves_who_reads_further_up_where_they_are(platform: Standin, visit: Open) -> None:
    platform.plan += [Turn(text="Line\n\n" * 40), Turn(status=429, code="rate_limited", retry_after=4)]
    page = opened(visit())
    ask(page)
    answered(page)
    ask(page, "And then?")
    notice = page.locator(".notice")
    expect(notice).to_contain_text("Busy right now")
    log = page.get_by_role("log")
    # It followed, so that the notice covers nothing.
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") <= 1
    log.evaluate("log => { log.scrollTop = 100; }")
    seen = notice.inner_text()
    expect(notice).not_to_have_text(seen)
    assert log.evaluate("log => log.scrollTop") == 100


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
