"""The router: literal segments before parameters, for each method on its own."""

import pytest

from functions.shared.http import CONSOLE, Call, Routes
from functions.shared.http.router import Router

api = Routes("sample")


def declare(method: str, path: str) -> None:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    scope: dict[str, object] = {"Call": Call}
    exec(f"def handler(call: Call, {', '.join(f'{name}: str' for name in names)}) -> None: ...", scope)
    api.route(method, path, callers=(CONSOLE,), summary="A route.", if_match=False)(scope["handler"])


declare("GET", "/api/things")
declare("GET", "/api/things/{thing}")
declare("DELETE", "/api/things/{item}")
declare("GET", "/api/things/newest")
declare("GET", "/api/things/{thing}/parts/{part}")
declare("POST", "/api/things/newest/parts/all")
router = Router(api.routes)


@pytest.mark.parametrize(
    ("method", "path", "template", "parameters"),
    [
        ("GET", "/api/things", "/api/things", {}),
        ("HEAD", "/api/things", "/api/things", {}),
        ("GET", "/api/things/a b", "/api/things/{thing}", {"thing": "a b"}),
        ("DELETE", "/api/things/x", "/api/things/{item}", {"item": "x"}),
        ("GET", "/api/things/newest", "/api/things/newest", {}),
        ("DELETE", "/api/things/newest", "/api/things/{item}", {"item": "newest"}),
        ("GET", "/api/things/newest/parts/all", "/api/things/{thing}/parts/{part}", {"thing": "newest", "part": "all"}),
        ("POST", "/api/things/newest/parts/all", "/api/things/newest/parts/all", {}),
    ],
)
def test_a_path_finds_its_route_for_each_method(
    method: str, path: str, template: str, parameters: dict[str, str]
) -> None:
    route, found = router.find(path)[method]
    assert (route.path, found) == (template, parameters)


@pytest.mark.parametrize(
    "path",
    ["", "/", "api/things", "/api", "/api/", "/api//x", "/api/things//", "/api/things/x/", "/api/things/x/y/z", "*"],
)
def test_any_other_path_finds_nothing(path: str) -> None:
    assert router.find(path) == {}


def test_methods_that_nobody_declared_are_not_taken() -> None:
    assert set(router.find("/api/things/x")) == {"GET", "HEAD", "DELETE"}
    assert set(router.find("/api/things/x/parts/y")) == {"GET", "HEAD"}
