"""Entry points of the widgets' room: their owners' API (`widgets_api`) and visitors' sessions (`widgets_public`)."""

from functions.shared.http import serve
from functions.widgets import public_routes, routes

ROUTES = {"widgets_api": routes.api, "widgets_public": public_routes.api}

widgets_api = serve(routes.api)
widgets_public = serve(public_routes.api)
