"""Reading api-gateway.yaml: what is filled, what is refused, and by which words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.gateway.contract import ContractError, fill, parse, placeholder_values

VALUES = placeholder_values("p1", {"echo-api": "http://e.test"}, "http://id.test", "http://localhost:8000")


def document(**changes: Any) -> dict[str, Any]:
    auth = {"issuer": "i", "jwksUri": "http://keys.test", "audiences": ["a"]}
    return {
        "openapi": "3.0.4",
        "x-google-api-management": {"backends": {"b": {"address": "http://b.test"}}},
        "components": {
            "securitySchemes": {
                "one": {"type": "oauth2", "x-google-auth": auth},
                "two": {"type": "oauth2", "x-google-auth": {**auth, "issuer": "j"}},
                "key": {"type": "apiKey", "in": "query", "name": "key"},
            }
        },
        "paths": {"/a": {"get": {"x-google-backend": "b", **changes}}},
    }


def read(**changes: Any) -> Any:
    return parse(yaml.safe_dump(document(**changes))).operations[0]


def test_placeholders_are_found_however_they_are_written() -> None:
    text = '${project} ${ECHO_API_URL} ${echo-api} ${echo_api_url} ${addresses["echo-api"]} ${GATEWAY_HOST}'
    assert fill(text, VALUES).split() == ["p1", *["http://e.test"] * 4, "localhost:8000"]


def test_every_unknown_placeholder_is_named() -> None:
    with pytest.raises(ContractError, match=r"first, second"):
        fill("${second} ${first} ${project}", VALUES)


def test_a_backend_without_wishes_gets_googles_defaults() -> None:
    backend = read().backend
    assert (backend.audience, backend.constant, backend.deadline) == ("http://b.test", False, 15.0)


def test_alternatives_are_kept_and_a_key_goes_with_a_token() -> None:
    operation = read(security=[{"one": []}, {"two": [], "key": []}])
    assert [provider.name for provider in operation.providers] == ["one", "two"]
    assert operation.key_locations[0].query == "key"
    assert read(security=[{}, {"key": []}]).key_locations is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"security": [{"one": [], "two": []}]}, "two JWT schemes at once"),
        ({"security": [{}, {"one": []}]}, "cannot be optional"),
        ({"security": [{"three": []}]}, "three is not defined"),
        ({"x-google-backend": "c"}, "'c' names no backend"),
        ({"x-google-backend": {"address": "http://x"}}, "names no backend"),
        ({"x-google-quota": {"metricCosts": {"m": 1}}}, "no quota limit for the metric m"),
    ],
)
def test_what_api_gateway_would_refuse_is_refused_with_its_place(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words) as refusal:
        read(**changes)
    assert "GET /a" in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("openapi",), "2.0", "not an OpenAPI 3"),
        (("x-google-api-management", "backends", "b", "deadline"), 4000, "at most 3600"),
        (("x-google-api-management", "backends", "b", "address"), "b.test", "not an address"),
        (("x-google-api-management", "backends", "b", "pathTranslation"), "X", "unknown"),
        (("components", "securitySchemes", "two", "x-google-auth", "issuer"), "i", "same issuer"),
        (("components", "securitySchemes", "two", "x-google-auth", "jwksUri"), "", "needs issuer and jwksUri"),
        (("components", "securitySchemes", "two", "x-google-auth", "audiences"), "a", "must be a list"),
        (("servers",), [{"x-google-endpoint": {}}, {"x-google-endpoint": {}}], "only one server"),
        (("paths",), {"/a/": {"get": {"x-google-backend": "b"}}}, "unexpected end of input"),
    ],
)
def test_mistakes_elsewhere_are_refused_too(path: tuple[str, ...], value: Any, words: str) -> None:
    whole = document()
    place = whole
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ContractError, match=words):
        parse(yaml.safe_dump(whole))


def test_allow_cors_and_audiences_come_from_the_server_with_the_endpoint() -> None:
    whole = document(security=[{"one": []}])
    del whole["components"]["securitySchemes"]["one"]["x-google-auth"]["audiences"]
    whole["servers"] = [{"url": "https://api.test/v1", "x-google-endpoint": {"allowCors": True}}]
    contract = parse(yaml.safe_dump(whole))
    assert contract.allow_cors
    assert contract.operations[0].providers[0].audiences == {"https://api.test"}


def test_the_sample_of_these_tests_can_be_read() -> None:
    text = (Path(__file__).parent / "contract.yaml").read_text()
    values = VALUES | {"down": "http://down.test", "down_url": "http://down.test"}
    contract = parse(fill(text, values))
    assert contract.limits == {"calls": 3}
    assert contract.wildcards == {("/files/{rest}", "rest")}
