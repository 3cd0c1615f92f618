"""Entry point of the fleet's room."""

from functions.my_agents import routes
from functions.shared.http import serve

ROUTES = {"my_agents_api": routes.api}

my_agents_api = serve(routes.api)
