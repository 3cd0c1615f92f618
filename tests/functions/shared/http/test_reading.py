"""Bad input gets its clear answer, and nothing is done."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.shared.http.callers import invoker, person


def post(client: FlaskClient, content: Any, **headers: str) -> Any:
    given = {"Content_Type": "application/json", **headers}
    return client.post("/api/things", data=content, headers=person().headers(**given))


@pytest.mark.parametrize(
    "content",
    [
        '{"name": "x"',
        "not json",
        '{"name": "x"} trailing',
        '{"name": "x", "name": "y"}',
        '{"name": "x", "count": NaN}',
        '{"name": "x", "count": Infinity}',
        '{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        "[" * 100_000,
        '{"name": "x", "count": ' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_clean_json_is_malformed(client: FlaskClient, content: str | bytes) -> None:
    answer = post(client, content)
    assert (answer.status_code, answer.json["code"]) == (400, "malformed"), answer.text


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ("{}", "/name"),
        ("", "/name"),
        ('{"name": "x", "nmae": 1}', "/nmae"),
        ('{"name": 1}', "/name"),
        ('{"name": ""}', "/name"),
        ('{"name": "x", "count": "1"}', "/count"),
        ('{"name": "x", "count": true}', "/count"),
        ('{"name": "x", "count": 1.5}', "/count"),
        ('{"name": "x", "kind": "huge"}', "/kind"),
        ('{"name": "x", "when": "yesterday"}', "/when"),
        ('{"name": "x", "tags": ["ok", "much too long"]}', "/tags/1"),
        ('{"name": "x", "a/b~c": 1}', "/a~1b~0c"),
        ("[]", ""),
        ('"text"', ""),
        ('{"name": "' + "x" * 1_000_000 + '"}', "/name"),
    ],
)
def test_wrong_values_are_named_by_a_pointer(client: FlaskClient, content: str, pointer: str) -> None:
    answer = post(client, content)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert len(answer.data) < 2000


def test_a_flood_of_faults_is_cut_short(client: FlaskClient) -> None:
    content = "{" + ",".join(f'"{number}": 1' for number in range(5000)) + "}"
    assert len(post(client, content).json["errors"]) == 50


def test_a_body_that_is_too_large_is_413_with_or_without_its_length(client: FlaskClient) -> None:
    content = b'{"name": "' + b"x" * 1_100_000 + b'"}'
    assert post(client, content).status_code == 413
    headers = person().headers(Content_Type="application/yaml")
    stated = client.post("/api/things/x/config", data=b"x" * 1001, headers=headers)
    assert (stated.status_code, stated.json["code"]) == (413, "too_large")
    assert client.post("/api/things/x/config", data=b"x" * 1000, headers=headers).status_code == 200


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_415(client: FlaskClient, media_type: str) -> None:
    answer = post(client, '{"name": "x"}', Content_Type=media_type)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("unknown=1", "/unknown"),
        ("page_size=0", "/page_size"),
        ("page_size=101", "/page_size"),
        ("page_size=x", "/page_size"),
        ("page_size=1&page_size=2", "/page_size"),
        ("oldest_first=maybe", "/oldest_first"),
        ("from=soon", "/from"),
        ("from_=2026-11-25T12:00:00Z", "/from_"),
    ],
)
def test_wrong_query_parameters_are_named(client: FlaskClient, query: str, pointer: str) -> None:
    answer = client.get(f"/api/things?{query}", headers=person().headers())
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_a_parameter_whose_name_python_keeps_for_itself_is_read(client: FlaskClient) -> None:
    assert client.get("/api/things?from=2026-11-25T12:00:00Z", headers=person().headers()).status_code == 200


def test_a_route_without_query_takes_none(client: FlaskClient) -> None:
    assert client.get("/api/me?x=1", headers=person().headers()).status_code == 422


@pytest.mark.parametrize("path", ["/api/things/a%2Fb", "/api/things%2fx", "/api//things", "/api/things/a%5Cb"])
def test_a_path_that_the_gateway_reads_differently_is_not_there(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers=person().headers()).status_code == 404


@pytest.mark.parametrize("name", ["..", "__x__", "a b", "x" * 129, "ä", "a%00b"])
def test_a_name_that_no_document_may_have_is_not_found(client: FlaskClient, name: str) -> None:
    assert client.get(f"/api/things/{name}", headers=person().headers()).status_code == 404


def test_a_method_override_is_refused(client: FlaskClient) -> None:
    answer = client.post("/api/open", headers={**invoker(), "X-HTTP-Method-Override": "OPTIONS"})
    assert answer.status_code == 400


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_BODIES = st.fixed_dictionaries(
    {}, optional={"name": _JSON, "count": _JSON, "kind": _JSON, "when": _JSON | st.datetimes().map(str), "tags": _JSON}
).map(lambda value: json.dumps(value).encode())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | _BODIES, path=st.text(max_size=30))
def test_nothing_that_is_sent_makes_us_fail(client: FlaskClient, content: bytes, path: str) -> None:
    assert post(client, content).status_code in (201, 400, 422)
    answer = client.get("/api/things/" + quote(path, safe=""), headers=person().headers())
    assert answer.status_code in (200, 404, 422)


def test_the_detail_alone_says_what_to_correct(client: FlaskClient) -> None:
    one = post(client, '{"name": "x", "colour": "red"}')
    assert one.json["detail"] == "/colour: This field is not known here."
    two = post(client, '{"colour": "red"}')
    assert two.json["detail"].endswith("(1 more in `errors`)")
    assert len(two.json["errors"]) == 2
