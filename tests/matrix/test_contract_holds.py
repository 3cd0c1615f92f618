"""Requests of every shape, right and wrong, made out of the contract: each answer is one that the contract announces.

Schemathesis draws the requests and judges the answers; the local gateway's part (tokens, unknown paths) is tested where
it lives. An everyday run draws a few of each route; `AGENTHUB_FUZZ=100 nox -s tests -- tests/matrix/test_contract_holds.py`
draws as many as one says.
"""

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from jsonschema import Draft4Validator, FormatChecker
from schemathesis import GenerationMode
from schemathesis.core import NotSet
from werkzeug.test import TestResponse

from functions.shared.http.routes import Route
from functions.shared.identity import SCOPES, Caller
from infra.openapi import declared, public_contract
from tests.matrix.asking import body_of, external, filled, query_of, title
from tests.matrix.business import SHARED, Business
from tests.matrix.city import ROUTES, City, Who

pytestmark = pytest.mark.timeout(600)
"""The first test opens the city and founds the businesses."""

EXAMPLES = int(os.environ.get("AGENTHUB_FUZZ", "3"))
"""How many requests are drawn for each route, mode and kind of caller."""
CONTRACT: dict[str, Any] = json.loads(json.dumps(public_contract(declared())))
SCHEMA = schemathesis.openapi.from_dict(CONTRACT)
TEXT = st.text(max_size=40) | st.sampled_from(
    ["", ".", "..", "%2e%2e", "null", "0", "-1", "' OR 1=1 --", "\u202e", "\x00"]
)


def strategy(key: tuple[str, str, str], mode: GenerationMode) -> Any:
    """Requests of a route, as the contract describes them or as it does not."""
    _, method, path = key
    return SCHEMA[path][method].as_strategy(generation_mode=mode)


@pytest.fixture(scope="package")
def business(city: City) -> Business:
    """A workspace that may be turned upside down."""
    return Business(city, "Elm Dental")


@pytest.fixture(scope="package")
def people(business: Business) -> dict[Caller, list[Who]]:
    """One of each kind of caller, and the strongest of their kind."""
    operator = {**(business.owner.claims or {}), "operator": True}
    return {
        Caller.CONSOLE: [business.owner],
        Caller.MACHINE: [business.program("a program", *SCOPES, role="admin")],
        Caller.VISITOR: [business.guest],
        Caller.OPERATOR: [Who("an operator", operator)],
        Caller.PUBLIC: [Who("anybody")],
    }


CASES = [(key, caller) for key in external() for caller in sorted(ROUTES[key].callers)]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(
    ("key", "caller"), CASES, ids=lambda value: title(value) if isinstance(value, tuple) else value
)
def test_every_answer_is_one_that_the_contract_announces(
    city: City,
    business: Business,
    people: dict[Caller, list[Who]],
    key: tuple[str, str, str],
    caller: Caller,
    mode: GenerationMode,
) -> None:
    route, who = ROUTES[key], people[caller][0]
    things = {**SHARED, **business.things}

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES < 10,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(drawn=strategy(key, mode), known=st.booleans())
    def judged(drawn: Any, known: bool) -> None:
        # Half of the requests name what there is, so that they come further than to the first refusal.
        ids = things if known or mode is GenerationMode.POSITIVE else drawn.path_parameters or {}
        judge(route, sent(city, route, who, drawn, {name: str(ids[name]) for name in route.parameters}))

    try:
        judged()
    except hypothesis.errors.Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "the contract describes no request that can be made"


def sent(city: City, route: Route, who: Who, drawn: Any, ids: Mapping[str, str]) -> TestResponse:
    """What was drawn, as one request by somebody."""
    path = filled(route, {name: quote(value, safe="") for name, value in ids.items()})
    pairs = [
        (name, "true" if one is True else "false" if one is False else one)
        for name, value in (drawn.query or {}).items()
        for one in (value if isinstance(value, list) else [value])
    ]
    query = "&".join(f"{quote(str(name), safe='')}={quote(str(one), safe='')}" for name, one in pairs)
    headers = {name: str(value) for name, value in (drawn.headers or {}).items() if printable(str(value))}
    own = who.headers(route.deployment) | {"Accept": "application/json"}
    drawn_body = None if isinstance(drawn.body, NotSet) else drawn.body
    if isinstance(drawn.body, NotSet):
        content, media_type = None, None
    elif drawn.media_type and "json" in drawn.media_type:
        content, media_type = json.dumps(drawn_body).encode(), drawn.media_type
    else:
        content = drawn_body if isinstance(drawn_body, bytes) else str(drawn_body).encode("utf-8", "surrogatepass")
        media_type = drawn.media_type
    return city.send(route.deployment, route.method, f"{path}?{query}", {**headers, **own}, content, media_type)


def printable(text: str) -> bool:
    """Whether a server lets a header's value through."""
    return text.isascii() and text.isprintable()


def judge(route: Route, answer: TestResponse) -> None:
    """The status is announced, and the content is what is announced for it. 503 is the only fault that may be told."""
    told = f"{answer.status}: {answer.get_data()[:800]!r}"
    assert answer.status_code < 500 or answer.status_code == 503, told
    responses = CONTRACT["paths"][route.path][route.method.lower()]["responses"]
    status = str(answer.status_code)
    if answer.status_code == 304:
        return
    assert status in responses or answer.status_code >= 400, f"{status} is not announced; {told}"
    announced = responses.get(status, responses["default"]).get("content", {})
    if not announced:
        assert answer.get_data() == b"", told
        return
    media_type = answer.mimetype
    assert media_type in announced, f"{media_type} is not announced; {told}"
    if media_type.endswith("json"):
        content = json.loads(answer.get_data())
        problems = [error.message for error in validator(announced[media_type]["schema"]).iter_errors(content)]
        assert problems == [], told
        if answer.status_code >= 400:
            assert (content["status"], content["type"]) == (answer.status_code, "about:blank")
            assert "Traceback" not in content["detail"]


def validator(schema: dict[str, Any]) -> Draft4Validator:
    """A judge of one schema of the contract; `nullable` is OpenAPI's own word."""
    return Draft4Validator({**nullable(schema), "components": NULLABLE}, format_checker=FormatChecker())


def nullable(schema: Any) -> Any:
    """OpenAPI 3.0 in the words of JSON Schema: what is nullable may be null."""
    if isinstance(schema, list):
        return [nullable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: nullable(part) for name, part in schema.items()}
    if found.pop("nullable", None) is True:
        return {"anyOf": [found, {"type": "null"}]}
    return found


NULLABLE = nullable(CONTRACT["components"])


def test_a_sample_of_every_body_is_taken_by_its_schema() -> None:
    for key in external():
        body, media_type = body_of(ROUTES[key])
        query_of(ROUTES[key])
        announced = CONTRACT["paths"][key[2]][key[1].lower()].get("requestBody", {}).get("content", {})
        if isinstance(body, dict):
            assert validator(announced[media_type]["schema"]).is_valid(body), title(key)
