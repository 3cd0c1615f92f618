"""The catalogue's `access`, which Terraform grants exactly, is what each deployment's code reaches, and nothing more.

Whose collections a folder writes is checked elsewhere, over the code: IAM cannot divide Firestore.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

import pytest
import yaml

from functions.shared import contracts
from infra import openapi
from tests.contracts import sources

CATALOGUE: dict[str, Any] = yaml.load(openapi.CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)
ACCESS: dict[str, dict[str, Any]] = CATALOGUE["access"]
EVENTS = {
    "usage-recorded",
    "conversation-recorded",
    "ledger-recorded",
    "invoice-recorded",
    "notifications",
    "agent-published",
    "export-requested",
}
# Which topics a module publishes to: what it publishes may have been made elsewhere, so a reader has to know.
PUBLISHING = {
    "functions.agents.admission": {"notifications"},
    "functions.agents.feedback": {"conversation-recorded"},
    "functions.agents.publishing": {"agent-published"},
    "functions.agents.resolving": {"usage-recorded", "conversation-recorded"},
    "functions.agents.turns": {"usage-recorded", "notifications"},
    "functions.agents.wishes": {"conversation-recorded", "notifications"},
    "functions.analytics.exporting": {"export-requested"},
    "functions.analytics.exports": {"export-requested"},
    "functions.billing.books": {"ledger-recorded", "invoice-recorded", "notifications"},
    "functions.billing.cap_alerts": {"notifications"},
    "functions.billing.closing": {"close-requested"},
    "functions.billing.pending": {"usage-recorded"},
    "functions.billing.reconciling": {"usage-recorded", "ledger-recorded", "invoice-recorded"},
    "functions.dashboard.invitations": {"notifications"},
    "functions.dashboard.relay": EVENTS,
    "functions.dashboard.sweeping": {"sweep-requested"},
    "functions.shared.failing": {"notifications"},
}
DEPLOYMENTS = {api.deployment: {route.handler.__module__ for route in api.routes} for api in openapi.declared()}


@pytest.fixture(params=DEPLOYMENTS, ids=str)
def deployment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def reached(deployment: str) -> set[str]:
    """The modules that the deployment's own routes lead to: a bundle carries more, for its folder's other deployments."""
    return sources.reached_from(DEPLOYMENTS[deployment])


@cache
def uses(module: str, of: str) -> set[str]:
    """The functions of `of` that a module calls."""
    parsed = sources.tree(module)
    names = {
        alias.asname or alias.name
        for node in ast.walk(parsed)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if f"{node.module}.{alias.name}" == of
    }
    return {
        node.func.attr
        for node in ast.walk(parsed)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in names
    }


def used(deployment: str, of: str) -> set[str]:
    """The functions of `of` that the deployment may call."""
    return {name for module in reached(deployment) for name in uses(module, of)}


def text(deployment: str) -> Iterator[str]:
    return (sources.modules()[module].read_text("utf-8") for module in reached(deployment))


@cache
def sending() -> set[str]:
    """The functions of shared/events that send something, themselves or by another."""
    functions = [node for node in sources.tree("functions.shared.events").body if isinstance(node, ast.FunctionDef)]
    found = {"_send"}
    for _ in functions:
        found |= {
            one.name
            for one in functions
            for node in ast.walk(one)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in found
        }
    return found


def test_access_is_given_to_deployments_and_of_kinds_that_terraform_knows() -> None:
    assert ACCESS.keys() <= CATALOGUE["deployments"].keys()
    kinds = {kind for entry in ACCESS.values() for kind in entry}
    assert kinds == {"topics", "tables", "buckets", "signs", "models", "people"}
    assert all(entry for entry in ACCESS.values())


def test_the_modules_that_publish_are_known() -> None:
    publishing = {module for module in sources.modules() if uses(module, "functions.shared.events") & sending()}
    assert publishing == PUBLISHING.keys()
    assert set().union(*PUBLISHING.values()) == set(get_args(contracts.Topic))


def test_a_deployment_may_publish_what_its_code_publishes(deployment: str) -> None:
    published = {topic for module in reached(deployment) for topic in PUBLISHING.get(module, ())}
    assert set(ACCESS.get(deployment, {}).get("topics", [])) == published


def test_a_deployment_may_read_the_tables_that_its_queries_read(deployment: str) -> None:
    routines = CATALOGUE["bigquery"]["routines"]
    named = {
        name
        for content in text(deployment)
        if "bigquery.query(" in content or "bigquery.stream(" in content
        for name in re.findall(r"\{dataset\}\.(\w+)", content)
    }
    read = {
        table
        for name in named
        for table in (re.findall(r"\{dataset\}\.(\w+)", routines[name]["sql"]) if name in routines else [name])
    }
    assert set(ACCESS.get(deployment, {}).get("tables", [])) == read
    assert bool(read) == bool(used(deployment, "functions.shared.bigquery"))


def test_a_deployment_may_do_with_a_bucket_what_its_code_does(deployment: str) -> None:
    wanted = {}
    for module in reached(deployment):
        done = uses(module, "functions.shared.storage")
        content = sources.modules()[module].read_text("utf-8")
        for bucket in CATALOGUE["buckets"]:
            if done and f"{bucket}_bucket" in content:
                wanted[bucket] = wanted.get(bucket, set()) | done
    allowed = {
        "keep": {"read", "write_once", "stream_once"},
        "publish": {"write", "delete"},
        "read": {"read"},
        "show": {"signed_url"},
    }
    granted = ACCESS.get(deployment, {}).get("buckets", {})
    assert granted.keys() == wanted.keys()
    for bucket, how in granted.items():
        assert wanted[bucket] <= allowed[how], bucket


def test_a_deployment_may_sign_the_tokens_that_its_code_issues(deployment: str) -> None:
    issued = used(deployment, "functions.shared.identity.tokens") & {"machine_token", "visitor_token"}
    signs = ACCESS.get(deployment, {}).get("signs")
    assert issued == ({f"{signs.removesuffix('s')}_token"} if signs else set())


def test_a_deployment_may_call_models_and_see_people_where_its_code_does(deployment: str) -> None:
    granted = ACCESS.get(deployment, {})
    assert granted.get("models", False) == ("functions.agents.connections" in reached(deployment))
    assert granted.get("people", False) == ("functions.dashboard.people" in reached(deployment))


def test_a_secret_goes_where_its_setting_is_read(deployment: str) -> None:
    config = sources.modules()["functions.shared.config"].read_text("utf-8")
    for name, secret in CATALOGUE["secrets"].items():
        read = re.search(rf'def (\w+)\([^\n]*\n(?:(?!    def ).*\n)*?.*"{secret["setting"]}"', config)
        assert read is not None, name
        assert (deployment in secret["deployments"]) == any(f"settings().{read[1]}" in t for t in text(deployment))
