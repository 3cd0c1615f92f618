"""Entry points of the agents' room: the wizard (`agents_api`) and the conversation (`agents_chat`)."""

from functions.shared.http import Routes, entry_point


def _api() -> Routes:
    from functions.agents import wizard_routes

    return wizard_routes.api


def _chat() -> Routes:
    from functions.agents import chat_routes

    return chat_routes.api


ROUTES = {"agents_api": _api, "agents_chat": _chat}

agents_api = entry_point("agents_api", _api)
agents_chat = entry_point("agents_chat", _chat)
