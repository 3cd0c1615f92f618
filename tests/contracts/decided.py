"""Tables in docs/decisions that name routes, each with its reason: what the contract makes an exception for."""

import re

from functions.shared.http.routes import Route
from infra import openapi
from tests.contracts.sources import ROOT

_ROW = re.compile(r"\| `([A-Z]+ /[^`]*)` \| ([^|]+) \|")


def reasons(decision: str) -> dict[str, str]:
    """Route → the reason that stands beside it in the decision whose file begins with this number."""
    (file,) = (ROOT / "docs" / "decisions").glob(f"{decision}-*.md")
    rows = _ROW.findall(file.read_text("utf-8"))
    assert len({route for route, _ in rows}) == len(rows), f"{file.name} names a route twice"
    return dict(rows)


def external() -> dict[str, Route]:
    """Every route that the gateway leads to, by method and path."""
    return {
        f"{route.method} {route.path}": route for api in openapi.declared() for route in api.routes if route.external
    }
