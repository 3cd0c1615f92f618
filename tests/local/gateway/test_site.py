"""What port 8000 serves next to the contract."""

import http.client

from tests.local.gateway.conftest import World


def test_the_console_stands_at_the_root_and_nobody_else_may_frame_it(world: World) -> None:
    response = world.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == "frame-ancestors 'self'"
    assert "<title>AgentHub</title>" in response.text
    assert "immutable" in world.get("/assets/index-0123456789ab.js").headers["cache-control"]


def test_the_console_is_told_the_host_by_which_the_browser_came(world: World) -> None:
    config = world.get("/config.json", Host="127.0.0.1:8123").json()
    assert config["api_url"] == "http://127.0.0.1:8123"
    assert config["identity_url"] == "http://127.0.0.1:8123/identity"
    assert set(config) >= {"cdn_url", "chat_url", "identity_key", "project"}


def test_the_loader_is_fresh_for_a_minute_and_a_hashed_file_for_ever(world: World) -> None:
    loader = world.get("/v1/widget.js")
    hashed = world.get("/v1/widget-0123456789ab.js")
    assert loader.headers["cache-control"] == "public, max-age=60"
    assert loader.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in hashed.headers["cache-control"]
    assert hashed.headers["access-control-allow-origin"] == "*"


def test_a_file_that_the_browser_has_is_not_sent_again(world: World) -> None:
    etag = world.get("/v1/widget.js").headers["etag"]
    again = world.get("/v1/widget.js", If_None_Match=etag)
    assert (again.status_code, again.content) == (304, b"")
    head = world.call("HEAD", "/v1/widget.js")
    assert (head.status_code, head.content) == (200, b"")


def test_no_file_outside_the_build_folder_is_served(world: World) -> None:
    for path in (
        "/assets/../../secret.txt",
        "/..%2fsecret.txt",
        "/v1/../../secret.txt",
        "/v1/..%2f..%2fsecret.txt",
        "/v1/%2e%2e/%2e%2e/secret.txt",
        "/v1/%00",
    ):
        connection = http.client.HTTPConnection(world.gateway.partition("://")[2], timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 404, path
        assert b"not to be served" not in response.read()
        connection.close()


def test_only_get_and_head_are_taken_there(world: World) -> None:
    assert world.call("POST", "/v1/widget.js").status_code == 405


def test_the_card_services_pages_are_shown_under_its_name(world: World) -> None:
    paid = world.call("POST", "/cards/checkout/cs_1?x=1", data={"how": "card"}).json()
    assert (paid["method"], paid["path"], paid["size"]) == ("POST", "/checkout/cs_1?x=1", 8)
    assert world.get("/cards/").json()["path"] == "/"
    assert world.get("/cards").status_code == 404
