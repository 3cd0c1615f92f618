"""Entry points of the dashboard's room: the home page and the workspace (`dashboard_api`), the relay (`dashboard_relay`)."""

from functions.dashboard import relay_routes, routes
from functions.shared.http import serve

ROUTES = {"dashboard_api": routes.api, "dashboard_relay": relay_routes.api}

dashboard_api = serve(routes.api)
dashboard_relay = serve(relay_routes.api)
