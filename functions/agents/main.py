"""Entry points of the agents' room: the wizard (`agents_api`) and the conversation (`agents_chat`)."""

from functions.agents import chat_routes, wizard_routes
from functions.shared.http import serve

ROUTES = {"agents_api": wizard_routes.api, "agents_chat": chat_routes.api}

agents_api = serve(wizard_routes.api)
agents_chat = serve(chat_routes.api)
