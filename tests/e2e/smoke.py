"""The smoke test of a deployed system, over HTTP alone: `nox -s smoke -- URL`.

It plays what the story plays as far as that works without a supervisor, with a real model whose words vary: sign in,
make an agent, let a visitor ask, compare the figures, meet a cap. Then it takes away what it made, also after a failure
and after Ctrl-C. It closes no month and records no payment. What stays: the workspace, the conversation and its charge.
"""

import argparse
import html
import os
import re
import signal
import sys
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import requests

from functions.agents.answering import THINKING_TOKENS
from tests.e2e import deployed
from tests.e2e.client import Client, Unexpected, check
from tests.e2e.receptionist import CHILDREN, QUESTION, Receptionist, change_budgets, money_of, nanos
from tests.e2e.visitor import HttpVisitor, Seen

TURNS = 2
ORIGIN = "https://smoke.example"
LONGEST = 900
"""Seconds after which no further step begins."""
PAUSE = 2.0
"""Seconds between two looks at the figures: each is four requests."""
TRIES = 3
KNOWLEDGE_TOKENS = 1000
"""About what the passages, the question and the first answer add to the prompt; the knowledge is shorter."""


class Smoke:
    """The steps, in order; each uses what those before have made. An agent's own cap is met, so nobody else notices."""

    def __init__(
        self,
        system: deployed.System,
        email: str = "",
        password: str = "",
        *,
        seconds: float = 60,
        say: Callable[[str], None] = print,
    ) -> None:
        self.system, self.seconds, self.say = system, seconds, say
        self.email, self.password = email, password
        self.owner = Client(system.api_url, system.identity)
        self.mia = Receptionist(self.owner, f"Smoke test {uuid.uuid4().hex[:8]}")
        self.currency = ""
        self._visitor: HttpVisitor | None = None
        self._ends = time.monotonic() + LONGEST
        self._steps = 0

    def play(self) -> None:
        """Every step, then the cleaning. Raises Unexpected with the exchange that failed, or with what was left."""
        self.say(
            f"\nSmoke test of {self.system.api_url}: {TURNS} turns of the model, about 60 requests and at most"
            f" {self.seconds / PAUSE:.0f} looks at the figures.\n"
        )
        try:
            for name, step in (
                ("health", self.answers),
                ("sign in", self.signs_in),
                ("workspace", self.has_a_workspace),
                ("wizard", self.asks_the_wizard),
                ("agent", self.makes_an_agent),
                ("YAML", self.edits_the_file),
                ("widget", self.makes_a_widget),
                ("session", self.opens_a_session),
                ("turn", self.visitor_asks),
                ("figures", self.figures_agree),
                ("cap", self.cap_is_met),
                ("goes on", self.chat_goes_on),
            ):
                self._step(name, step)
        finally:
            left = self.clean_up()
            for line in left:
                self.say(f"    left behind: {line}")
        check(not left, "the system works, but not everything could be cleaned up")
        self.say("\nThe system works.\n")

    def _step(self, name: str, step: Callable[[], str]) -> None:
        began = time.monotonic()
        check(began < self._ends, f"{name}: the smoke test has taken {LONGEST} s already and ends here")
        try:
            told = step()
        except Unexpected as error:
            raise Unexpected(f"{name}: {error}") from error
        except (LookupError, TypeError, ValueError, requests.RequestException) as error:
            raise Unexpected(f"{name}: {type(error).__name__} {error}, after {self.owner.latest}") from error
        self._steps += 1
        self._tell(name, began, told)

    def _tell(self, name: str, began: float, told: str) -> None:
        self.say(f"{self._steps:2}  {name:<10}{time.monotonic() - began:6.1f} s  {told}")

    def answers(self) -> str:
        """The gateway reaches a function."""
        health = Client(self.system.api_url).get("/health")
        check(health["status"] == "healthy", f"/health: {health}")
        return f"{health['service']} {health['version']} is healthy"

    def signs_in(self) -> str:
        """As the person who was named; without one, as a new one at the local identity service."""
        if self.email:
            self.owner.sign_in(self.email, self.password)
            return self.email
        email = f"smoke-{uuid.uuid4().hex[:8]}@example.com"
        self.owner.sign_up(email, uuid.uuid4().hex)
        return f"{email}, signed up"

    def has_a_workspace(self) -> str:
        """The person's present one, the one they may manage, or a new one."""
        how, home = "present", self._workspace()
        if home is None:
            managed = [one for one in self.owner.get("/api/workspaces")["items"] if one["role"] in ("owner", "admin")]
            if managed:
                how = "switched to"
                self.owner.ask("POST", f"/api/workspaces/{managed[0]['id']}/switch")
            else:
                how = "made"
                self.owner.ask("POST", "/api/workspaces", {"name": "Smoke test"})
            self.owner.refresh()
            home = self._workspace()
        check(home is not None, "the refreshed token carries the workspace")
        assert home is not None
        check(home["role"] in ("owner", "admin"), f"only who manages the workspace may set its caps: {home}")
        self.currency = home["currency"]
        return f"{how}: {home['id']} “{home['name']}”, role {home['role']}"

    def _workspace(self) -> Any:
        answer = self.owner.ask("GET", "/api/workspace", status=(200, 403))
        return answer.json() if answer.status_code == 200 else None

    def asks_the_wizard(self) -> str:
        """Industries and the preview, and what the turns to come will cost at most."""
        industries, preview = self.mia.preview()
        chosen = preview["definition"]["model"]
        known = self.owner.get("/api/config")["models"]
        model = next((one for one in known if (one["provider"], one["id"]) == (chosen["provider"], chosen["id"])), None)
        check(model is not None and model["available"], f"{chosen} is available: {model}")
        assert model is not None
        prices = {name: Decimal(model["prices"][name]) for name in ("input", "output", "reasoning")}
        turn = (preview["tokens"] + KNOWLEDGE_TOKENS) * prices["input"]
        turn += chosen["max_output_tokens"] * prices["output"]
        turn += THINKING_TOKENS * prices["reasoning"] if model["thinking"] else 0
        return (
            f"{industries} industries; a prompt of about {preview['tokens']} tokens; {TURNS} turns of"
            f" {chosen['provider']}/{chosen['id']} will cost at most about"
            f" {model['prices']['currency']} {TURNS * turn / 10**6:.4f} at the provider"
        )

    def makes_an_agent(self) -> str:
        """Agent, knowledge, publish, activate."""
        self.mia.make()
        self.mia.learn()
        self.mia.publish(1)
        self.mia.activate()
        return f"{self.mia.agent} “{self.mia.name}” knows 2 items, version 1 is active"

    def edits_the_file(self) -> str:
        """The YAML round trip."""
        self.mia.edit_file()
        return "exported, changed, put back with its comments; version 2 is published"

    def makes_a_widget(self) -> str:
        """A widget for one origin; its script is where the embed code says."""
        self.mia.make_widget(self.mia.name, ORIGIN)
        script = Client(self._site()).ask("GET", "/v1/widget.js", status=200)
        return f"{self.mia.widget} for {ORIGIN}; {script.url} has {len(script.content)} bytes"

    def _site(self) -> str:
        source = re.search(r'src="([^"]+)/v1/widget\.js"', self.mia.script)
        check(source is not None, f"the embed code names the script: {self.mia.script}")
        assert source is not None
        return html.unescape(source[1])

    def opens_a_session(self) -> str:
        """As the script does on a page of the origin; another page gets none."""
        path = f"/api/widgets/{self.mia.widget}/sessions"
        Client(self.system.api_url).ask("POST", path, {}, status=403, key=False, Origin="https://other.example")
        self._visitor = visitor = HttpVisitor(self._site(), self.mia.widget, ORIGIN)
        check(visitor.api_url == self.system.api_url, f"the widget asks {visitor.api_url}")
        check(self.system.chat_url in ("", visitor.chat_url), f"the widget talks to {visitor.chat_url}")
        return f"opened; the chat is at {visitor.chat_url}; a page of another origin gets 403"

    @property
    def visitor(self) -> HttpVisitor:
        """Who has a session."""
        assert self._visitor is not None
        return self._visitor

    def visitor_asks(self) -> str:
        """A turn as the widget asks it; a gateway that is there for streaming must stream."""
        seen = self.visitor.ask(QUESTION)
        streams = self.visitor.chat_url != self.visitor.api_url
        check(seen.first_words is not None or not streams, f"{self.visitor.chat_url} does not stream: {seen}")
        how = "in one piece" if seen.first_words is None else f"first words after {seen.first_words:.1f} s"
        return f"{how}: {self._read(seen)}"

    def _read(self, seen: Seen) -> str:
        check(seen.text.strip() != "", f"the answer says something: {seen}")
        check(len(seen.sources) > 0, f"the answer names its sources: {seen}")
        text = " ".join(seen.text.split())
        return f"“{text[:200]}{'…' if len(text) > 200 else ''}” ({', '.join(seen.sources)})"

    def figures_agree(self) -> str:
        """Every place that shows this agent's usage shows it to the last nano; the dashboard has it too."""
        seen, places, took = self.mia.agreed(1, self.seconds, PAUSE, alone=False)
        summary = self.owner.get("/api/dashboard/summary")
        check(nanos(summary["month"]["charge"]) >= seen.charge, f"the dashboard's month has it: {summary}")
        charge, cost = (money_of(amount or 0)["amount"] for amount in (seen.charge, seen.cost))
        return (
            f"charge {self.currency} {charge}, cost {cost}: the same to the last nano in {places} places after"
            f" {took:.1f} s of at most {self.seconds:.0f}"
        )

    def cap_is_met(self) -> str:
        """A cap of this agent just above what it spent refuses the next turn; then it is as it was."""
        spent = nanos(self.owner.get("/api/billing")["charge_by_agent"][self.mia.agent])
        if not spent:
            return "left out: under this workspace's plan a turn costs nothing, and no cap can be met"
        cap = money_of(spent + 1000, self.currency)
        change_budgets(self.owner, lambda budgets: budgets["agent_caps"].update({self.mia.agent: cap}))
        self.say(f"    the agent's cap is {self.currency} {cap['amount']} for a moment")
        away = self.visitor.refused(CHILDREN)
        self._take_cap_away()
        return f"402, and the visitor reads “{away}”; the caps are as before"

    def _take_cap_away(self) -> None:
        change_budgets(self.owner, lambda budgets: budgets["agent_caps"].pop(self.mia.agent, None))

    def chat_goes_on(self) -> str:
        """What was refused is answered now, as one JSON object; both turns together are the bill."""
        seen = self.visitor.ask(CHILDREN, "application/json")
        said = self.mia.said()
        charge, cost = (money_of(amount or 0)["amount"] for amount in (said.charge, said.cost))
        return f"{self._read(seen)}; {said.turns} turns: charge {self.currency} {charge}, cost {cost}"

    def clean_up(self) -> list[str]:
        """Take the cap, the widget and the agent away, also those whose making got no answer; returns what stayed.

        Nothing is said before everything was tried: where the lines go may be what has failed.
        """
        if not self.owner.token:
            return []
        began, left = time.monotonic(), []
        for what, act in (
            ("the agent's cap", self._take_cap_away if self.mia.agent else lambda: None),
            ("the widget", lambda: self._delete("/api/widgets", self.mia.widget)),
            ("the agent", lambda: self._delete("/api/my-agents", self.mia.agent, f"text={self.mia.name}&")),
        ):
            for attempt in range(1, TRIES + 1):
                try:
                    act()
                    break
                except (Unexpected, LookupError, TypeError, ValueError) as error:
                    if attempt == TRIES:
                        left.append(f"{what} of “{self.mia.name}”: {error}")
                    else:
                        time.sleep(PAUSE)
        self._steps += 1
        self._tell("cleaned up", began, "with trouble" if left else "cap, widget and agent are gone")
        return left

    def _delete(self, kind: str, known: str, fitting: str = "") -> None:
        """What bears our name, and what is known by its id."""
        listed = self.owner.get(f"{kind}?{fitting}page_size=100")["items"]
        for thing in {one["id"] for one in listed if one["name"] == self.mia.name} | ({known} - {""}):
            path = f"{kind}/{thing}"
            there = self.owner.ask("GET", path, status=(200, 404))
            if there.status_code == 200:
                self.owner.ask("DELETE", path, status=(204, 404), If_Match=there.headers["ETag"])


