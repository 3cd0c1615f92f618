"""Entry points of the widgets' room: their owners' API (`widgets_api`) and visitors' sessions (`widgets_public`)."""

from functions.shared.http import Routes, entry_point


def _api() -> Routes:
    from functions.widgets import routes

    return routes.api


def _public() -> Routes:
    from functions.widgets import public_routes

    return public_routes.api


ROUTES = {"widgets_api": _api, "widgets_public": _public}

widgets_api = entry_point("widgets_api", _api)
widgets_public = entry_point("widgets_public", _public)
