"""An answer that comes when its page was left, or given up: it leads nobody back and opens nothing."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.practice import Practice
from tests.web.console.addresses import open_
from tests.web.console.billed import Billed
from tests.web.console.conftest import Consoles, Make, late

FILE = "name: {name}\nindustry: dental\nmodel:\n  provider: {provider}\n  id: {id}\n"


def stays(page: Page, address: str) -> None:
    """The page is the one that the person went to."""
    expect(page).to_have_url(re.compile(f"#{re.escape(address)}$"))


def test_an_import_that_was_given_up_says_that_it_is_made_and_opens_nothing(
    console: Consoles, practice: Practice
) -> None:
    model = practice.owner.get(f"/api/agents/{practice.agent}")["definition"]["model"]
    page = console("/agents", who=practice)
    page.get_by_role("button", name="Import YAML").click()
    page.get_by_label("YAML", exact=True).fill(FILE.format(name="Late one", **model))
    page.once("dialog", lambda asked: asked.accept())
    with late(page, "POST", "**/api/agents/import"):
        page.get_by_role("button", name="Import agent").click()
        page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Late one is made")).to_be_visible()
    stays(page, "/agents")


def test_a_duplicate_that_was_given_up_opens_nothing(console: Consoles, practice: Practice, make: Make) -> None:
    agent = make(name="Single")
    page = console(f"/agents/{agent}", who=practice)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Duplicate").click()
    with late(page, "POST", "**/duplicate"):
        page.get_by_role("button", name="Duplicate agent").click()
        page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Single (copy) is made")).to_be_visible()
    stays(page, f"/agents/{agent}")


def test_knowledge_that_is_stored_late_leads_to_no_other_tab_and_closes_no_other_item(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent = make()
    page = console(f"/agents/{agent}?tab=knowledge&add=text", who=practice)
    page.get_by_label("Title").fill("Prices")
    page.get_by_label("Text", exact=True).fill("A check-up costs 60 dollars.")
    with late(page, "POST", "**/knowledge"):
        page.get_by_role("button", name="Add item").click()
        open_(page, f"/agents/{agent}?tab=prompt")
        expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("Prices is saved")).to_be_visible()
    stays(page, f"/agents/{agent}?tab=prompt")

    open_(page, f"/agents/{agent}?tab=knowledge&add=text")
    page.get_by_label("Title").fill("Hours")
    page.get_by_label("Text", exact=True).fill("We open at nine.")
    page.once("dialog", lambda asked: asked.accept())
    with late(page, "POST", "**/knowledge"):
        page.get_by_role("button", name="Add item").click()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Add Q&A").click()
        page.get_by_label("Question", exact=True).fill("And on Sunday?")
    expect(page.get_by_label("Question", exact=True)).to_have_value("And on Sunday?")


def test_a_widget_that_is_made_late_opens_nothing(console: Consoles, practice: Practice) -> None:
    page = console("/widgets/new", who=practice)
    page.get_by_label("Name").fill("Late chat")
    with late(page, "POST", "**/api/widgets"):
        page.get_by_role("button", name="Make widget").click()
        page.get_by_role("link", name="Home").first.click()
        expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.get_by_text("Late chat is made")).to_be_visible()
    stays(page, "/")


def test_a_draft_and_a_step_of_the_wizard_that_are_stored_late_lead_nobody_back(
    console: Consoles, practice: Practice
) -> None:
    page = console("/agents/new", who=practice)
    page.get_by_role("radio", name="Dental practice").check()
    with late(page, "POST", "**/api/agents"):
        page.get_by_role("button", name="Next: Goals").click()
        open_(page, "/widgets")
        expect(page.get_by_role("heading", name="Widgets", level=1)).to_be_visible()
    stays(page, "/widgets")

    (draft,) = practice.owner.get("/api/my-agents?status=draft&sort=-created_at&page_size=1")["items"]
    open_(page, f"/agents/new/{draft['id']}?step=goals")
    page.get_by_label("Opening hours").fill("Nine to five")
    with late(page, "PATCH", f"**/api/agents/{draft['id']}"):
        page.get_by_role("button", name="Next: Model").click()
        open_(page, "/widgets")
        expect(page.get_by_role("heading", name="Widgets", level=1)).to_be_visible()
    stays(page, "/widgets")


def test_an_agent_that_is_deleted_late_takes_nobody_from_another_page(
    console: Consoles, practice: Practice, make: Make
) -> None:
    agent = make(name="Gone")
    page = console(f"/agents/{agent}", who=practice)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Delete").click()
    with late(page, "DELETE", f"**/api/my-agents/{agent}"):
        page.get_by_role("button", name="Delete Gone").click()
        open_(page, "/widgets")
        expect(page.get_by_role("heading", name="Widgets", level=1)).to_be_visible()
    expect(page.get_by_text(re.compile("Gone is deleted"))).to_be_visible()
    stays(page, "/widgets")


def test_who_gives_up_paying_is_not_sent_to_the_card_service(console: Consoles, billed: Billed) -> None:
    page = console("/billing", who=billed.payer)
    page.get_by_role("button", name="Buy credit").first.click()
    dialog = page.get_by_role("dialog", name="Buy credit")
    with late(page, "POST", "**/api/payments/checkout"):
        dialog.get_by_role("button", name=re.compile("^Buy credit for")).click()
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)
    stays(page, "/billing")
    assert page.evaluate("sessionStorage.getItem('agenthub.checkout')") is None
