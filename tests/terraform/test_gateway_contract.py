"""api-gateway.yaml, with a project's values filled in as Terraform does, is what API Gateway takes.

The rules are Google's; a breach of one of them shows only minutes into an apply.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

from infra import openapi

PROJECT, NUMBER, REGION = "agenthub-sample", "123456789012", "europe-west1"
DEPLOYMENTS = yaml.load(openapi.CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)["deployments"]
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}
# What the gateway's OpenAPI 3 extensions may hold; in OpenAPI 2 the same keys had underscores.
BACKEND = {"address", "jwtAudience", "disableAuth", "pathTranslation", "deadline", "protocol"}
AUTH = {"issuer", "jwksUri", "audiences", "jwtLocations"}
LONGEST_DEADLINE = 600.0


def address(deployment: str) -> str:
    return f"https://{deployment}-{NUMBER}.{REGION}.run.app"


@pytest.fixture(scope="module")
def text() -> str:
    """As templatefile() leaves it."""
    values = {"project": PROJECT, **{f"{name.replace('-', '_')}_url": address(name) for name in DEPLOYMENTS}}
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], openapi.GATEWAY_FILE.read_text("utf-8"))


@pytest.fixture(scope="module")
def contract(text: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return read


@pytest.fixture(scope="module")
def operations(contract: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in contract["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def extensions(node: Any) -> Iterator[tuple[str, Any]]:
    """Every x-google-… and what it holds."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(key, str) and key.startswith("x-google-"):
                yield key, value
            yield from extensions(value)
    elif isinstance(node, list):
        for value in node:
            yield from extensions(value)


def test_it_is_valid_openapi_of_a_version_that_the_gateway_takes(contract: dict[str, Any]) -> None:
    validate(contract)
    assert re.fullmatch(r"3\.0\.\d", contract["openapi"])


def test_terraform_would_fill_every_placeholder_and_takes_nothing_else_for_one(text: str) -> None:
    assert "${" not in text
    assert "%{" not in text


def test_it_fits(text: str) -> None:
    assert len(text.encode()) < 10 * 2**20
    assert not re.search(r"^\s*(- )?([\w-]+: )?[&*]\w+", text, re.MULTILINE), "the gateway counts YAML's anchors"


def test_extensions_have_the_keys_of_openapi_3(contract: dict[str, Any]) -> None:
    management = contract["x-google-api-management"]
    assert management.keys() <= {"backends", "metrics", "quota", "apiName"}
    for name, backend in management["backends"].items():
        assert backend.keys() <= BACKEND, name
    for key, value in extensions(contract):
        assert key in {"x-google-api-management", "x-google-backend", "x-google-auth"}, key
        if key == "x-google-auth":
            assert value.keys() == AUTH
        if key == "x-google-backend":
            assert isinstance(value, str)


def test_every_backend_is_a_deployment_with_its_audience_translation_and_deadline(contract: dict[str, Any]) -> None:
    gateways = {address(name): entry for name, entry in DEPLOYMENTS.items() if entry["trigger"] == "gateway"}
    backends = contract["x-google-api-management"]["backends"]
    assert {backend["address"] for backend in backends.values()} == set(gateways)
    for name, backend in backends.items():
        assert backend["jwtAudience"] == backend["address"], name
        assert backend["pathTranslation"] == "APPEND_PATH_TO_ADDRESS", name
        assert 0 < backend["deadline"] <= min(gateways[backend["address"]]["timeout"], LONGEST_DEADLINE), name
        assert "disableAuth" not in backend, name
        assert backend["protocol"] == "h2", name


def test_every_operation_has_a_backend_and_an_id_of_its_own(
    contract: dict[str, Any], operations: dict[str, dict[str, Any]]
) -> None:
    backends = contract["x-google-api-management"]["backends"]
    assert {operation["x-google-backend"] for operation in operations.values()} == set(backends)
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,99}", name) for name in ids)


def test_security_names_schemes_that_exist_and_never_two_at_once(
    contract: dict[str, Any], operations: dict[str, dict[str, Any]]
) -> None:
    schemes = contract["components"]["securitySchemes"]
    for name, operation in operations.items():
        for choice in operation.get("security", contract["security"]):
            assert len(choice) == 1, f"{name}: of two tokens at once the gateway knows nothing"
            assert choice.keys() <= schemes.keys(), name
            assert not any(choice.values()), f"{name}: scopes are ignored"


def test_each_issuer_has_its_scheme_and_every_scheme_its_audience(contract: dict[str, Any]) -> None:
    schemes = [scheme["x-google-auth"] for scheme in contract["components"]["securitySchemes"].values()]
    assert len({scheme["issuer"] for scheme in schemes}) == len(schemes)
    for scheme in schemes:
        assert scheme["audiences"]
        assert scheme["jwksUri"].startswith("https://www.googleapis.com/")
        assert all("query" not in location for location in scheme["jwtLocations"])
    assert f"https://securetoken.google.com/{PROJECT}" in {scheme["issuer"] for scheme in schemes}


def test_paths_are_what_the_gateway_can_match(contract: dict[str, Any]) -> None:
    for path in contract["paths"]:
        assert path == "/" or not path.endswith("/"), path
        assert "//" not in path, path
        for segment in path.strip("/").split("/"):
            assert re.fullmatch(r"[\w.~-]+|\{\w+\}", segment), f"{path}: a parameter is a whole segment"


def test_every_path_parameter_is_declared(contract: dict[str, Any], operations: dict[str, dict[str, Any]]) -> None:
    for name, operation in operations.items():
        path = name.partition(" ")[2]
        declared = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path)), name


def test_preflights_are_public_and_each_path_has_one(contract: dict[str, Any]) -> None:
    for path, item in contract["paths"].items():
        assert item["options"]["security"] == [], path


def test_nothing_is_referred_to_outside_of_the_document(text: str) -> None:
    assert set(re.findall(r"\$ref: '?([^#'\s]*)", text)) <= {""}


def test_the_addresses_are_host_names(contract: dict[str, Any]) -> None:
    for name in DEPLOYMENTS:
        label = address(name).removeprefix("https://").partition(".")[0]
        assert len(label) <= 63, name
