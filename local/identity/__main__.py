"""Serves by `python -m local.identity --data DIR --port N`; `… operator EMAIL` makes a person an operator."""

import argparse
import sys
from pathlib import Path

from local import process
from local.identity.app import application
from local.identity.operator import make_operator
from local.serving import listen, serve


def _serve() -> None:
    parser = process.arguments("Google's identity services on this machine.")
    parser.add_argument("--project", default="agenthub-local", help="project of tokens and accounts")
    parser.add_argument("--mail", type=Path, help="folder that takes the mails (default: DATA/mail)")
    parser.add_argument("--public-url", default="http://localhost:8000", help="where links in mails begin")
    options = parser.parse_args()
    process.die_with_parent()
    app = application(options.data, options.project, options.mail or options.data / "mail", options.public_url)
    serve(app, [listen(options.host, options.port)])


def _operator(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="operator", description="Give a person the operator claim; it counts from the next token refresh."
    )
    parser.add_argument("email")
    parser.add_argument("--state", type=Path, default=Path(".agenthub"), help="state folder of the stack")
    options = parser.parse_args(arguments)
    password = make_operator(options.state / "identity", options.email)
    if password is None:
        print(f"{options.email} is an operator from the next token refresh on.")
    else:
        print(f"{options.email} was signed up as an operator. Password: {password}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["operator"]:
        _operator(sys.argv[2:])
    else:
        _serve()
