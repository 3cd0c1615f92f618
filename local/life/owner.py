"""What the people of the business do: they make the workspace, invite each other, build agents and improve them."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.identity.people import EmailTaken, People
from local.life.cast import Agent, Cast, Topic
from local.life.model import part_for
from local.life.plot import begins
from local.life.product import Caller, Product, Refused

MESSAGE_CENTS = 8
"""What a message costs in the agency's plan."""

_THEMES = ("ocean", "forest", "clay", "plum", "paper", "contrast")
_TONES = ("friendly", "warm", "professional", "calm")
_FALLBACK = {"provider": "offline", "id": "offline-extractive"}

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_EVENINGS = ("tuesday", "wednesday", "thursday", "friday", "saturday")
_HOURS: dict[str, dict[str, list[str]]] = {
    "day": {day: ["08:00-18:00"] for day in _WEEKDAYS},
    "office": {day: ["09:00-17:00"] for day in _WEEKDAYS},
    "evening": {day: ["10:00-21:00"] for day in _EVENINGS},
}
"""When a person can be reached; who always can has none."""


class Exists(Exception):
    """The demo's owner has signed up here before: there is nothing to do."""


@dataclass
class Home:
    """An agent that was made: where its visitors find it, and how well its published version answers."""

    agent: Agent
    id: str
    widgets: list[str] = field(default_factory=list)
    quality: float = 0.0
    known: int = 0
    """How many topics of each language it has been taught."""
    tokens: list[str] = field(default_factory=list)
    """Of visitors who may come back."""


