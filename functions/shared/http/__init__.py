"""The HTTP edge: routes are declared once and served by `serve`; README.md in this folder says how."""

from functions.shared.http.call import Call
from functions.shared.http.function import entry_point, serve
from functions.shared.http.messages import (
    Answer,
    Body,
    Bytes,
    Event,
    Items,
    Json,
    Page,
    Query,
    Raw,
    Reply,
    Stream,
    page_token,
    page_values,
)
from functions.shared.http.routes import Routes
from functions.shared.identity import Caller

CONSOLE = Caller.CONSOLE
MACHINE = Caller.MACHINE
VISITOR = Caller.VISITOR
OPERATOR = Caller.OPERATOR
PUBLIC = Caller.PUBLIC

__all__ = [
    "CONSOLE",
    "MACHINE",
    "OPERATOR",
    "PUBLIC",
    "VISITOR",
    "Answer",
    "Body",
    "Bytes",
    "Call",
    "Event",
    "Items",
    "Json",
    "Page",
    "Query",
    "Raw",
    "Reply",
    "Routes",
    "Stream",
    "entry_point",
    "page_token",
    "page_values",
    "serve",
]
