"""Entry points of the room: what people read (`billing_api`), what counts (`billing_usage`), what closes (`billing_close`)."""

from functions.billing import close_routes, routes, usage_routes
from functions.shared.http import serve

ROUTES = {"billing_api": routes.api, "billing_usage": usage_routes.api, "billing_close": close_routes.api}

billing_api = serve(routes.api)
billing_usage = serve(usage_routes.api)
billing_close = serve(close_routes.api)
