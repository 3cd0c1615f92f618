"""Entry points of the room: what people read (`billing_api`), what counts (`billing_usage`), what closes (`billing_close`)."""

from functions.shared.http import Routes, entry_point


def _api() -> Routes:
    from functions.billing import routes

    return routes.api


def _usage() -> Routes:
    from functions.billing import usage_routes

    return usage_routes.api


def _close() -> Routes:
    from functions.billing import close_routes

    return close_routes.api


ROUTES = {"billing_api": _api, "billing_usage": _usage, "billing_close": _close}

billing_api = entry_point("billing_api", _api)
billing_usage = entry_point("billing_usage", _usage)
billing_close = entry_point("billing_close", _close)
