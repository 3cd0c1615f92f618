"""Terraform, the local cloud and the code name the same settings, alarms, operations and accounts."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import openapi
from local.supervisor import plan
from tests.contracts import sources

CATALOGUE: dict[str, Any] = yaml.load(openapi.CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)
TERRAFORM = openapi.ROOT / "infra" / "terraform"
# What the code can read and the cloud does not set: each with its reason.
NOT_SET = {
    "FUNCTION_TARGET": "set by Cloud Run",
    "GOOGLE_CLOUD_PROJECT": "GOOGLE_CLOUD_PROJECT_ID says it",
    "GOOGLE_SERVICE_ACCOUNT_KEY": "a function has its account's credentials; there are no keys",
    "GOOGLE_APIS_URL": "Google's own is the default",
    "IAM_CREDENTIALS_URL": "Google's own is the default",
    "IDENTITY_TOOLKIT_URL": "Google's own is the default",
    "STORAGE_URL": "Google's own is the default",
    "STRIPE_API_BASE": "Stripe's own is the default",
    "VERTEX_URL": "Google's own is the default",
    "OFFLINE_MODEL_URL": "the offline model is the laptop's",
    "WEBHOOK_ALLOW_PRIVATE": "the receivers of a laptop; in the cloud it would open our own network to customers",
    "K_SERVICE": "set by Cloud Run",
    "K_REVISION": "set by Cloud Run",
    "VERSION": "the revision, which Cloud Run sets",
    "PROXY_HOPS": "the default is what stands before a function in the cloud",
}


def file(name: str) -> str:
    return (TERRAFORM / name).read_text("utf-8")


def code() -> str:
    return "\n".join(path.read_text("utf-8") for path in sources.modules().values())


def test_every_setting_that_the_code_reads_is_set_or_has_a_reason_not_to_be() -> None:
    config = sources.modules()["functions.shared.config"].read_text("utf-8")
    read = set(re.findall(r'(?:_text|_whole|environ\.get)\(\s*"([A-Z_]+)"', config))
    assert len(read) > 20
    functions = file("functions.tf")
    aliases_and_secrets = set(plan.ALIASES) | {secret["setting"] for secret in CATALOGUE["secrets"].values()}
    missing = {name for name in read if not re.search(rf"\b{name}\s+= ", functions)}
    assert missing - aliases_and_secrets == NOT_SET.keys()


def test_the_original_systems_names_lead_to_the_same_deployments() -> None:
    aliases = dict(re.findall(r'^    ([A-Z_]+_SERVICE_URL)\s+= "([a-z-]+)"', file("functions.tf"), re.MULTILINE))
    assert aliases == plan.ALIASES


def test_the_seller_is_told_whole() -> None:
    config = sources.modules()["functions.shared.config"].read_text("utf-8")
    named = {f"SELLER_{name.upper()}" for name in ("name", "address", "country", "vat_id", "email")}
    assert all(name in file("functions.tf") for name in named)
    assert '("country", "vat_id", "email")' in config


def test_the_alarms_of_the_policies_are_in_the_code() -> None:
    block = file("observability.tf").partition("  alarms = {")[2].partition("  known_alarms")[0]
    messages = [text for line in re.findall(r"messages = \[(.*)\]", block) for text in re.findall(r'"([^"]+)"', line)]
    written = set(re.findall(r'logs\.alarm\(\s*"([^"]+)"', code()))
    assert len(messages) > 5
    assert set(messages) <= written


def test_every_operation_that_is_counted_has_its_metric() -> None:
    counted = set(re.findall(r'logs\.count\(\s*"(\w+)"', code())) - {"signature_ms"}
    listed = re.search(r"operations = \[([^\]]*)\]", file("observability.tf"))
    assert listed is not None
    assert set(re.findall(r'"(\w+)"', listed[1])) == counted


def test_metrics_read_fields_that_a_requests_line_has() -> None:
    written = sources.modules()["functions.shared.http.function"].read_text("utf-8")
    fields = set(re.findall(r"EXTRACT\(jsonPayload\.(\w+)", file("observability.tf"))) - {"message"}
    assert fields == {"caller", "latency_ms", "operations", "route", "status"}
    assert all(f'"{name}":' in written for name in fields)


def test_account_ids_fit_and_are_those_that_the_code_expects() -> None:
    accounts = set(CATALOGUE["deployments"]) | {"gateway", "push", "scheduler", "machines", "visitors", "build"}
    assert max(len(f"agenthub-{name}") for name in accounts) <= 30
    listed = re.search(r"other_accounts = \{(.*?)\n  \}", file("identities.tf"), re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"^    (\w+)\s+= ", listed[1], re.MULTILINE)) == accounts - set(CATALOGUE["deployments"])
    assert plan.account("push", "p") == "agenthub-push@p.iam.gserviceaccount.com"


def test_every_catalogue_bucket_is_made_and_every_schedule_is_within_its_limits() -> None:
    assert all(f'resource "google_storage_bucket" "{name}"' in file("storage.tf") for name in CATALOGUE["buckets"])
    for name, entry in CATALOGUE["schedules"].items():
        assert 15 <= CATALOGUE["deployments"][entry["deployment"]]["timeout"] <= 1800, name
    assert all(10 <= entry.get("ack_deadline", 60) <= 600 for entry in CATALOGUE["subscriptions"].values()), (
        "Pub/Sub waits ten minutes at most"
    )


@pytest.mark.parametrize("path", sorted(TERRAFORM.rglob("*.tf*")), ids=lambda path: path.name)
def test_no_file_gives_anything_to_everybody_but_the_cdns_files(path: Path) -> None:
    given = [
        line.strip() for line in path.read_text("utf-8").splitlines() if re.match(r"\s*member\s+=.*all\w*Users", line)
    ]
    assert given == (['member = "allUsers"'] if path.name == "storage.tf" else [])


def test_a_streaming_gateway_is_taken_over_and_never_made_or_destroyed() -> None:
    """Terraform's mocked providers cannot import, so the plan tests leave this one out."""
    gateway = file("gateway.tf")
    taken, _, made = gateway.partition('resource "google_api_gateway_gateway" "streaming" {')
    assert "to = google_api_gateway_gateway.streaming[each.key]" in taken
    assert 'gateways/agenthub-streaming"' in taken.partition("import {")[2]
    assert 'gateway_id   = "agenthub-streaming"' in made
    assert "prevent_destroy = true" in made
    assert taken.count("for_each = var.streaming ?") == made.count("for_each = var.streaming ?") == 1


def test_terraform_names_the_hosts_wherever_the_console_would_ask_any() -> None:
    (marker, written) = re.findall(
        r'replace\(file\(each\.value\), "([^"]+)", " \$\{local\.console_hosts\}(;)"\)', file("storage.tf")
    )[0]
    pages = sorted((openapi.ROOT / "web" / "console").glob("*.html"))
    policies = {
        page.name: re.findall(r'Content-Security-Policy" content="([^"]+)"', page.read_text("utf-8")) for page in pages
    }
    assert {name: len(found) for name, found in policies.items()} == {"index.html": 1, "preview.html": 1, "try.html": 1}
    for name, (policy,) in policies.items():
        assert marker in policy, name
        assert "https:" not in policy.replace(marker, written), name
