"""The catalogue and the code name the same deployments, topics, pushes, schedules, collections and tables."""

import importlib
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from functions.shared import contracts
from functions.shared.http.routes import Routes
from functions.shared.identity import Caller
from infra import openapi
from tests.contracts.sources import FOLDERS, FUNCTIONS

CATALOGUE: dict[str, Any] = yaml.load(openapi.CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)
DEPLOYMENTS: dict[str, dict[str, Any]] = CATALOGUE["deployments"]
# Who calls, and is no deployment.
ACCOUNTS = {"gateway", "push", "scheduler"}
# Pub/Sub itself publishes to it, no code of ours.
NOT_PUBLISHED = {"dead-letters"}


def routes() -> dict[str, Routes]:
    return {api.deployment: api for api in openapi.declared()}


def internal(caller: Caller) -> set[tuple[str, str]]:
    """(deployment, path) of the code's routes for one internal caller."""
    return {(name, route.path) for name, api in routes().items() for route in api.routes if caller in route.callers}


@pytest.mark.parametrize("folder", FOLDERS)
def test_entry_points_are_those_of_the_catalogue_by_name(folder: str) -> None:
    module = importlib.import_module(f"functions.{folder}.main")
    expected = {entry["entry_point"] for entry in DEPLOYMENTS.values() if entry["folder"] == folder}
    assert set(module.ROUTES) == expected
    assert {getattr(module, name).__name__ for name in expected} == expected


def test_an_entry_point_is_its_deployment_in_python() -> None:
    assert {name.replace("-", "_") for name in DEPLOYMENTS} == {entry["entry_point"] for entry in DEPLOYMENTS.values()}


def test_every_folder_is_deployed_and_every_deployment_has_a_folder() -> None:
    folders = {path.parent.name for path in FUNCTIONS.glob("*/__init__.py")} - {"shared"}
    assert {entry["folder"] for entry in DEPLOYMENTS.values()} == folders == set(FOLDERS)


class _EachKeyOnce(yaml.SafeLoader):
    """YAML would take the last of two equal keys without a word; two branches merged can leave such a pair."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found = super().construct_mapping(node, deep)
        assert len(found) == len(node.value), f"a key comes twice:{node.start_mark}"
        return found


@pytest.mark.parametrize("path", [openapi.CATALOGUE, openapi.GATEWAY_FILE], ids=lambda path: path.name)
def test_no_key_comes_twice(path: Path) -> None:
    assert yaml.load(path.read_text("utf-8"), _EachKeyOnce)


def test_the_check_of_the_keys_finds_a_second_one() -> None:
    with pytest.raises(AssertionError, match="twice"):
        yaml.load("a: { b: 1, c: 2, b: 3 }", _EachKeyOnce)


def test_no_port_is_given_twice() -> None:
    assert max(Counter(entry["port"] for entry in DEPLOYMENTS.values()).values()) == 1


def test_callers_are_deployments_or_known_accounts() -> None:
    named = {caller for entry in DEPLOYMENTS.values() for caller in entry["callers"]}
    assert named <= ACCOUNTS | DEPLOYMENTS.keys()


def test_topics_are_those_that_the_code_knows() -> None:
    assert set(CATALOGUE["topics"]) == set(get_args(contracts.Topic)) | NOT_PUBLISHED


def test_subscriptions_are_of_topics_that_exist_and_every_topic_is_read() -> None:
    assert {entry["topic"] for entry in CATALOGUE["subscriptions"].values()} == set(CATALOGUE["topics"])


def test_every_push_has_its_route_and_every_push_route_its_subscription() -> None:
    pushes = {
        (entry["push"]["deployment"], entry["push"]["path"])
        for entry in CATALOGUE["subscriptions"].values()
        if "push" in entry
    }
    assert pushes == internal(Caller.PUSH)


def test_a_push_goes_to_the_path_of_its_topic() -> None:
    for name, entry in CATALOGUE["subscriptions"].items():
        if "push" in entry:
            assert entry["push"]["path"] == f"/events/{entry['topic']}", name


def test_every_schedule_has_its_route_and_every_scheduled_route_its_schedule() -> None:
    schedules = {(entry["deployment"], entry["path"]) for entry in CATALOGUE["schedules"].values()}
    assert schedules == internal(Caller.SCHEDULER)
    assert all(entry["path"] == f"/schedules/{name}" for name, entry in CATALOGUE["schedules"].items())


def test_push_and_scheduler_may_call_where_they_have_routes_and_nowhere_else() -> None:
    for caller, account in ((Caller.PUSH, "push"), (Caller.SCHEDULER, "scheduler")):
        listed = {name for name, entry in DEPLOYMENTS.items() if account in entry["callers"]}
        assert listed == {name for name, _ in internal(caller)}


def test_a_push_is_given_as_long_as_its_function_may_take() -> None:
    """A shorter deadline for acknowledging would deliver again what is still being worked on."""
    default = CATALOGUE["subscription_defaults"]["ack_deadline"]
    for name, entry in CATALOGUE["subscriptions"].items():
        if "push" in entry and entry["topic"] not in NOT_PUBLISHED:
            timeout = DEPLOYMENTS[entry["push"]["deployment"]]["timeout"]
            assert entry.get("ack_deadline", default) >= timeout, name


def test_collections_of_the_catalogue_have_an_owner() -> None:
    firestore = CATALOGUE["firestore"]
    named = set(firestore["collections"]) | {index["collection"] for index in firestore["indexes"]}
    assert named <= contracts.OWNERS.keys()
    assert set(contracts.OWNERS.values()) <= {*FOLDERS, "shared"}


def test_every_table_is_fed_by_one_subscription() -> None:
    fed = Counter(entry["bigquery"]["table"] for entry in CATALOGUE["subscriptions"].values() if "bigquery" in entry)
    assert fed == dict.fromkeys(CATALOGUE["bigquery"]["tables"], 1)
