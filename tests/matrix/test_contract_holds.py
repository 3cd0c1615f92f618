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
from tests.matrix.asking import ask, body_of, external, filled, nobody, query_of, title
from tests.matrix.business import KINDS, SHARED, Business, etag_of
from tests.matrix.city import ROUTES, City, Who

pytestmark = pytest.mark.timeout(600)
"""The first test opens the city and founds the businesses."""

EVERYDAY = 2
EXAMPLES = int(os.environ.get("AGENTHUB_FUZZ", EVERYDAY))
"""How many requests are drawn for each route, right ones and wrong ones. `--draw WORD` draws the same again."""
COMPANION = {
    "/api/agents/{agent}/knowledge/{item}/file": ("agents-api", "GET", "/api/agents/{agent}/knowledge/{item}"),
    "/api/widgets/{widget}/avatar": ("widgets-api", "GET", "/api/widgets/{widget}"),
}
"""Where a route's ETag is read when it is not a GET of the same path."""
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
def people(business: Business) -> dict[Caller, Who]:
    """One of each kind of caller, and the strongest of their kind."""
    operator = {**(business.owner.claims or {}), "operator": True}
    return {
        Caller.CONSOLE: business.owner,
        Caller.MACHINE: business.program("a program", *SCOPES, role="admin"),
        Caller.VISITOR: business.guest,
        Caller.OPERATOR: Who("an operator", operator),
        Caller.PUBLIC: Who("anybody"),
    }


ORDER = ("agents-chat", "widgets-public")
"""Whoever talks comes first: later requests archive and change what they talk to."""
CASES = sorted(external(), key=lambda key: key[0] not in ORDER)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("key", CASES, ids=title)
def test_every_answer_is_one_that_the_contract_announces(
    request: pytest.FixtureRequest,
    city: City,
    business: Business,
    people: dict[Caller, Who],
    key: tuple[str, str, str],
    mode: GenerationMode,
) -> None:
    route = ROUTES[key]
    things = {**SHARED, **business.things}
    right = mode is GenerationMode.POSITIVE

    @hypothesis.seed(f"{request.config.option.draw} {key} {mode}")
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(
        drawn=strategy(key, mode),
        known=st.booleans() if right else st.just(True),
    )
    def judged(drawn: Any, known: bool) -> None:
        # Most requests name what there is, so that they come further than to the first refusal.
        ids = things if known else {name: nobody(name) if name in KINDS else "x" for name in route.parameters}
        for caller in sorted(route.callers):
            more = {}
            if route.if_match and right and known and route.method != "DELETE":
                shown = ROUTES.get(
                    (route.deployment, "GET", route.path), ROUTES.get(COMPANION.get(route.path, ("", "", "")))
                )
                assert shown is not None, f"{title(key)}: say in COMPANION which route shows its ETag"
                more["If-Match"] = etag_of(ask(city, shown, business.owner, things))
            judge(route, sent(city, route, people[caller], drawn, ids, more))

    try:
        judged()
    except hypothesis.errors.Unsatisfiable:
        assert not right, "the contract describes no request that can be made"


def sent(
    city: City, route: Route, who: Who, drawn: Any, ids: Mapping[str, str], more: Mapping[str, str]
) -> TestResponse:
    """What was drawn, as one request by somebody."""
    path = filled(route, {name: quote(value, safe="") for name, value in ids.items()})
    pairs = [
        (name, "true" if one is True else "false" if one is False else one)
        for name, value in (drawn.query or {}).items()
        for one in (value if isinstance(value, list) else [value])
    ]
    query = "&".join(f"{quote(str(name), safe='')}={quote(str(one), safe='')}" for name, one in pairs)
    headers = {name: str(value) for name, value in (drawn.headers or {}).items() if printable(str(value))}
    own = who.headers(route.deployment) | {"Accept": "application/json", **more}
    drawn_body = None if isinstance(drawn.body, NotSet) else drawn.body
    if isinstance(drawn.body, NotSet):
        content, media_type = None, None
    elif drawn.media_type and "json" in drawn.media_type and not isinstance(drawn_body, bytes):
        content, media_type = json.dumps(drawn_body, default=repr).encode(), drawn.media_type
    else:
        content = drawn_body if isinstance(drawn_body, bytes) else str(drawn_body).encode("utf-8", "surrogatepass")
        media_type = drawn.media_type
    return city.send(route.deployment, route.method, f"{path}?{query}", {**headers, **own}, content, media_type)


def printable(text: str) -> bool:
    """Whether a server lets a header's value through."""
    return text.isascii() and text.isprintable()


def judge(route: Route, answer: TestResponse) -> None:
    """The status is announced and no fault of ours, and the content is what is announced for it."""
    told = f"{answer.status}: {answer.get_data()[:800]!r}"
    assert answer.status_code < 500, told
    responses = CONTRACT["paths"][route.path][route.method.lower()]["responses"]
    status = str(answer.status_code)
    assert status in responses, f"{status} is not announced; {told}"
    said = responses[status]
    if "$ref" in said:
        said = CONTRACT["components"]["responses"][said["$ref"].rpartition("/")[2]]
    announced = said.get("content", {})
    assert set(said.get("headers", {})) <= set(answer.headers.keys()), told
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
