"""The console's types hold against the contract, its pure parts keep their word, and what a page loads stays small."""

from infra import web
from tests.web.console import weights

CONSOLE = web.FrontEnd("console")


def test_the_sources_fit_the_routes_of_the_gateway() -> None:
    """The client's types are made anew from api-gateway.yaml, so a route that changed breaks what calls it."""
    node = web.find_node()
    CONSOLE.install(node)
    node.run((*node.node, "check.mjs"), CONSOLE.source)


def test_the_pure_parts_pass_their_own_tests() -> None:
    """Spans, changes, formats, CSV and what a chart is made of, run by Node."""
    node = web.find_node()
    CONSOLE.install(node)
    node.run((*node.node, "test/run.mjs"), CONSOLE.source)


def test_the_first_load_is_light(built: None) -> None:
    assert weights.read().first <= weights.FIRST_LOAD


def test_each_further_page_is_light_and_the_editor_has_a_bound_of_its_own(built: None) -> None:
    further = weights.read().further
    assert {source: size for source, size in further.items() if size > weights.limit(source)} == {}
    assert len(further) > 5
