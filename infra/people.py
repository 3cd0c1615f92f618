"""Makes a person of a Google Cloud project an operator, or no longer one: no route of the API may do that.

`python -m infra.people EMAIL --project PROJECT [--revoke]` changes one claim at Identity Toolkit and keeps the person's
others, such as their workspace. It acts as the application default credentials, whose owner may administer Identity
Platform. (The local identity service has a command of its own: `nox -s operator -- EMAIL` without a project.)
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from infra import login

GOOGLE = "https://identitytoolkit.googleapis.com"
SECONDS = 30.0


class UnknownPerson(Exception):
    """Nobody has signed up with this address."""


class NotConfirmed(Exception):
    """The person has not shown that the address is theirs: anybody may have signed up with it."""


class IdentityRefused(Exception):
    """Identity Toolkit did not do it, or did not answer; the message says what it said."""


def set_operator(email: str, project: str, *, operator: bool, url: str = GOOGLE) -> bool:
    """Give or take the claim `operator`; whether anything had to change. It counts from the person's next token on.

    Identity Toolkit writes all claims of a person at once and has no conditional write: a claim that somebody else sets
    between the look-up and the update is lost. Raises UnknownPerson, NotConfirmed (never when taking), IdentityRefused,
    and NotLoggedIn of infra.login.
    """
    toolkit = _Toolkit(project, url)
    users = toolkit.post("accounts:lookup", {"email": [email]}).get("users") or []
    if not users:
        raise UnknownPerson(
            f"Nobody has signed up as {email} in {project}: sign up in the console first, then run this again."
        )
    person = users[0]
    claims = json.loads(person.get("customAttributes") or "{}")
    if (claims.get("operator") is True) == operator:
        return False
    if operator and not person.get("emailVerified"):
        raise NotConfirmed(
            f"{email} has not confirmed the address, so anybody may have signed up with it. Confirm it first."
        )
    others = {name: value for name, value in claims.items() if name != "operator"}
    wanted = {**others, "operator": True} if operator else others
    toolkit.post("accounts:update", {"localId": person["localId"], "customAttributes": json.dumps(wanted)})
    return True


class _Toolkit:
    """Identity Toolkit of one project; a person's login must name the project that the calls count on."""

    def __init__(self, project: str, url: str) -> None:
        from google.auth.transport.requests import AuthorizedSession

        self._session = AuthorizedSession(login.credentials(project))
        self._project = project
        self._address = f"{url}/v1/projects/{project}"

    def post(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call. Raises IdentityRefused."""
        from google.auth.exceptions import GoogleAuthError
        from requests import RequestException

        headers = {"x-goog-user-project": self._project}
        try:
            response = self._session.post(f"{self._address}/{method}", json=body, headers=headers, timeout=SECONDS)
        except (RequestException, GoogleAuthError) as error:
            raise IdentityRefused(f"Identity Toolkit did not answer: {error}") from error
        try:
            answer: dict[str, Any] = response.json()
        except ValueError:
            answer = {}
        if response.status_code == 403:
            raise IdentityRefused(
                f"This login may not change people of {self._project} ({_reason(answer)}). "
                "It needs roles/firebaseauth.admin and roles/serviceusage.serviceUsageConsumer there."
            )
        if not response.ok:
            raise IdentityRefused(f"Identity Toolkit refused {method} ({response.status_code}): {_reason(answer)}")
        return answer


def _reason(answer: dict[str, Any]) -> str:
    error = answer.get("error")
    return str(error.get("message", "no reason given")) if isinstance(error, dict) else "no reason given"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked and say what has become of it; 0 when the person is as wanted."""
    parser = argparse.ArgumentParser(
        prog="operator", description="Make a person of a Google Cloud project an operator."
    )
    parser.add_argument("email")
    parser.add_argument("--project", required=True, help="the project's id")
    parser.add_argument("--revoke", action="store_true", help="take the claim away")
    parser.add_argument("--identity-toolkit-url", default=GOOGLE, metavar="URL", help=f"default: {GOOGLE}")
    options = parser.parse_args(arguments)
    operator = not options.revoke
    try:
        changed = set_operator(options.email, options.project, operator=operator, url=options.identity_toolkit_url)
    except (UnknownPerson, NotConfirmed, IdentityRefused, login.NotLoggedIn) as failure:
        print(failure, file=sys.stderr)
        return 1
    what = "an operator" if operator else "not an operator"
    if not changed:
        print(f"{options.email} is {what} of {options.project} already; nothing was changed.")
    elif operator:
        print(
            f"{options.email} is {what} of {options.project} from the next token on: sign out and in, or wait an hour."
        )
    else:
        print(
            f"{options.email} is {what} of {options.project} any more; a token of before says otherwise for up to an hour."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
