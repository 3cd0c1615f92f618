"""The catalogue as the supervisor reads it."""

from pathlib import Path

import pytest

from local.supervisor.addresses import Addresses
from local.supervisor.environment import cards_key, for_all, for_one
from local.supervisor.plan import Plan
from tests.engines import ROOT
from tests.local.supervisor.conftest import SAMPLE

CATALOGUE = SAMPLE / "infra" / "catalogue.yaml"


def test_the_projects_own_catalogue_can_be_read() -> None:
    plan = Plan.read(ROOT / "infra" / "catalogue.yaml", ROOT)
    ports = [deployment.port for deployment in plan.deployments]
    assert len(set(ports)) == len(ports)
    assert plan.schedules["dashboard-relay"].path == "/schedules/dashboard-relay"


@pytest.mark.parametrize(
    ("source", "obstacle"),
    [
        (None, "there is no functions/echo/main.py"),
        ("def other(): pass", "functions/echo/main.py has no echo"),
        ("def echo(:", "functions/echo/main.py line 1: invalid syntax"),
        ("async def echo(): pass", None),
        ("from somewhere import thing as echo", None),
        ("echo = print", None),
        ("echo: object = print", None),
    ],
)
def test_a_tree_that_cannot_start_a_deployment_says_why(
    tmp_path: Path, source: str | None, obstacle: str | None
) -> None:
    (tmp_path / "functions" / "echo").mkdir(parents=True)
    if source is not None:
        (tmp_path / "functions" / "echo" / "main.py").write_text(source)
    assert Plan.read(CATALOGUE, tmp_path).deployments[0].obstacle() == obstacle


def test_a_server_of_somebody_else_is_used_instead_of_ours() -> None:
    environment = {"FIRESTORE_EMULATOR_HOST": "emulator.test:8080", "STORAGE_EMULATOR_HOST": "http://storage.test"}
    environment |= {"USE_BIGQUERY": "true", "TRIAL_CAP": "7", "OPENAI_BASE_URL": "http://models.test/v1"}
    plan = Plan.read(CATALOGUE, SAMPLE)
    addresses = Addresses.choose(plan, 0, environment)
    try:
        found = for_all(plan, addresses, "agenthub-local", environment, signing_key="k" * 64, cards_secret="whsec_c")
    finally:
        addresses.close()
    assert addresses.external.keys() == {"firestore", "storage"}
    assert found["FIRESTORE_EMULATOR_HOST"] == "emulator.test:8080"
    assert found["STORAGE_EMULATOR_HOST"] == "http://storage.test"
    assert "BIGQUERY_EMULATOR_HOST" not in found
    assert (found["TRIAL_CAP"], found["OPENAI_BASE_URL"]) == ("7", "http://models.test/v1")
    assert found["DEFAULT_MODEL"].startswith("offline/")
    assert found["ECHO_RELAY_URL"].startswith("http://127.0.0.1:")


def test_every_deployment_listens_on_its_own_port_and_the_aliases_follow(tmp_path: Path) -> None:
    plan = Plan.read(ROOT / "infra" / "catalogue.yaml", ROOT)
    addresses = Addresses.choose(plan, 0, {})
    try:
        found = for_all(plan, addresses, "agenthub-local", {}, signing_key="k" * 64, cards_secret="whsec_c")
    finally:
        addresses.close()
    urls = [found[f"{d.name.upper().replace('-', '_')}_URL"] for d in plan.deployments]
    assert len(set(urls)) == len(urls)
    assert found["AGENT_SERVICE_URL"] == found["AGENTS_API_URL"]
    own = for_one(plan.deployments[0], "agenthub-local", tmp_path / "key.json")
    assert own["CALLERS"].split(",")[0] == "agenthub-gateway@agenthub-local.iam.gserviceaccount.com"


def test_cards_are_paid_here_unless_somebody_has_a_key_of_stripes() -> None:
    plan = Plan.read(CATALOGUE, SAMPLE)
    addresses = Addresses.choose(plan, 0, {})
    try:
        ours, own = (
            for_all(plan, addresses, "agenthub-local", environment, signing_key="k" * 64, cards_secret="whsec_c")
            for environment in ({"STRIPE_API_KEY": ""}, {"STRIPE_API_KEY": "sk_test_own"})
        )
    finally:
        addresses.close()
    assert (ours["STRIPE_API_BASE"], ours["STRIPE_WEBHOOK_SECRET"]) == (addresses.engine("cards"), "whsec_c")
    assert ours["STRIPE_API_KEY"] == cards_key("whsec_c")
    assert own["STRIPE_API_KEY"] == "sk_test_own"
    assert own.keys().isdisjoint({"STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRET"})
