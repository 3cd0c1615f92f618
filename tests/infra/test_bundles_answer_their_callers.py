"""Every bundle, alone behind Cloud Run's front, answers each caller that the catalogue gives it, and nobody else."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra import bundle
from local.supervisor.addresses import HOST
from local.supervisor.plan import account
from tests import engines
from tests.cloud import PROJECT, Cloud
from tests.infra.callers import Pair, pairs
from tests.infra.callers_requests import REQUESTS
from tests.infra.deployed import CALLERS, CLOUD_RUN, DATASET, ENGINES, Deployed, catalogue, revision
from tests.infra.town import Town

DEPLOYMENTS = catalogue()["deployments"]
# The first test that needs the bundles waits until all of them have started.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def town(engines_of_session: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The engines of the fixture `cloud` for as long as this file runs, and everything deployed upon them."""
    folder = tmp_path_factory.mktemp("deployed")
    identity = engines.start("identity", folder / "identity", "--project", PROJECT)
    warehouse = engines.start("bigquery", folder / "bigquery", "--project", PROJECT, "--dataset", DATASET)
    try:
        with pytest.MonkeyPatch.context() as monkeypatch:
            engines_of_session.enter(monkeypatch, with_model=True)
            with Deployed(folder, identity, warehouse).running() as deployed:
                yield Town(engines_of_session, deployed)
    finally:
        engines_of_session.leave()
        identity.kill()
        warehouse.kill()


def test_every_caller_of_the_catalogue_has_its_request() -> None:
    assert {str(pair) for pair in pairs(catalogue())} == {str(pair) for pair in REQUESTS}


@pytest.mark.parametrize(("deployment", "caller"), [("billing-usage", "gateway"), ("billing-api", "push")])
def test_a_caller_whose_request_nobody_has_written_is_noticed(deployment: str, caller: str) -> None:
    content = copy.deepcopy(catalogue())
    content["deployments"][deployment]["callers"].append(caller)
    assert set(pairs(content)) - REQUESTS.keys() == {Pair(deployment, caller)}


@pytest.mark.parametrize("deployment", ["agents-chat", "billing-close"])
def test_a_subscription_and_a_schedule_need_requests_of_their_own(deployment: str) -> None:
    content = copy.deepcopy(catalogue())
    content["subscriptions"]["new"] = {
        "topic": "usage-recorded",
        "push": {"deployment": deployment, "path": "/events/x"},
    }
    content["schedules"]["hourly"] = {"cron": "0 * * * *", "deployment": deployment, "path": "/schedules/hourly"}
    new = {Pair(deployment, "push", "new"), Pair(deployment, "scheduler", "hourly")}
    assert set(pairs(content)) - REQUESTS.keys() == new


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_bundle_answers_alone(town: Town, deployment: str) -> None:
    """It sees its files, what its requirements install, and nothing else; nothing stands before it here."""
    port = town.deployed.addresses.functions[deployment]
    found = town.deployed.http.get(f"http://{HOST}:{port}/health", timeout=20).json()
    assert (found["status"], found["service"], found["version"]) == ("healthy", deployment, revision(deployment))


@pytest.mark.parametrize("pair", REQUESTS, ids=str)
def test_a_deployment_answers_its_caller(town: Town, pair: Pair) -> None:
    before = len(town.deployed.log(pair.deployment))
    arrived = REQUESTS[pair](town)
    lines = town.deployed.log(pair.deployment)
    # The status page that is shared by the pairs may have been asked for before.
    of_request = [line for line in lines if line.get("request_id") == arrived.request_id]
    own = of_request if arrived.request_id else lines[before:]
    told = [line for line in own if line.get("route") == arrived.route and line.get("caller") == arrived.kind]
    assert told, own
    assert all(line["status"] < 300 for line in told), told
    assert [line for line in own if line["severity"] == "ERROR" and not (line.get("alarm") and arrived.alarms)] == []


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_an_account_that_is_not_listed_is_refused_before_the_function(town: Town, deployment: str) -> None:
    address = town.deployed.addresses.deployment(deployment)
    seen = len(town.deployed.log(deployment))
    strangers = {*DEPLOYMENTS, *CALLERS} - set(DEPLOYMENTS[deployment]["callers"])
    assert deployment in strangers
    for name in sorted(strangers):
        assert refused(town, deployment, town.deployed.id_token(name, address)) == (403, "text/html"), name
    assert refused(town, deployment, None) == (403, "text/html")
    assert len(town.deployed.log(deployment)) == seen


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_listed_callers_token_for_another_deployment_is_refused(town: Town, deployment: str) -> None:
    seen = len(town.deployed.log(deployment))
    other = next(name for name in DEPLOYMENTS if name != deployment)
    for name in DEPLOYMENTS[deployment]["callers"]:
        token = town.deployed.id_token(name, town.deployed.addresses.deployment(other))
        assert refused(town, deployment, token) == (401, "text/html"), name
    assert len(town.deployed.log(deployment)) == seen


def refused(town: Town, deployment: str, token: str | None) -> tuple[int, str]:
    """Status and media type of what comes back for a request that every deployment answers."""
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    answer = town.deployed.http.get(
        f"{town.deployed.addresses.deployment(deployment)}/health", headers=headers, timeout=20
    )
    return answer.status_code, answer.headers["Content-Type"].partition(";")[0]


def test_a_bundle_gets_what_terraform_gives_it(town: Town) -> None:
    """Nothing that Terraform does not set, but the engines' addresses and what Cloud Run sets by itself."""
    text = (bundle.ROOT / "infra" / "terraform" / "functions.tf").read_text("utf-8")
    shared = text.partition("  environment = merge(")[2].partition("\n  )\n")[0]
    optional = shared.partition("for name, value in {")[2].partition("}")[0]
    own = text.partition("environment_variables = merge(local.environment, {")[2].partition("})")[0]
    aliases = text.partition("  aliases = {")[2].partition("}")[0]
    addresses = {f"{name.upper().replace('-', '_')}_URL" for name in DEPLOYMENTS}
    always = names(shared) - names(optional) | names(own) | names(aliases) | addresses
    for deployment in town.deployed.plan.deployments:
        given = town.deployed.environment(deployment)
        assert given.keys() - {*ENGINES, *CLOUD_RUN} == always
        entry: dict[str, Any] = DEPLOYMENTS[deployment.name]
        assert given["THREADS"] == str(entry["concurrency"])
        assert given["CALLERS"].split(",") == [account(name, PROJECT) for name in entry["callers"]]
        assert given["DEPLOYMENT"] == deployment.name


def names(block: str) -> set[str]:
    """The settings that a block of Terraform assigns."""
    return set(re.findall(r"^\s+([A-Z][A-Z_]+)\s+= ", block, re.MULTILINE))
