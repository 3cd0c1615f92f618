"""Baseline of /health: hello world."""

import flask
import functions_framework


@functions_framework.http
def hello(request: flask.Request) -> str:
    """Answers at once."""
    return "Hello, world"
