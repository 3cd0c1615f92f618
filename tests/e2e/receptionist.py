"""A receptionist as an owner makes it, step by step: what the story and the smoke test both play and check."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.e2e.client import Client, Unexpected, check, until

PRICES = """# Prices

## Cleaning
A professional cleaning costs 89 euros and takes 45 minutes.

## Whitening
Whitening costs 320 euros for both rows of teeth.

## Crowns
A ceramic crown costs from 750 euros, depending on the tooth.
"""
CHILDREN = "Do you treat children?"
PAIRS = [
    {"question": "When are you open?", "answer": "We are open Monday to Friday from 8 am to 6 pm."},
    {"question": CHILDREN, "answer": "Yes, we treat children from the first tooth on."},
]
QUESTION = "What does a professional cleaning cost?"
BUDGETS = "/api/billing/budgets"


class Figures(NamedTuple):
    """What a place shows of usage, money in nanos; None is what it does not show."""

    charge: int
    cost: int | None = None
    turns: int | None = None

    def agree(self, truth: "Figures") -> bool:
        """Whether everything that is shown is so."""
        return all(shown in (None, true) for shown, true in zip(self, truth, strict=True))


class Receptionist:
    """One agent with its knowledge and its widget; ids are empty until these are made."""

    def __init__(self, owner: Client, name: str) -> None:
        self.owner = owner
        self.name = name
        self.agent = self.widget = self.script = ""

    @property
    def definition(self) -> dict[str, Any]:
        """The wizard's answers."""
        business = {"name": "Linden Dental", "contact": "+1 555 0100"}
        return {"name": self.name, "industry": "dental", "business": business}

    def preview(self) -> tuple[int, Any]:
        """How many industries there are, and the preview of the prompt; nothing is stored."""
        industries = self.owner.get("/api/industries")["items"]
        check(len(industries) >= 12, "at least twelve industries")
        preview = self.owner.ask("POST", "/api/agents/prompt-preview", {"definition": self.definition}).json()
        check(len(preview["sections"]) > 3, "the prompt has sections")
        return len(industries), preview

    def make(self) -> None:
        """The agent, as a draft."""
        self.agent = self.owner.ask("POST", "/api/agents", self.definition).json()["id"]

    def learn(self) -> None:
        """Two items of knowledge, which a search finds at once."""
        knowledge = f"/api/agents/{self.agent}/knowledge"
        self.owner.ask("POST", knowledge, {"kind": "qa", "title": "Practice", "pairs": PAIRS})
        self.owner.ask("POST", knowledge, {"kind": "markdown", "title": "Price list", "text": PRICES})
        found = self.owner.ask("POST", f"{knowledge}/search", {"question": QUESTION}).json()
        check("89" in found["items"][0]["text"], f"search finds the price: {found}")

    def publish(self, number: int) -> None:
        """The draft becomes the version of this number."""
        published = self.owner.ask("POST", f"/api/agents/{self.agent}/publish").json()
        check(published["number"] == number, f"this is version {number}: {published}")

    def activate(self) -> None:
        """From now on visitors may talk to it."""
        path = f"/api/my-agents/{self.agent}/status"
        active = self.owner.ask("PUT", path, {"status": "active"}, If_Match=self.owner.etag(path)).json()
        check(active["status"] == "active", "the agent is active")

    def edit_file(self) -> None:
        """Export the YAML, change it, import it, publish version 2; comments survive."""
        path = f"/api/agents/{self.agent}/config"
        exported = self.owner.ask("GET", path, Accept="application/yaml")
        named = f"name: {self.name}"
        changed = "# Our receptionist\n" + exported.text.replace(named, f"{named}  # short for Maria", 1)
        check("short for Maria" in changed, f"the YAML names the agent: {exported.text[:300]}")
        changed = changed.replace("tone: ", "tone: calm  # was: ", 1)
        headers = {"If_Match": exported.headers["ETag"], "Content_Type": "application/yaml"}
        self.owner.ask("PUT", path, changed, **headers)
        check(self.owner.ask("GET", path).text == changed, "the file comes back as it was sent")
        self.publish(2)
        versions = self.owner.get(f"/api/agents/{self.agent}/versions")["items"]
        check(len(versions) == 2, "both versions are there")

    def make_widget(self, name: str, *origins: str) -> None:
        """The widget, open to pages of these origins, and its embed code."""
        fields = {"agent_id": self.agent, "name": name, "theme": {"name": "ocean"}, "allowed_origins": origins}
        self.widget = self.owner.ask("POST", "/api/widgets", fields).json()["id"]
        self.script = self.owner.get(f"/api/widgets/{self.widget}/embed")["script"]
        check(self.widget in self.script and "async" in self.script, "one async script tag")

    def said(self) -> Figures:
        """What its turns used, by their own transcripts: what every other place must show."""
        turns: list[Any] = []
        for item in self.owner.get(f"/api/conversations?agent_id={self.agent}&page_size=100")["items"]:
            turns += self.owner.get(f"/api/conversations/{item['id']}")["transcript"]
        check(all(turn["input_tokens"] and turn["output_tokens"] for turn in turns), f"turns have tokens: {turns}")
        charge, cost = (sum(nanos(turn[money]) for turn in turns) for money in ("charge", "cost"))
        return Figures(charge, cost, len(turns))

    def shown(self, *, alone: bool) -> dict[str, Figures]:
        """What analytics, billing and the fleet show of this agent; of the whole workspace too where it is `alone`."""
        usage = self.owner.get("/api/usage/stats?group_by=agent")
        spend = self.owner.get("/api/billing")
        charges = self.owner.get("/api/billing/usage")
        fleet = self.owner.get(f"/api/my-agents/{self.agent}")["month"]
        days = [figures_of(day["groups"][self.agent]) for day in usage["items"] if self.agent in day["groups"]]
        spent = spend["charge_by_agent"].get(self.agent)
        tallies = [figures_of(item) for item in charges["by_agent"] if item["key"] == self.agent]
        places = {
            "usage by agent": summed(days),
            "spend by agent": Figures(nanos(spent) if spent else 0),
            "charges by agent": summed(tallies),
            "fleet": Figures(nanos(fleet["charge"]), turns=fleet["turns"]),
        }
        if not alone:
            return places
        return places | {
            "usage": figures_of(usage["total"]),
            "spend": Figures(nanos(spend["charge_so_far"])),
            "charges": figures_of(charges["total"]),
            "dashboard": figures_of(self.owner.get("/api/dashboard/summary")["month"]),
        }

    def agreed(self, turns: int, seconds: float, pause: float = 0.05, *, alone: bool) -> tuple[Figures, int, float]:
        """Wait until every place shows these turns to the last nano.

        Returns the figures, the number of places and the seconds it took. Raises Unexpected with what still differs.
        """
        truth = self.said()
        check(truth.turns == turns, f"{turns} turns in the transcripts, not {truth.turns}")
        places: dict[str, Figures] = {}

        def same() -> bool:
            places.update(self.shown(alone=alone))
            return all(place.agree(truth) for place in places.values())

        try:
            _, took = until(seconds, same, pause)
        except Unexpected as late:
            wrong = {name: place for name, place in places.items() if not place.agree(truth)}
            if not wrong:
                raise
            raise Unexpected(f"after {seconds} s the transcripts have {truth}, but {wrong}") from late
        return truth, len(places), took