def main(argv: list[str] | None = None) -> int:
    """Play it; the exit code says whether the system works."""
    parser = argparse.ArgumentParser(prog="smoke", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "url", nargs="?", default="", help="the gateway (api_url); default: the stack of `nox -s serve`"
    )
    parser.add_argument("--console", default="", help="the console (console_url); default: what Terraform says here")
    parser.add_argument(
        "--email", default=os.environ.get("AGENTHUB_EMAIL", ""), help="a person with a verified address"
    )
    parser.add_argument("--password", default=os.environ.get("AGENTHUB_PASSWORD", ""), help="or AGENTHUB_PASSWORD")
    parser.add_argument("--seconds", type=float, default=60, help="how long figures may take to agree")
    parser.add_argument("--toolkit", default="", help=f"where Identity Toolkit is; default: {deployed.TOOLKIT}")
    parser.add_argument("--securetoken", default="", help=f"where tokens are; default: {deployed.SECURETOKEN}")
    given = parser.parse_args(argv)
    if bool(given.email) != bool(given.password):
        parser.error("--email and --password (or AGENTHUB_PASSWORD) belong together")
    try:
        system = deployed.found(given.url, given.console, given.toolkit, given.securetoken)
        if system.identity.key and not given.email:
            parser.error("a deployed system needs --email and --password of a person with a verified address")
        Smoke(system, given.email, given.password, seconds=given.seconds).play()
    except Unexpected as error:
        print(f"\nThe smoke test failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe smoke test was interrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    # Being ended from outside is an interruption too: what was made is taken away first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