class Owner:
    """The owner and the colleagues, who are known once `founds` was played."""

    def __init__(self, product: Product, cast: Cast, seed: str) -> None:
        self.product, self.cast, self._seed = product, cast, seed
        self.workspace = ""
        self.key = ""
        """The id of the API key that a help desk uses."""
        self.homes: dict[str, Home] = {}
        self.people: dict[str, Caller] = {}

    def sign_up(self, people: People, password: str) -> None:
        """Make everybody's account. Raises Exists when the owner has one."""
        for role, person in self.cast.people.items():
            uid = hashlib.sha256(f"{self._seed} {role}".encode()).hexdigest()[:28]
            try:
                people.sign_up(person["email"], password, person["name"], uid)
            except EmailTaken as error:
                raise Exists(person["email"]) from error
            self.people[role] = self.product.person(uid, person["name"], person["email"], operator=role == "operator")

    def _in_workspace(self, role: str) -> None:
        claims = {**(self.people[role].claims or {}), "workspace_id": self.workspace}
        self.people[role] = Caller(claims)

    def found(self) -> None:
        """The workspace with its plan, its cap and its colleagues."""
        ask, owner = self.product.ask, self.people["owner"]
        self.workspace = ask("POST", "/api/workspaces", owner, self.cast.workspace).body["id"]
        self.product.courier.workspace = self.workspace
        self._in_workspace("owner")
        owner = self.people["owner"]
        self.change("/api/billing/profile", self.cast.profile, "PUT")
        self.set_cap("400")
        for role in ("admin", "member"):
            new = {"email": self.cast.people[role]["email"], "role": role}
            token = ask("POST", "/api/invitations", owner, new).body["token"]
            self.product.past.pass_by(1900)
            ask("POST", f"/api/invitations/{token}/accept", self.people[role])
            self._in_workspace(role)
        made = ask("POST", "/api/workspace/api-keys", owner, {"name": "Help desk", "scopes": ["read", "chat"]}).body
        self.key = made["id"]

    def agrees(self, first: datetime) -> Iterator[datetime]:
        """The operator offers this workspace a plan of its own, which can be chosen a day later."""
        name = f"agency_{hashlib.sha256(self._seed.encode()).hexdigest()[:6]}"
        yield first + timedelta(hours=7, minutes=10)
        plan = {
            "plan": name,
            "plan_version": f"{name}-1",
            "name": "Agency",
            "effective_from": f"{first + timedelta(hours=34, minutes=30):%Y-%m-%dT%H:%M:%SZ}",
            "workspace_id": self.workspace,
            "currency": self.cast.workspace["currency"],
            "monthly_fee": "49",
            "unit_prices": [{"meter": "messages", "price": f"0.{MESSAGE_CENTS:02d}"}],
        }
        self.product.ask("PUT", "/api/operator/plans", self.people["operator"], plan)
        yield first + timedelta(hours=34, minutes=42)
        self.change("/api/billing/plan", {"plan": name}, "PUT")

    def change(self, path: str, body: Any, method: str = "PATCH", role: str = "owner") -> Any:
        """Read, then write what was read with its ETag; returns what is there now."""
        etag = self.product.ask("GET", path, self.people[role]).etag
        return self.product.ask(method, path, self.people[role], body, if_match=etag).body

    def set_cap(self, amount: str) -> None:
        """The month's cap in whole units of the currency, with a wide share for visitors."""
        cap = {"amount": amount, "currency": self.cast.workspace["currency"]}
        budgets = {"cap": cap, "visitor_hour_share": "0.5", "visitor_day_share": "1"}
        self.change("/api/billing/budgets", budgets, "PUT")

    def builds(self, agent: Agent, number: int, first: datetime, days: int) -> Iterator[datetime]:
        """One agent's life as its makers see it: draft, knowledge, a try, a widget, and version after version."""
        chance = random.Random(f"{self._seed} agent {agent.name}")
        start = begins(agent, first, days)
        yield start + timedelta(hours=7, minutes=40 + number % 5 * 11 + chance.randrange(10))
        role = ("owner", "admin", "owner", "member")[number % 4]
        home = self._makes(agent, number, role)
        yield self.product.past.now() + timedelta(minutes=chance.randrange(9, 40))
        self._teaches(home, role, 2)
        self._tries(home, role)
        self._publishes(home, role, 0)
        self._opens(home, role, number)
        last = first + timedelta(days=days)
        span = (last - start) / len(agent.quality)
        for version in range(1, len(agent.quality)):
            day = (start + span * version).replace(hour=0, minute=0, second=0, microsecond=0)
            yield day + timedelta(hours=8, minutes=chance.randrange(240))
            self._teaches(home, role, 2)
            change = {"tone": _TONES[(number + version) % 4], "instructions": _INSTRUCTIONS[version % 3]}
            self.change(f"/api/agents/{home.id}", change, role=role)
            self._tries(home, role)
            yield self.product.past.now() + timedelta(minutes=chance.randrange(5, 30))
            self._publishes(home, role, version)
        self._asks_for_checks(home, role)

    def _makes(self, agent: Agent, number: int, role: str) -> Home:
        definition = {
            "name": agent.name,
            "industry": agent.industry,
            "business": {
                "name": agent.business,
                "contact": f"hello@{agent.site.removeprefix('https://www.')}",
                **({"hours": {"time_zone": "Europe/Berlin", **_HOURS[agent.hours]}} if agent.hours in _HOURS else {}),
            },
            "languages": list(agent.languages),
            "tone": _TONES[number % 4],
            "leads": {"enabled": True},
            "model": {"provider": "vertexai", "id": agent.model, "fallback": _FALLBACK},
        }
        ask, person = self.product.ask, self.people[role]
        home = Home(agent, ask("POST", "/api/agents", person, definition).body["id"])
        change = {"tags": list(agent.tags), "pinned": "priority" in agent.tags}
        self.change(f"/api/my-agents/{home.id}", change, role=role)
        self.homes[agent.name] = home
        return home

    def _teaches(self, home: Home, role: str, number: int) -> None:
        """The next topics of every language."""
        for language, topics in home.agent.topics.items():
            for topic in topics[home.known : home.known + number]:
                item = {"kind": "markdown", "title": topic.title, "text": _page(topic), "language": language}
                self.product.ask("POST", f"/api/agents/{home.id}/knowledge", self.people[role], item)
        home.known += number

    def _tries(self, home: Home, role: str) -> None:
        """A question in the playground, to the draft; where the cap is reached there is no answer."""
        language = home.agent.languages[0]
        topic = home.agent.topics[language][0]
        chance = random.Random(f"{self._seed} try {home.agent.name} {home.known}")
        self.product.script.part = part_for(home.agent.model, topic.answer, chance, passage=topic.title)
        body = {"message": topic.questions[0], "version": "draft"}
        answer = self.product.ask("POST", f"/api/agents/{home.id}/chat", self.people[role], body, status=-1)
        if answer.status not in (200, 402):
            raise Refused(f"the playground answered {answer.status}: {answer.body}")

    def _asks_for_checks(self, home: Home, role: str) -> None:
        """Test cases for what comes next: what visitors ask most, and a wish for a person."""
        language = home.agent.languages[0]
        cases: list[dict[str, Any]] = [
            {"id": f"topic-{number}", "question": topic.questions[0], "source": topic.title}
            for number, topic in enumerate(home.agent.topics[language][: min(3, home.known)], 1)
        ]
        cases.append({"id": "person", "question": self.cast.talk[language]["person"][0], "hand_off": True})
        self.change(f"/api/agents/{home.id}/checks", {"cases": cases}, "PUT", role)

    def _publishes(self, home: Home, role: str, version: int) -> None:
        self.product.ask("POST", f"/api/agents/{home.id}/publish", self.people[role])
        home.quality = home.agent.quality[version]

    def _opens(self, home: Home, role: str, number: int) -> None:
        """From now on visitors find it on its business's pages."""
        self.set_status(home, "active", "", role)
        pages = ("Website",) if not home.agent.api else ("Website", "Help centre")
        for page in pages:
            fields = {
                "agent_id": home.id,
                "name": f"{home.agent.business} {page.lower()}",
                "theme": {"name": _THEMES[number % len(_THEMES)]},
                "allowed_origins": [home.agent.site],
                "default_locale": home.agent.languages[0],
            }
            made = self.product.ask("POST", "/api/widgets", self.people[role], fields)
            home.widgets.append(made.body["id"])

    def set_status(self, home: Home, status: str, reason: str, role: str = "owner") -> None:
        """Activate or pause an agent."""
        self.change(f"/api/my-agents/{home.id}/status", {"status": status, "reason": reason}, "PUT", role)

    def holiday(self, home: Home, at: datetime, days: int) -> Iterator[datetime]:
        """A business is closed for some days, and its agent with it."""
        yield at
        self.set_status(home, "paused", "Company holidays", "admin")
        yield at + timedelta(days=days)
        self.set_status(home, "active", "Back from holidays", "admin")


_INSTRUCTIONS = (
    "Answer in two or three sentences.",
    "Name the next step at the end of each answer, and never more than one.",
    "When a visitor is in a hurry, answer first and explain afterwards.",
)


def _page(topic: Topic) -> str:
    questions = "\n".join(f"- {question}" for question in topic.questions)
    return f"# {topic.title}\n\n{topic.answer}\n\n{questions}\n"