def change_budgets(owner: Client, alter: Callable[[dict[str, Any]], None]) -> None:
    """Change the caps as they are now; what somebody else changes at the same time stays. Raises Unexpected."""
    for _ in range(3):
        found = owner.ask("GET", BUDGETS)
        budgets = found.json()
        alter(budgets)
        if budgets == found.json():
            return
        answer = owner.ask("PUT", BUDGETS, budgets, status=(200, 412), If_Match=found.headers["ETag"])
        if answer.status_code == 200:
            return
    raise Unexpected(f"PUT {BUDGETS} answered 412 three times: somebody else changes the caps")


def figures_of(shown: dict[str, Any]) -> Figures:
    """From what analytics or billing shows; billing calls a turn a message."""
    return Figures(nanos(shown["charge"]), nanos(shown["cost"]), shown["turns" if "turns" in shown else "messages"])


def summed(figures: list[Figures]) -> Figures:
    """All of them together."""
    return Figures(*(sum(getattr(one, field) for one in figures) for field in Figures._fields))


def nanos(money: dict[str, str]) -> int:
    """The amount of an API's money in nanos."""
    whole, _, part = money["amount"].lstrip("-").partition(".")
    return (-1 if money["amount"].startswith("-") else 1) * (int(whole) * 10**9 + int(part.ljust(9, "0") or "0"))


def money_of(amount: int, currency: str = "USD") -> dict[str, str]:
    """An amount in nanos, none below zero, as the API takes it."""
    return {"amount": f"{amount // 10**9}.{amount % 10**9:09d}", "currency": currency}
