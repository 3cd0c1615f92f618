"""What the guides say is what the code, the catalogue and Terraform do: names, figures, commands and links."""

import ast
import base64
import fnmatch
import json
import re
from typing import Any

import pytest
import yaml

from functions.billing import close_routes, closing, reconciling
from functions.shared import clock, events
from functions.shared.http.routes import DEADLINES
from infra import cost, drill, openapi, rebuild
from tests.functions.billing.story import AGENT

ROOT = openapi.ROOT
TERRAFORM = ROOT / "infra" / "terraform"
CATALOGUE: dict[str, Any] = yaml.load(openapi.CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)
GUIDES = {name: (ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in ("deploy", "operate")}
DEPLOY, OPERATE = GUIDES["deploy"], GUIDES["operate"]
BOTH = DEPLOY + OPERATE


def plain(text: str) -> str:
    """The text with every run of blanks as one."""
    return " ".join(text.split())


def terraform(name: str) -> str:
    return (TERRAFORM / name).read_text("utf-8")


def headings(text: str, level: int) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


def policies() -> list[str]:
    """The titles of the alert policies, as their display names have them after `AgentHub: `."""
    observability = terraform("observability.tf")
    titles = re.findall(r'^\s+title\s+= "([^"]+)"$', observability, re.MULTILINE)
    named = re.findall(r'display_name\s+= "AgentHub: ([^"]+)"', observability)
    checks = re.search(r'uptime_check_config" "outside" \{\s+for_each = \{(.*?)\n  \}', observability, re.DOTALL)
    assert checks is not None
    for name in named:
        if "each.key" in name:
            titles += [name.replace("${each.key}", key) for key in re.findall(r"^    (\w+)", checks[1], re.MULTILINE)]
        elif "each.value" not in name:
            titles.append(name)
    return titles


def sessions() -> set[str]:
    """The sessions of the noxfile."""
    tree = ast.parse((ROOT / "noxfile.py").read_text("utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {one.name for one in functions if any("session" in ast.unparse(found) for found in one.decorator_list)}


def anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_smoke_test_finds_its_password_where_the_guide_puts_it() -> None:
    named = re.findall(r"`([A-Z_]+)=… nox -s smoke", DEPLOY)
    assert len(named) == 1
    assert f'"{named[0]}"' in (ROOT / "tests" / "e2e" / "smoke.py").read_text("utf-8")


def test_every_alert_policy_has_its_section_and_every_section_its_policy() -> None:
    sections = headings(OPERATE.partition("\n## Alerts\n")[2].partition("\n## ")[0], 3)
    assert len(sections) > 10
    assert sorted(sections) == sorted(policies())


def test_alarms_that_share_a_policy_are_told_apart() -> None:
    block = terraform("observability.tf").partition("  alarms = {")[2].partition("  known_alarms")[0]
    for found in re.findall(r"messages = \[(.*)\]", block):
        messages = re.findall(r'"([^"]+)"', found)
        if len(messages) > 1:
            assert all(f"*{message}*" in plain(OPERATE) for message in messages), messages


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_is_a_session_of_nox(guide: str) -> None:
    named = set(re.findall(r"nox -s ([a-z]\w*)", GUIDES[guide]))
    assert len(named) > 2
    assert named <= sessions()


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str) -> None:
    for target, fragment in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", GUIDES[guide]):
        path = (ROOT / "docs" / target) if target else ROOT / "docs" / f"{guide}.md"
        assert path.exists(), target
        if fragment:
            text = path.read_text("utf-8")
            assert fragment in {anchor(one) for level in (2, 3) for one in headings(text, level)}, fragment


@pytest.mark.parametrize("guide", GUIDES)
def test_files_that_are_named_exist(guide: str) -> None:
    named = re.findall(r"(?<![\w/.-])((?:infra|functions|docs|tests|local|web)/[\w./-]+)", GUIDES[guide])
    assert named
    assert [path for path in named if not (ROOT / path.rstrip(".")).exists()] == []


def test_the_settings_are_terraforms_variables() -> None:
    table = DEPLOY.partition("\n## Settings\n")[2].partition("\n## ")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    listed = [name for cell in first for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(listed) == sorted(re.findall(r'^variable "(\w+)"', terraform("variables.tf"), re.MULTILINE))


@pytest.mark.parametrize("guide", GUIDES)
def test_parts_of_settings_are_parts_of_them(guide: str) -> None:
    blocks = dict(re.findall(r'^variable "(\w+)" \{(.*?)^\}', terraform("variables.tf"), re.MULTILINE | re.DOTALL))
    named = [pair for pair in re.findall(r"`(\w+)\.(\w+)[` ]", GUIDES[guide]) if pair[0] in blocks]
    assert len(named) > 2
    for name, part in named:
        assert re.search(rf"\b{part}\s+= optional\(", blocks[name]), f"{name}.{part}"


def test_resources_that_are_named_are_made() -> None:
    written = "\n".join(path.read_text("utf-8") for path in TERRAFORM.glob("*.tf"))
    named = re.findall(r"\b(google_\w+)\.(\w+)", BOTH)
    assert len(named) > 3
    assert [pair for pair in named if 'resource "{}" "{}"'.format(*pair) not in written] == []


def test_subscriptions_that_are_named_exist() -> None:
    named = set(re.findall(r"\b((?:[a-z]+-)+[a-z]+\.(?:kept|relay|billing|analytics|warehouse))\b", BOTH))
    assert len(named) > 3
    assert named <= CATALOGUE["subscriptions"].keys()


def test_schedules_that_are_run_by_hand_exist() -> None:
    named = set(re.findall(r"gcloud scheduler jobs \w+ ([a-z-]+)", OPERATE))
    assert named
    assert named <= CATALOGUE["schedules"].keys()


def test_every_deployment_has_its_line_about_its_maximum() -> None:
    section = OPERATE.partition("\n## Max instances is reached\n")[2].partition("\n## ")[0]
    first = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    patterns = [name for cell in first for name in re.findall(r"`([a-z*-]+)`", cell)]
    unmatched = {p for p in patterns if not fnmatch.filter(CATALOGUE["deployments"], p)}
    assert unmatched == set()
    lacking = {name for name in CATALOGUE["deployments"] if not any(fnmatch.fnmatch(name, p) for p in patterns)}
    assert lacking == set()


def test_secrets_that_are_rotated_are_the_catalogues() -> None:
    section = OPERATE.partition("\n## Keys\n")[2]
    assert all(f"`{name}`" in section for name in CATALOGUE["secrets"])


def test_routes_that_are_named_are_in_the_contract() -> None:
    paths = yaml.load(openapi.GATEWAY_FILE.read_text("utf-8"), Loader=yaml.CSafeLoader)["paths"]
    named = re.findall(r"\b(GET|POST|PUT|DELETE) (/[\w/{}-]+)", BOTH)
    assert len(named) > 5
    assert [(method, path) for method, path in named if method.lower() not in paths.get(path, {})] == []


def test_the_close_by_hand_is_a_message_that_is_understood() -> None:
    attributes = re.search(r"--attribute='([^']+)'", OPERATE)
    message = re.search(r"--message='([^']+)'", OPERATE)
    assert attributes is not None
    assert message is not None
    workspace = "ws_" + AGENT.removeprefix("agt_")
    data = message[1].replace("WORKSPACE", workspace)
    named = dict(pair.split("=") for pair in attributes[1].replace("WORKSPACE", workspace).split(","))
    envelope = {"message": {"data": base64.b64encode(data.encode()).decode(), "attributes": named, "messageId": "1"}}
    event = events.decode(envelope, "close-requested")
    assert str(event.workspace) == workspace
    assert clock.from_text(event.row["as_of"]) == clock.from_text(json.loads(data)["as_of"])


def sums() -> list[list[str]]:
    """The tables that `nox -s cost` prints."""
    prices, assumed = cost.list_prices(), cost.Assumed()
    parts = [
        cost.of_idle_month(CATALOGUE, assumed, prices),
        cost.of_conversations(1000, assumed, prices),
        cost.of_models(1000, assumed),
        cost.of_own_domain(prices),
    ]
    return [[line.rstrip() for line in cost.table("", part)[1:]] for part in parts]


@pytest.mark.parametrize("number", range(4))
def test_costs_are_those_that_the_command_prints(number: int) -> None:
    expected = sums()[number]
    lines = [line.rstrip() for line in DEPLOY.splitlines()]
    missing = [line for line in expected if line not in lines]
    assert missing == [], "run `nox -s cost` and copy the table into docs/deploy.md"


def test_costs_say_when_their_prices_were_read_and_what_they_leave_out() -> None:
    read = sorted(price.read for price in cost.list_prices().values() if price.read)
    assert f"were read between {read[0]} and {read[-1]}" in plain(DEPLOY)
    conditions = len(policies())
    assert f"There are {conditions} conditions here, so at most USD {conditions * 3 / 2:.2f};" in plain(DEPLOY)


def test_figures_are_those_of_the_code() -> None:
    variables = terraform("variables.tf")

    def default(name: str) -> str:
        found = re.search(rf"\b{name}\s+= optional\(\w+, ([^)]+)\)", variables)
        assert found is not None, name
        return found[1]

    prod = (TERRAFORM / "environments" / "prod.tfvars").read_text("utf-8")
    defaults = CATALOGUE["subscription_defaults"]
    said = plain(OPERATE)
    facts = {
        "`alerts.error_share` (5 %)": float(default("error_share")) == 0.05,
        "`alerts.latency_ms` (2 s)": default("latency_ms") == "2000",
        "`alerts.turn_latency_ms` (60 s)": default("turn_latency_ms") == "60000",
        "`alerts.undelivered_age_s` (15 min)": default("undelivered_age_s") == "900",
        "`terms.grace_hours`, 24)": default("grace_hours") == "24",
        "A turn ends after 120 s": DEADLINES["chat"] == 120,
        "7, in prod.tfvars 35": default("backup_days") == "7" and "backup_days = 35" in prod,
        "After ten attempts": defaults["max_delivery_attempts"] == 10,
        "keeps it for seven days": defaults["retention_days"] == 7,
        "provider's list for 45 days": close_routes.PRICES_KEPT.days == 45,
        "up to 400 days ahead": close_routes.MOST_AHEAD.days == 400,
        "more than 30 days late": events.MARKS_KEPT.days == 30,
        "stay in Firestore for 100 days": events.KEPT.days == 100,
        "It comes for 35 days at most": reconciling.KEPT_DAYS == closing.EXAMINED_DAYS == 35,
        "Every night at 00:10 UTC": CATALOGUE["schedules"]["billing-close"]["cron"] == "10 0 * * *",
        "It runs every ten minutes": CATALOGUE["schedules"]["dashboard-relay"]["cron"] == "*/10 * * * *",
        "each instance serves 40 turns at once": CATALOGUE["deployments"]["agents-chat"]["concurrency"] == 40,
    }
    assert [phrase for phrase, holds in facts.items() if phrase not in said or not holds] == []


def test_exit_codes_are_those_of_the_commands() -> None:
    ends = {
        "\n## Rebuild a day\n": [rebuild.DONE, rebuild.NOT_YET, rebuild.NOT_DONE],
        "\n### The drill\n": [drill.SAME, drill.FINDINGS, drill.NOT_DONE],
    }
    for heading, codes in ends.items():
        section = OPERATE.partition(heading)[2].partition("\n## ")[0]
        assert [int(code) for code in re.findall(r"^\| (\d) \|", section, re.MULTILINE)] == codes


def test_regions_and_outputs_are_where_the_guide_says() -> None:
    assert "gateway_regions" in terraform("locals.tf")
    outputs = set(re.findall(r'^output "(\w+)"', terraform("outputs.tf"), re.MULTILINE))
    named = set(re.findall(r"`(\w+_url|cdn_address)`", DEPLOY))
    assert len(named) > 2
    assert named <= outputs


def test_no_line_of_a_guide_names_a_machine() -> None:
    assert re.findall(r"(?:/home/|/work/|/Users/|/tmp/)\S*", BOTH) == []
