"""Entry points of the analytics' room: the figures (`analytics_api`) and what counts them (`analytics_usage`)."""

from functions.analytics import routes, usage_routes
from functions.shared.http import serve

ROUTES = {"analytics_api": routes.api, "analytics_usage": usage_routes.api}

analytics_api = serve(routes.api)
analytics_usage = serve(usage_routes.api)
