"""The home page's figures are those of the rollups, the feed pages without gaps, the status says who answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from functions.dashboard import overview
from functions.shared import clock, config, contracts, metering
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.rooms import DEPLOYMENTS, Google, Room, agent, content, write
from tests.functions.shared.http import callers

NOW = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)
COUNTED = {
    "turns": 9,
    "conversations": 4,
    "visitors": 3,
    "failed": 1,
    "abandoned": 1,
    "handed_off": 2,
    "input_tokens": 900,
    "cached_input_tokens": 100,
    "output_tokens": 90,
    "reasoning_tokens": 10,
    "cost_nanos": 5,
    "charge_nanos": 7_000_000_000,
    "latency": {"500": 9},
    "first_token": {"100": 9},
}


def rollup(workspace: WorkspaceId, name: str, **fields: Any) -> None:
    write(
        contracts.path(workspace, "rollups", name),
        {"total": {**COUNTED, **fields}, "as_of_micros": 1_795_645_800_000_005},
    )


def test_figures_are_those_of_the_workspaces_own_day_and_month(cloud: Cloud) -> None:
    workspace = cloud.workspace(time_zone="Asia/Tokyo")
    rollup(workspace, "day_2026-11-26", turns=1)
    rollup(workspace, "day_2026-11-25", turns=100)
    rollup(workspace, "month_2026-11")
    found = overview.summary(cloud.call(workspace, now=NOW))
    assert (found.today.turns, found.month.turns) == (1, 9)
    assert (found.month.tokens, found.month.errors, found.month.hand_offs) == (1100, 2, 2)
    assert found.month.charge.nanos == 7_000_000_000
    assert found.month.latency_p95_ms is not None
    assert found.as_of == datetime(2026, 11, 25, 22, 30, 0, 5, tzinfo=UTC)


def test_before_the_first_turn_all_is_zero_and_the_cap_is_that_of_the_plan(cloud: Cloud) -> None:
    found = overview.summary(cloud.call(cloud.workspace(), now=NOW))
    assert found.today == found.month
    assert (found.today.turns, found.today.charge.nanos, found.today.latency_p95_ms) == (0, 0, None)
    assert (found.charge_so_far.nanos, found.projection.nanos, found.as_of) == (0, 0, None)


def test_what_is_spent_comes_from_the_billing_months_document(cloud: Cloud) -> None:
    workspace = cloud.workspace(time_zone="Asia/Tokyo")
    last = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
    write(metering.spend_path(workspace, last), {"spent_nanos": 600, "cap_nanos": 1000, "currency": "USD"})
    found = overview.summary(cloud.call(workspace, now=last))
    assert (found.charge_so_far.nanos, found.cap and found.cap.nanos) == (600, 1000)
    assert found.projection.nanos == 601


def test_agents_are_counted_by_status_and_untouched_ones_are_drafts(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    for status in ("active", "active", "paused", None, None, None):
        agent(workspace, status=status)
    gone = agent(workspace)
    write(f"workspaces/{workspace}/fleet/{gone}", {"status": "active", "deleted_at": NOW})
    tagged = agent(workspace, status=None)
    write(f"workspaces/{workspace}/fleet/{tagged}", {"tags": ["a"]})
    found = overview.home(cloud.call(workspace, now=NOW))
    assert found.agents == {"draft": 4, "active": 2, "paused": 1, "archived": 0}


def test_the_home_page_is_one_call(room: Room, cloud: Cloud) -> None:
    workspace = cloud.workspace(name="Linden")
    someone = callers.person("viewer", workspace)
    home = content(room.ask("GET", "/api/dashboard", someone))
    assert (home["workspace"]["name"], home["workspace"]["role"]) == ("Linden", "viewer")
    assert home["summary"]["month"]["charge"] == {"amount": "0.00", "currency": "USD"}
    assert home["activity"] == []
    assert content(room.ask("GET", "/api/dashboard/summary", someone)) == home["summary"]
    assert room.ask("GET", "/api/dashboard").status_code == 401


def test_the_figures_alone_take_five_reads_however_many_agents_there_are(
    room: Room, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = cloud.workspace()
    for _ in range(7):
        agent(workspace)
    write(metering.spend_path(workspace, clock.now()), {"currency": "USD"})
    capsys.readouterr()
    assert room.ask("GET", "/api/dashboard/summary", callers.person("viewer", workspace)).status_code == 200
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    [operations] = [line["operations"] for line in told if "operations" in line]
    assert operations == {"firestore_reads": 5}


class Others(BaseHTTPRequestHandler):
    """Every other deployment at one address; the first part of the path says which."""

    def do_GET(self) -> None:
        name = self.path.split("/")[1]
        body = {"status": "healthy", "service": name, "version": "v7"}
        status = 200
        if name == "billing-api":
            body["status"] = "unhealthy"
        if name == "agents-chat":
            status = 503
        if name == "widgets-api":
            status = 500
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def others(google: Google, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Others)
    thread = Thread(target=server.serve_forever)
    thread.start()
    for name in DEPLOYMENTS:
        if name != "dashboard-api":
            address = f"http://127.0.0.1:{server.server_port}/{name}"
            monkeypatch.setenv(name.upper().replace("-", "_") + "_URL", address)
    monkeypatch.setenv("BILLING_USAGE_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("BILLING_CLOSE_URL")
    config.settings.cache_clear()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_status_says_of_every_deployment_how_it_is(room: Room, cloud: Cloud, others: None) -> None:
    workspace = cloud.workspace()
    rollup(workspace, f"month_{clock.now():%Y-%m}")
    write("relay/state", {"unsent": 2, "dead_letters": 3, "ran_at": NOW})
    found = content(room.ask("GET", "/api/dashboard/status", callers.person("viewer", workspace)))
    states = {one["name"]: one["status"] for one in found["deployments"]}
    assert states.keys() == DEPLOYMENTS.keys()
    wrong = {name: state for name, state in states.items() if state != "healthy"}
    assert wrong == {
        "billing-api": "unhealthy",
        "agents-chat": "unhealthy",
        "widgets-api": "unreachable",
        "billing-usage": "unreachable",
        "billing-close": "unreachable",
    }
    [agents] = [one for one in found["deployments"] if one["name"] == "agents-api"]
    assert agents["version"] == "v7"
    assert (found["unsent_events"], found["dead_letters"]) == (2, 3)
    assert found["relay_ran_at"] == "2026-11-25T22:30:00Z"
    assert found["last_event_at"] == "2026-11-25T22:30:00.000005Z"


def test_before_the_first_turn_there_is_no_last_event(cloud: Cloud) -> None:
    assert overview.last_event(cloud.call(cloud.workspace())) is None
