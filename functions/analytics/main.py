"""Entry points of the analytics' room: the figures (`analytics_api`), what counts them (`analytics_usage`), and what writes
files of them (`analytics_exports`)."""

from functions.shared.http import Routes, entry_point


def _api() -> Routes:
    from functions.analytics import routes

    return routes.api


def _usage() -> Routes:
    from functions.analytics import usage_routes

    return usage_routes.api


def _exports() -> Routes:
    from functions.analytics import export_job_routes

    return export_job_routes.api


ROUTES = {"analytics_api": _api, "analytics_usage": _usage, "analytics_exports": _exports}

analytics_api = entry_point("analytics_api", _api)
analytics_usage = entry_point("analytics_usage", _usage)
analytics_exports = entry_point("analytics_exports", _exports)
