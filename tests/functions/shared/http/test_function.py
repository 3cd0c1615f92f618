"""The edge as a caller meets it, through the real functions-framework."""

from flask.testing import FlaskClient

from tests.functions.shared.http.callers import person


def test_a_thing_is_made(client: FlaskClient) -> None:
    ann = person()
    answer = client.post("/api/things", json={"name": "x"}, headers=ann.headers())
    assert answer.status_code == 201, answer.text
    assert answer.json["workspace"] == ann.claims["workspace_id"]
