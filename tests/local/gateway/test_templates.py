"""Path templates: the specific one wins, whatever the order in which they are added."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.gateway.templates import Routes, TemplateError, normal_path, segments


def routes(*templates: str) -> Routes[str]:
    made: Routes[str] = Routes()
    for template in templates:
        made.add("GET", template, template, frozenset({"rest"}))
    return made


@given(st.permutations(["/a/{x}", "/a/b", "/a/{x}/c", "/a/b/c", "/a/{rest}", "/{x}/b", "/"]))
@settings(max_examples=30)
def test_the_order_of_templates_does_not_matter(templates: list[str]) -> None:
    made = routes(*templates)
    wanted = {
        "/a/b": "/a/b",
        "/a/z": "/a/{x}",
        "/a/z/c": "/a/{x}/c",
        "/a/b/c": "/a/b/c",
        "/a/b/d": "/a/{rest}",
        "/z/b": "/{x}/b",
        "/": "/",
        "/a/b/": "/a/b",
    }
    for path, template in wanted.items():
        match = made.match("GET", path)
        assert match is not None
        assert match.found == template
    assert made.match("GET", "/z") is None


def test_a_template_that_lacks_the_method_gives_way_to_one_that_has_it() -> None:
    made = routes("/a/b")
    made.add("POST", "/a/{x}", "post")
    match = made.match("POST", "/a/b")
    assert match is not None
    assert (match.found, match.parameters) == ("post", [("x", "b")])
    missing = made.match("PUT", "/a/b")
    assert missing is not None
    assert (missing.found, missing.template) == (None, "/a/b")


def test_an_encoded_slash_is_part_of_its_segment() -> None:
    match = routes("/a/{x}").match("GET", "/a/1%2F2")
    assert match is not None
    assert match.parameters == [("x", "1%2F2")]


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("//a///b", "/a/b"),
        ("/a/./b/../c", "/a/c"),
        ("/a/%2e%2E/b", "/b"),
        ("/../../x", "/x"),
        ("/a/", "/a/"),
        ("/a/..%2Fb", "/a/..%2Fb"),
        ("", "/"),
    ],
)
def test_paths_are_made_normal_before_they_are_matched(path: str, normal: str) -> None:
    assert normal_path(path) == normal


@pytest.mark.parametrize("template", ["a", "/a/", "/a/x-{y}", "/a/{x}{y}"])
def test_templates_that_api_gateway_refuses_are_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        segments(template)
