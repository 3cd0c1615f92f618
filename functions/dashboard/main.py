"""Entry points of the dashboard's room: the home page and the workspace (`dashboard_api`), the relay (`dashboard_relay`), the
daily sweep (`dashboard_sweep`), webhooks and mails (`dashboard_webhooks`)."""

from functions.shared.http import Routes, entry_point


def _api() -> Routes:
    from functions.dashboard import routes

    return routes.api


def _relay() -> Routes:
    from functions.dashboard import relay_routes

    return relay_routes.api


def _sweep() -> Routes:
    from functions.dashboard import sweep_routes

    return sweep_routes.api


def _webhooks() -> Routes:
    from functions.dashboard import notification_routes

    return notification_routes.api


ROUTES = {
    "dashboard_api": _api,
    "dashboard_relay": _relay,
    "dashboard_sweep": _sweep,
    "dashboard_webhooks": _webhooks,
}

dashboard_api = entry_point("dashboard_api", _api)
dashboard_relay = entry_point("dashboard_relay", _relay)
dashboard_sweep = entry_point("dashboard_sweep", _sweep)
dashboard_webhooks = entry_point("dashboard_webhooks", _webhooks)
