"""What a visitor's page asks for before the first message: a session."""

from functions.shared import firestore
from functions.shared.http import PUBLIC, Call, Reply, Routes
from functions.widgets import sessions
from functions.widgets.models import Session, SessionRequest

api = Routes("widgets-public")


@api.post(
    "/api/widgets/{widget}/sessions",
    callers=(PUBLIC,),
    status=201,
    refuses=(429,),
    summary="Open or renew a visitor's session.",
)
def open_session(call: Call, widget: str, body: SessionRequest) -> Reply[Session]:
    """Only pages of the widget's allowed origins get one."""
    return Reply(sessions.open_session(call, widget, body), headers={"Cache-Control": "no-store"})


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/widgets-public")
