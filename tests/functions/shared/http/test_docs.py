"""The page of /docs shows the whole contract, takes no text for HTML, and runs nothing but its own script."""

import base64
import hashlib
import json
import re
from html import unescape
from typing import Any

import pytest

from functions.shared.http import docs, openapi
from infra import openapi as contract_writer

WHOLE: dict[str, Any] = json.loads((contract_writer.ROOT / "functions/dashboard/openapi.json").read_text("utf-8"))
PAGE = docs.page(WHOLE)


def test_every_operation_and_every_model_is_on_the_page_once() -> None:
    names = re.findall(r'<details id="([^"]+)"', PAGE)
    operations = [
        operation["operationId"]
        for item in WHOLE["paths"].values()
        for method, operation in item.items()
        if method != "options"
    ]
    assert sorted(names) == sorted([*operations, *WHOLE["components"]["schemas"]])
    assert len(operations) > 90


def test_every_link_leads_to_a_model_or_the_file() -> None:
    targets = set(re.findall(r"""href=["']([^"']+)""", PAGE))
    statuses = {f"#status-{status}" for status in WHOLE["components"]["responses"]}
    assert targets - {"openapi.json"} <= {f"#{name}" for name in WHOLE["components"]["schemas"]} | statuses
    assert all(f"id='{target[1:]}'" in PAGE for target in statuses)
    assert len(targets) > 50


def test_the_policy_allows_the_style_and_the_script_and_nothing_else() -> None:
    for element in ("style", "script"):
        (inside,) = re.findall(rf"<{element}>(.*?)</{element}>", PAGE, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in docs.POLICY
    assert docs.POLICY.startswith("default-src 'none';")
    assert "unsafe" not in docs.POLICY
    assert (
        re.findall(r"""\s(?:src|style|on\w+)=|https?://""", PAGE.partition("<body>")[2].partition("<script>")[0]) == []
    )


def test_it_says_who_calls_and_with_what() -> None:
    for scheme in WHOLE["components"]["securitySchemes"].values():
        assert scheme["description"] in unescape(PAGE)
    turn = PAGE.partition('id="agents_chat_chat_with_agent"')[2].partition("</details>")[0]
    assert "<i>console</i><i>machine</i>" in turn
    assert "Idempotency-Key" in turn
    assert 'href="#AgentTurn"' in turn
    assert 'href="#TurnAnswer"' in turn
    assert "href='#status-402'" in turn
    health = PAGE.partition("<code>/health</code>")[2].partition("</details>")[0]
    assert health == "" or "<i>public</i>" in health


def hostile(bad: str) -> dict[str, Any]:
    """A contract that says `bad` wherever a contract may say something."""
    operation = {
        "operationId": bad,
        "summary": bad,
        "tags": [bad],
        "security": [{bad: []}],
        "parameters": [{"name": bad, "in": bad, "description": bad, "schema": {"enum": [bad], "default": bad}}],
        "requestBody": {"content": {bad: {"schema": {"$ref": f"#/components/schemas/{bad}"}}}},
        "responses": {bad: {"content": {bad: {"schema": {"type": bad, "pattern": bad}}}}},
    }
    model = {"description": bad, "required": [bad], "properties": {bad: {"type": "array", "items": {"format": bad}}}}
    return {
        "openapi": bad,
        "info": {"title": bad},
        "paths": {bad: {"get": operation}},
        "components": {"schemas": {bad: model}, "securitySchemes": {bad: {"description": bad}}},
    }


def test_text_of_the_contract_is_text() -> None:
    page = docs.page(hostile('"><script>alert(1)</script>'))
    assert page.count("<script>") == 1
    assert "alert(1)" in page


@pytest.mark.parametrize("api", contract_writer.declared(), ids=lambda api: api.deployment)
def test_every_deployment_has_a_page_of_its_own_routes(api: Any) -> None:
    page = docs.page(openapi.document([api]))
    paths = {route.path for route in openapi.external([api])}
    assert set(map(unescape, re.findall(r"</b><code>([^<]+)</code>", page))) == paths
    assert ("Nothing here is called from outside" in page) == (not paths)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string", "format": "date-time", "nullable": True}, "string date-time or null"),
        ({"enum": ["a", 1, True]}, "<code>a</code> or <code>1</code> or <code>true</code>"),
        (
            {"type": "array", "items": {"$ref": "#/components/schemas/x__Money"}},
            'list of <a href="#x__Money">Money</a>',
        ),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "map to integer"),
        ({"anyOf": [{"type": "string"}, {"type": "number"}]}, "string or number"),
        ({}, "anything"),
    ],
)
def test_a_type_is_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert docs._type(schema) == words
