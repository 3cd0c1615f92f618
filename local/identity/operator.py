"""Makes a person an operator: the one who runs this AgentHub and is paid. No HTTP route can do that.

Works on the files, so it does not matter whether the stack runs; a running one sees it at the next token refresh.
"""

import json
import secrets
from pathlib import Path

from local.identity.people import People


def make_operator(folder: Path, email: str, password: str | None = None) -> str | None:
    """Give `email` the claim `operator`; returns the password if the person had to be signed up first."""
    people = People(folder)
    try:
        person = people.by_email(email)
        new_password = None
        if person is None:
            new_password = password or secrets.token_urlsafe(12)
            person = people.sign_up(email, new_password)
        claims = {**json.loads(person.custom_attributes), "operator": True}
        people.change(person.local_id, custom_attributes=json.dumps(claims, separators=(",", ":")))
        return new_password
    finally:
        people.close()
