"""Writes the table of what each role may do into the guide, out of the one in code and the routes that it names.

`python -m infra.roles --write` replaces the block between the two marks in docs/guides/keys-and-roles.md; `--check` fails
when it differs from the code.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from functions.shared.http.routes import Route
from functions.shared.identity import Caller, Role
from functions.shared.identity.abilities import ABILITIES, Ability
from infra import openapi

GUIDE = Path(__file__).parent.parent / "docs" / "guides" / "keys-and-roles.md"
BEGIN, END = "<!-- begin: roles, written by python -m infra.roles --write -->", "<!-- end: roles -->"


def declared() -> dict[str, Route]:
    """The routes of people and API keys by `METHOD /path`."""
    people = {Caller.CONSOLE, Caller.MACHINE}
    return {
        f"{route.method} {route.path}": route
        for api in openapi.declared()
        for route in api.routes
        if route.callers & people
    }


def table() -> str:
    """Two tables in Markdown: abilities by role, and the routes of each ability."""
    routes = declared()
    return "\n".join((*_abilities(routes), "", *_routes(routes)))


def _abilities(routes: dict[str, Route]) -> Iterator[str]:
    yield f"| what | {' | '.join(role.value for role in Role)} | API keys |"
    yield "|---|" + ":-:|" * (len(Role) + 1)
    for ability in ABILITIES:
        allowed = (" ✓ " if ability.role is None or role.allows(ability.role) else "   " for role in Role)
        yield f"| {ability.says} |{'|'.join(allowed)}| {_scopes(ability, routes)} |"


def _scopes(ability: Ability, routes: dict[str, Route]) -> str:
    """The scopes that a key needs for the routes that keys may call; those for people alone are marked in the second."""
    open_to_keys = [routes[name] for name in ability.routes if Caller.MACHINE in routes[name].callers]
    return ", ".join(sorted({route.scope for route in open_to_keys}))


def _routes(routes: dict[str, Route]) -> Iterator[str]:
    yield "| route | least role | API keys |"
    yield "|---|---|---|"
    for ability in ABILITIES:
        for name in ability.routes:
            scope = routes[name].scope if Caller.MACHINE in routes[name].callers else "people only"
            yield f"| `{name}` | {ability.role or 'signed in'} | {scope} |"


def written(text: str) -> str:
    """The guide with the tables of now between its marks. Raises ValueError when a mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{GUIDE.name} lacks its marks")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def main(arguments: list[str] | None = None) -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--write", action="store_true")
    how.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    text = GUIDE.read_text("utf-8")
    wanted = written(text)
    if options.write:
        GUIDE.write_text(wanted, "utf-8")
        print(f"{GUIDE.name} written")
    elif text != wanted:
        print(f"{GUIDE.name} differs from the code: python -m infra.roles --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
