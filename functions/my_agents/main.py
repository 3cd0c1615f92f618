"""Entry point of the fleet's room."""

from functions.shared.http import Routes, entry_point


def _api() -> Routes:
    from functions.my_agents import routes

    return routes.api


ROUTES = {"my_agents_api": _api}

my_agents_api = entry_point("my_agents_api", _api)
