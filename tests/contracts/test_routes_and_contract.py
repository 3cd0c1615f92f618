"""The gateway leads exactly to what the code answers, and each request to one deployment."""

from collections import defaultdict

import pytest
import yaml
from openapi_spec_validator import OpenAPIV30SpecValidator

from infra import openapi


def test_the_gateway_file_is_what_the_routes_in_the_code_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert openapi.main(["--check"]) == 0, capsys.readouterr().err


def test_both_contracts_are_valid_openapi() -> None:
    declared = openapi.declared()
    gateway = yaml.load(openapi.gateway_text(declared), Loader=yaml.CSafeLoader)
    for contract in (openapi.public_contract(declared), gateway):
        assert contract["openapi"].startswith("3.0.")
        assert list(OpenAPIV30SpecValidator(contract).iter_errors()) == []


def test_each_method_of_a_path_belongs_to_one_deployment() -> None:
    """Paths that differ by parameter names alone are one path to the gateway."""
    seen = defaultdict(list)
    for api in openapi.declared():
        for route in api.routes:
            if route.external:
                shape = "/".join("{}" if part.startswith("{") else part for part in route.path.split("/"))
                seen[route.method, shape].append(f"{api.deployment} {route.path}")
    assert seen
    assert {request: routes for request, routes in seen.items() if len(routes) > 1} == {}


def test_the_gateway_calls_every_deployment_that_has_external_routes() -> None:
    catalogue = yaml.load(openapi.CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)["deployments"]
    external = {api.deployment for api in openapi.declared() if any(route.external for route in api.routes)}
    assert external == {name for name, entry in catalogue.items() if "gateway" in entry["callers"]}
    assert external == {name for name, entry in catalogue.items() if entry["trigger"] == "gateway"}
