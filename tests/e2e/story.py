"""The whole story, from sign-up to the paid invoice, played over HTTP: `nox -s story`.

It plays against the stack that `nox -s serve` runs, or starts one of its own (state in .agenthub/story) and ends with
`kill -9` of everything. Each step prints what came back and raises when it is not what the product promises.
"""

import argparse
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.e2e.client import Client, Unexpected, check, until
from tests.e2e.receptionist import (
    CHILDREN,
    QUESTION,
    Receptionist,
    change_budgets,
    money_of,
    nanos,
)
from tests.e2e.stack import ROOT, Stack


def first_of_next_month(now: datetime) -> datetime:
    """Ten minutes past midnight UTC on the first of the next month, when the close runs."""
    return (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=10, second=0, microsecond=0)


class Story:
    """The steps, in order; each uses what those before have made."""

    def __init__(self, stack: Stack, say: Callable[[str], None] = print, *, browser: bool = True) -> None:
        self.stack = stack
        self.say = say
        self.with_browser = browser
        self.owner = Client(stack.gateway)
        self.operator = Client(stack.gateway)
        self.mia = Receptionist(self.owner, "Mia")
        self.workspace = self.origin = self.invoice = ""
        self.turns = 0

    def play(self) -> None:
        """Every step."""
        self.say(f"\nThe story, against {self.stack.gateway}\n")
        self.signs_up()
        self.makes_an_agent()
        self.edits_the_yaml()
        self.makes_a_widget()
        with self.demo_page() as page:
            self.visitor_asks(page)
            self.figures_agree()
            self.cap_is_met(page)
        self.month_is_closed()
        self.invoice_is_paid()
        if self.stack.own:
            self.survives_a_power_cut()
        else:
            self.say("8  kill -9: left out, since this stack was running before; `nox -s story -- --own` plays it too")
        self.say("\nThe story is whole.\n")

    def signs_up(self) -> None:
        """1: sign up, make a workspace, and the refreshed token carries it."""
        name = uuid.uuid4().hex[:8]
        self.owner.sign_up(f"owner-{name}@example.com", "correct horse battery staple")
        self.owner.ask("GET", "/api/workspace", status=403)
        made = self.owner.ask("POST", "/api/workspaces", {"name": "Linden Dental", "country": "US"}).json()
        again = self.owner.ask("POST", "/api/workspaces", {"name": "Linden Dental", "country": "US"}).json()
        check(made["id"] == again["id"], "a repeat finds the same workspace")
        self.owner.refresh()
        self.workspace = self.owner.get("/api/workspace")["id"]
        check(self.workspace == made["id"], "the refreshed token carries the workspace")
        self.say(f"1  signed up; workspace {self.workspace}, role {made['role']}")

    def makes_an_agent(self) -> None:
        """2: industries, preview, agent, knowledge, publish, activate."""
        industries, preview = self.mia.preview()
        self.say(f"2  {industries} industries; the dental prompt has {len(preview['sections'])} sections")
        self.mia.make()
        self.mia.learn()
        self.mia.publish(1)
        self.mia.activate()
        self.say(f"   agent {self.mia.agent} knows 2 items, version 1 is published and active")

    def edits_the_yaml(self) -> None:
        """2: export the YAML, change it, import it, publish version 2."""
        self.mia.edit_file()
        self.say("   YAML exported, changed and put back with its comments; version 2 is published")

    def makes_a_widget(self) -> None:
        """3: a widget without origins yet; its embed code."""
        self.mia.make_widget("Site")
        self.say(f"3  widget {self.mia.widget}\n   {self.mia.script}")

    @contextmanager
    def demo_page(self) -> Iterator[Any]:
        """4: a page of another port with that one tag, allowed as an origin, and a browser on it if there is one."""
        import threading

        from local import demo

        server = demo.server("127.0.0.1", 0, self.mia.script)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.origin = f"http://localhost:{server.server_address[1]}"
        path = f"/api/widgets/{self.mia.widget}"
        self.owner.ask("PATCH", path, {"allowed_origins": [self.origin]}, If_Match=self.owner.etag(path))
        from tests.e2e.visitor import BrowserVisitor, HttpVisitor, chromium

        try:
            binary = chromium() if self.with_browser else None
            check(
                binary is not None or not os.environ.get("CI"),
                "CI has a Chromium: apt-get install chromium-headless-shell",
            )
            if binary is not None:
                with BrowserVisitor.on(binary, self.origin) as visitor:
                    yield visitor
            else:
                self.say("   (no Chromium here: the visitor speaks HTTP as the widget does)")
                yield HttpVisitor(self.stack.gateway, self.mia.widget, self.origin)
        finally:
            server.shutdown()
            server.server_close()

    def visitor_asks(self, page: Any) -> None:
        """4: a visitor asks and reads an answer that names its source."""
        answer = page.ask(QUESTION)
        check("89" in answer.text, f"the answer has the price: {answer.text!r}")
        check(any("Price list" in title for title in answer.sources), f"it names its source: {answer.sources}")
        self.turns += 1
        self.say(f"4  on {self.origin}: “{QUESTION}”\n   “{answer.text}” ({', '.join(answer.sources)})")

    def figures_agree(self) -> None:
        """5: within two seconds the turn is in every figure, and they agree to the last nano."""
        seen, places, seconds = self.mia.agreed(self.turns, 2 if self.stack.own else 5, alone=True)
        check(seen.charge > 0, "turns have a price")
        actions = [entry["action"] for entry in self.owner.get("/api/dashboard/activity")["items"]]
        check("agent.published" in actions and "widget.created" in actions, f"the activity tells it: {actions}")
        charge = money_of(seen.charge)["amount"]
        self.say(f"5  charge USD {charge} in {places} places, the same to the last nano after {seconds:.2f} s")

    def set_cap(self, cap: int) -> None:
        """Set the workspace's cap in nanos, and the visitors' shares as wide as they go."""
        change = {"cap": money_of(cap), "visitor_hour_share": "1", "visitor_day_share": "1"}
        change_budgets(self.owner, lambda budgets: budgets.update(change))

    def cap_is_met(self, page: Any) -> None:
        """6: a cap just above what is spent refuses the next turn; raised, the chat goes on."""
        spent = nanos(self.owner.get("/api/billing")["charge_so_far"])
        self.set_cap(spent + 1000)
        away = page.refused(CHILDREN)
        self.say(f"6  cap at USD {money_of(spent + 1000)['amount']}: 402, and the visitor reads “{away}”")
        self.set_cap(4 * 10**9)
        answer = page.again(CHILDREN)
        check("first tooth" in answer.text, f"the chat goes on: {answer.text!r}")
        self.turns += 1
        self.figures_agree()

    def month_is_closed(self) -> None:
        """7: the close drafts, a day later finalizes; again changes nothing, byte for byte."""
        close = first_of_next_month(datetime.now(UTC))
        before = nanos(self.owner.get("/api/billing")["charge_so_far"])
        self.stack.tick("billing-close", close.isoformat().replace("+00:00", "Z"))
        draft, _ = until(30, lambda: self._invoice("draft"))
        self.say(
            f"7  closed at {close:%Y-%m-%d %H:%M}Z: a draft of {draft['total']['amount']} {draft['total']['currency']}"
        )
        self.stack.tick("billing-close", (close + timedelta(days=1)).isoformat().replace("+00:00", "Z"))
        final, _ = until(30, lambda: self._invoice("open"))
        self.invoice = final["id"]
        whole = self.owner.ask("GET", f"/api/invoices/{self.invoice}")
        lines = whole.json()["lines"]
        check(any(line.get("agent_id") == self.mia.agent for line in lines), "a line by agent and model")
        minor = round(nanos(final["total"]) / 10**7)
        check(abs(nanos(final["total"]) - before) <= 10**7, f"the invoice is what was charged: {minor} cents")
        pdf = self.owner.ask("GET", f"/api/invoices/{self.invoice}/pdf")
        check(pdf.content.startswith(b"%PDF"), "the PDF is one")
        self.stack.tick("billing-close", (close + timedelta(days=1)).isoformat().replace("+00:00", "Z"))
        self.stack.tick("billing-close", (close + timedelta(days=2)).isoformat().replace("+00:00", "Z"))
        again = self.owner.ask("GET", f"/api/invoices/{self.invoice}")
        check(again.content == whole.content, "closing again changes nothing")
        check(self.owner.ask("GET", f"/api/invoices/{self.invoice}/pdf").content == pdf.content, "nor the PDF")
        self.say(
            f"   invoice {final['number']}: {len(lines)} lines, PDF of {len(pdf.content)} bytes, the same when run again"
        )

    def _invoice(self, state: str) -> Any:
        found = [one for one in self.owner.get("/api/invoices")["items"] if one["state"] == state]
        return found[0] if found else None

    def invoice_is_paid(self) -> None:
        """7: the operator records the payment; an owner who tries gets 403; the balance is zero."""
        due = self.owner.get(f"/api/invoices/{self.invoice}")["due"]
        path = f"/api/operator/workspaces/{self.workspace}/payments"
        payment = {"invoice_id": self.invoice, "amount": due, "method": "bank_transfer", "reference": "Statement 1"}
        self.owner.ask("POST", path, payment, status=403)
        email = f"operator-{uuid.uuid4().hex[:8]}@example.com"
        self.operator.sign_up(email, "correct horse battery staple")
        self.stack.operator(email)
        self.operator.refresh()
        key = uuid.uuid4().hex
        first = self.operator.ask("POST", path, payment, key=key)
        second = self.operator.ask("POST", path, payment, key=key)
        check(first.json()["id"] == second.json()["id"], "the same key is the same payment")
        paid = self.owner.get(f"/api/invoices/{self.invoice}")
        balance = self.owner.get("/api/billing")["balance"]
        check(paid["state"] == "paid" and nanos(paid["due"]) == 0, f"the invoice is paid: {paid['state']}")
        check(nanos(balance["due"]) == 0, f"the balance is zero: {balance}")
        self.say(
            f"   an owner may not: 403; the operator records {due['amount']} {due['currency']}: paid, balance zero"
        )

    def survives_a_power_cut(self) -> None:
        """8: kill -9 of everything with an event on its way; after the start all is there, and the event arrives."""
        for deployment in ("analytics-usage", "billing-usage"):
            self.stack.freeze(deployment)
        path = f"/api/agents/{self.mia.agent}/chat"
        said = self.owner.ask("POST", path, {"message": QUESTION}, Accept="application/json").json()
        before = self.owner.get("/api/usage/stats")["total"]["turns"]
        self.stack.kill()
        self.stack.start()
        self.owner.gateway = self.stack.gateway
        self.owner.refresh()
        check(self.owner.get(f"/api/invoices/{self.invoice}")["state"] == "paid", "the invoice is still paid")
        transcript = self.owner.get(f"/api/conversations/{said['conversation_id']}")["transcript"]
        check(transcript[-1]["answer"] == said["message"]["text"], "the last answer is still there")
        _, seconds = until(
            60, lambda: self.owner.get("/api/usage/stats")["total"]["turns"] == before + 1 == self.turns + 1
        )
        self.say(f"8  kill -9 of everything and started again: all is there, the event arrived {seconds:.1f} s later")


def main() -> int:
    """Play it; the exit code says whether it came true."""
    parser = argparse.ArgumentParser(prog="story", description="The whole story against a running stack, or its own.")
    parser.add_argument("--state", type=Path, default=ROOT / ".agenthub", help="state of the running stack")
    parser.add_argument("--own", action="store_true", help="start a stack of its own although one runs")
    parser.add_argument("--no-browser", action="store_true", help="let the visitor speak HTTP")
    arguments = parser.parse_args()
    stack = None if arguments.own else Stack.running(arguments.state)
    if stack is None:
        print("Starting a stack of its own …", flush=True)
        stack = Stack(ROOT / ".agenthub" / "story", own=True).start()
    try:
        Story(stack, browser=not arguments.no_browser).play()
    except Unexpected as error:
        print(f"\nThe story broke: {error}", file=sys.stderr)
        return 1
    finally:
        stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
