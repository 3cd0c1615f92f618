"""The smoke test on a stack that looks deployed: its console says where it is, and sign-in demands Google's API key."""

import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.e2e import smoke
from tests.e2e.client import Identity
from tests.e2e.deployed import System, found
from tests.e2e.practice import Practice
from tests.e2e.receptionist import change_budgets, money_of, nanos
from tests.e2e.smoke import Smoke
from tests.e2e.stack import Stack

pytestmark = pytest.mark.timeout(180)
KEY = "AIza-public"
HOSTS = {"toolkit": "identitytoolkit.googleapis.com", "securetoken": "securetoken.googleapis.com"}


class Front(ThreadingHTTPServer):
    """The console's bucket, and Google's doors to the local identity service, which open to the console's pages only."""

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway
        self.url = ""
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://localhost:{self.server_address[1]}"
        self.options = ["--console", f"{self.url}/console/index.html"]
        for name in HOSTS:
            self.options += [f"--{name}", f"{self.url}/{name}"]


class Answers(BaseHTTPRequestHandler):
    """One request at the front."""

    server: Front

    def do_GET(self) -> None:
        gateway = self.server.gateway
        config = {"api_url": gateway, "cdn_url": gateway, "chat_url": gateway, "identity_key": KEY, "project": "p"}
        there = self.path == "/console/config.json"
        self.reply(200 if there else 404, json.dumps(config).encode() if there else b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        address = urllib.parse.urlsplit(self.path)
        _, name, rest = address.path.split("/", 2)
        if address.query != f"key={KEY}" or not self.headers.get("Referer", "").startswith(f"{self.server.url}/"):
            self.reply(403, b'{"error": {"status": "PERMISSION_DENIED", "message": "API_KEY_HTTP_REFERRER_BLOCKED"}}')
            return
        url = f"{self.server.gateway}/identity/{HOSTS[name]}/{rest}"
        kind = {"Content-Type": self.headers["Content-Type"]}
        answer = requests.post(url, data=body, headers=kind, timeout=30)
        self.reply(answer.status_code, answer.content)

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def front(stack: Stack) -> Iterator[Front]:
    server = Front(stack.gateway)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def customer(stack: Stack) -> Practice:
    """A workspace in use, with caps that are nobody else's business."""
    practice = Practice(stack)
    caps = {"cap": money_of(50 * 10**9), "agent_caps": {practice.agent: money_of(7)}, "visitor_hour_share": "0.5"}
    change_budgets(practice.owner, lambda budgets: budgets.update(caps))
    return practice


def budgets(practice: Practice) -> object:
    return practice.owner.get("/api/billing/budgets")


def nothing_is_left(practice: Practice) -> bool:
    """Whether agents and widgets are those of before; a smoke test's agent can be restored for 30 days."""
    agents = [one["id"] for one in practice.owner.get("/api/my-agents?page_size=100")["items"]]
    widgets = [one["id"] for one in practice.owner.get("/api/widgets?page_size=100")["items"]]
    return (agents, widgets) == ([practice.agent], [practice.widget])


def deleted(practice: Practice) -> list[str]:
    return [one["name"] for one in practice.owner.get("/api/my-agents?deleted=true")["items"]]


def of(practice: Practice, say: object = print) -> Smoke:
    """A smoke test by the owner of this practice, signed in."""
    gateway = practice.stack.gateway
    played = Smoke(System(gateway, Identity.of_stack(gateway)), practice.email, practice.password, say=say)
    played.signs_in()
    played.has_a_workspace()
    return played


def test_a_deployed_system_is_played_by_somebody_who_exists_and_is_as_before_afterwards(
    front: Front, customer: Practice, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = budgets(customer)
    monkeypatch.setenv("AGENTHUB_PASSWORD", customer.password)
    code = smoke.main([customer.stack.gateway, "--email", customer.email, *front.options])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    told = {line[4:14].strip(): line for line in out.splitlines() if line[:2].strip().isdigit()}
    assert f"present: {customer.id}" in told["workspace"]
    assert "2 turns of offline/offline-extractive will cost at most about USD 0." in told["wizard"]
    assert "first words after" in told["turn"] and "Price list" in told["turn"]
    assert "the same to the last nano in 4 places" in told["figures"]
    assert "402" in told["cap"]
    assert "first tooth" in told["goes on"] and "2 turns: charge USD 0.0" in told["goes on"]
    assert list(told)[-1] == "cleaned up"
    assert budgets(customer) == before
    assert nothing_is_left(customer) and len(deleted(customer)) == 1
    assert customer.owner.get("/api/invoices")["items"] == []
    assert customer.password not in out


def test_a_stack_of_serve_needs_no_option_but_its_address(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.main([stack.gateway]) == 0
    assert "The system works." in capsys.readouterr().out


def test_a_failing_turn_is_told_with_its_exchange_and_everything_is_taken_away(
    customer: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    change_budgets(customer.owner, lambda budgets: budgets.update(cap=money_of(0)))
    before = budgets(customer)
    given = [customer.stack.gateway, "--email", customer.email, "--password", customer.password]
    assert smoke.main(given) == 1
    out, err = capsys.readouterr()
    assert "failed: turn: POST /api/chat" in err and "answered 402" in err and "cap_reached" in err
    assert "cap, widget and agent are gone" in out and "left behind" not in out
    assert budgets(customer) == before
    assert nothing_is_left(customer) and len(deleted(customer)) == 1


def test_an_interruption_while_the_cap_is_set_takes_cap_widget_and_agent_away(customer: Practice) -> None:
    before = budgets(customer)
    while_set: list[object] = []

    def ctrl_c(line: str) -> None:
        if "for a moment" in line:
            while_set.append(budgets(customer))
            raise KeyboardInterrupt

    played = of(customer, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        played.play()
    (set_to,) = while_set
    assert isinstance(set_to, dict)
    assert nanos(set_to["agent_caps"][played.mia.agent]) > 1000
    assert budgets(customer) == before
    assert nothing_is_left(customer) and deleted(customer) == [played.mia.name]


def test_what_was_made_although_its_answer_was_lost_is_found_by_its_name(customer: Practice) -> None:
    played = of(customer)
    played.mia.make()
    played.mia.make_widget(played.mia.name)
    played.mia.agent = played.mia.widget = ""
    assert not nothing_is_left(customer)
    assert played.clean_up() == []
    assert nothing_is_left(customer)


def test_what_cannot_be_taken_away_is_told(customer: Practice) -> None:
    told: list[str] = []
    played = of(customer, told.append)
    played.mia.make()
    played.owner.token = "nobody's"
    left = played.clean_up()
    assert len(left) == 3 and all(played.mia.name in line and "401" in line for line in left)
    assert "with trouble" in told[-1]


def test_a_wrong_password_and_a_foreign_page_are_told_as_google_says_them(
    front: Front, customer: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [customer.stack.gateway, "--email", customer.email, "--password"]
    assert smoke.main([*given, "not this one", *front.options]) == 1
    err = capsys.readouterr().err
    assert "failed: sign in" in err and "INVALID_LOGIN_CREDENTIALS" in err and "not this one" not in err
    here = [option for option in front.options if option.startswith(f"{front.url}/toolkit")]
    system = System(customer.stack.gateway, Identity(here[0], here[0], KEY, "https://elsewhere.example/"))
    with pytest.raises(smoke.Unexpected, match="REFERRER_BLOCKED"):
        Smoke(system, customer.email, customer.password).signs_in()


def test_the_console_says_where_the_system_is_and_another_systems_console_is_refused(front: Front) -> None:
    for console in ("/console", "/console/", "/console/index.html", "/console/index.html#/agents"):
        system = found("", front.url + console)
        assert (system.api_url, system.chat_url) == (front.gateway, front.gateway)
        assert system.identity == Identity(
            "https://identitytoolkit.googleapis.com", "https://securetoken.googleapis.com", KEY, f"{front.url}/console/"
        )
    with pytest.raises(smoke.Unexpected, match=r"is the console of .*, not of https://other\.example"):
        found("https://other.example", f"{front.url}/console/")
    with pytest.raises(smoke.Unexpected, match="--console"):
        found("https://other.example", "")
