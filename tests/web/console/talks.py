"""What visitors said and left behind, for the pages that show it."""

from dataclasses import dataclass

from tests.e2e.client import Client
from tests.e2e.practice import QUESTION, Practice

CONSENT = "You may call me about my tooth."
WISH = "Please call me before noon"


@dataclass
class Talk:
    """What a visitor said and left."""

    id: str
    visitor: str
    client: Client


def talk(practice: Practice, first: str) -> Talk:
    """A visitor's conversation of two turns with a lead, a hand-off, thumbs and stars."""
    opened = practice.session().json()
    client = Client(practice.stack.gateway)
    client.token = opened["token"]
    client.ask("POST", "/api/chat", {"message": first})
    said = client.ask("POST", "/api/chat", {"message": QUESTION}).json()
    rated = {"message_id": said["message"]["message_id"], "rating": "down", "comment": "Too short"}
    client.ask("POST", "/api/chat/feedback", rated)
    client.ask("POST", "/api/chat/feedback", {"stars": 2, "comment": "I still have no time"})
    client.ask("POST", "/api/chat/lead", {"name": "Eva Brandt", "email": "eva@example.com", "consent": CONSENT})
    client.ask("POST", "/api/chat/hand-off", {"note": WISH})
    return Talk(said["conversation_id"], opened["visitor_id"], client)
