"""The gateway's contract is valid, safe, and the same every time."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from openapi_spec_validator import OpenAPIV30SpecValidator

from functions.shared.http import CONSOLE, PUBLIC, Call, Routes
from infra import openapi
from local.gateway import contract

SAMPLE = Path(__file__).parent.parent / "functions" / "shared" / "http" / "sample" / "main.py"


@pytest.fixture(scope="module")
def sample() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample_for_openapi", SAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["sample_for_openapi"] = module
    spec.loader.exec_module(module)
    return module


def test_both_documents_are_valid(sample: ModuleType) -> None:
    gateway = yaml.load(openapi.gateway_text([sample.api]), Loader=yaml.CSafeLoader)
    for document in (openapi.public_contract([sample.api]), gateway):
        assert list(OpenAPIV30SpecValidator(document).iter_errors()) == []


def test_the_text_is_stable_and_has_no_anchors(sample: ModuleType) -> None:
    text = openapi.gateway_text([sample.api])
    assert text == openapi.gateway_text([sample.api])
    assert "&id" not in text
    assert "*id" not in text


def test_a_route_keeps_its_security_in_the_gateway(sample: ModuleType) -> None:
    paths = openapi.gateway_contract([sample.api])["paths"]
    assert paths["/api/things"]["post"]["security"] == [{"console": []}, {"machine": []}]
    assert paths["/api/chat"]["post"]["security"] == [{"visitor": []}]
    assert paths["/api/operator/workspaces/{workspace}"]["get"]["security"] == [{"console": []}]
    assert paths["/api/open"]["post"]["security"] == []
    assert paths["/health"]["get"]["security"] == []


def test_every_path_has_a_public_preflight(sample: ModuleType) -> None:
    for path, item in openapi.gateway_contract([sample.api])["paths"].items():
        assert item["options"]["security"] == [], path
        parameters = {p["name"] for p in item["options"].get("parameters", [])}
        assert parameters == {part.strip("{}") for part in path.split("/") if part.startswith("{")}


def test_internal_routes_are_not_in_the_contract(sample: ModuleType) -> None:
    paths = openapi.gateway_contract([sample.api])["paths"]
    assert not any(path.startswith(("/events/", "/schedules/")) for path in paths)


def test_backends_differ_by_deadline_and_name_their_audience(sample: ModuleType) -> None:
    contract = openapi.gateway_contract([sample.api])
    backends = contract["x-google-api-management"]["backends"]
    assert backends["sample-api"]["deadline"] == 30.0
    assert backends["sample-api-chat"]["deadline"] == 120.0
    assert backends["sample-api-chat"]["address"] == backends["sample-api-chat"]["jwtAudience"] == "${sample_api_url}"
    assert contract["paths"]["/api/chat"]["post"]["x-google-backend"] == "sample-api-chat"


def test_each_scheme_has_its_own_issuer_and_takes_tokens_from_the_header_only(sample: ModuleType) -> None:
    schemes = openapi.gateway_contract([sample.api])["components"]["securitySchemes"].values()
    assert len({scheme["x-google-auth"]["issuer"] for scheme in schemes}) == 3
    assert all(
        scheme["x-google-auth"]["jwtLocations"] == [{"header": "Authorization", "valuePrefix": "Bearer "}]
        for scheme in schemes
    )


def test_schemas_speak_openapi_3_0(sample: ModuleType) -> None:
    text = openapi.public_text([sample.api])
    for word in ('"$defs"', '"const"', '"null"', '"prefixItems"', '"examples"'):
        assert word not in text
    thing = openapi.public_contract([sample.api])["components"]["schemas"]["NewThing"]
    assert thing["additionalProperties"] is False
    assert thing["properties"]["when"]["nullable"] is True


def test_two_deployments_cannot_share_a_path() -> None:
    one, two = Routes("one-api"), Routes("two-api")

    def get_it(call: Call) -> None: ...

    def post_it(call: Call) -> None: ...

    one.get("/api/same", callers=(CONSOLE,), summary="One.")(get_it)
    two.post("/api/same", callers=(PUBLIC,), summary="Two.")(post_it)
    with pytest.raises(openapi.Missing, match="/api/same"):
        openapi.gateway_contract([one, two])


def test_the_local_gateway_takes_the_contract(sample: ModuleType) -> None:
    values = contract.placeholder_values(
        "agenthub-local", {"sample-api": "http://localhost:8001"}, "http://localhost:9", "http://localhost:8000"
    )
    # The front's own paths lead to dashboard-api, which the sample does not stand for.
    text = openapi.gateway_text([sample.api]).replace("${dashboard_api_url}", "http://localhost:8004")
    read = contract.parse(contract.fill(text, values))
    chat = next(o for o in read.operations if (o.method, o.template) == ("POST", "/api/chat"))
    assert [provider.name for provider in chat.providers] == ["visitor"]
    assert (chat.backend.audience, chat.backend.deadline) == ("http://localhost:8001", 120.0)
