"""Identity Toolkit and secure tokens: sign up, sign in, refresh, look up, change, and the mails in between.

Requests, answers and error codes are those that Firebase's clients know. Every address counts as verified, since no
mail leaves this machine.
"""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import jwt
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.identity.accounts import ServiceAccounts
from local.identity.forms import form
from local.identity.keys import SECURETOKEN
from local.identity.mail import Sink
from local.identity.people import EmailTaken, People, Person

_HOUR = 3600
_MAX_CLAIMS = 1000
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_STANDARD_CLAIMS = {
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "cnf",
    "c_hash",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
}
_RESERVED = _STANDARD_CLAIMS | {"nonce", "sub", "firebase", "user_id", "email", "email_verified", "name"}
_MAILS = {"PASSWORD_RESET": "resetPassword", "VERIFY_EMAIL": "verifyEmail", "EMAIL_SIGNIN": "signIn"}

Body = dict[str, Any]


class Refused(Exception):
    """An Identity Toolkit error: its message is the code that clients compare."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Toolkit:
    """The calls in use; `admin` is the service account that sent a bearer token, or None."""

    def __init__(self, people: People, accounts: ServiceAccounts, project: str, sink: Sink) -> None:
        self.people = people
        self.accounts = accounts
        self.project = project
        self.sink = sink

    def routes(self) -> list[Route]:
        """One route for all calls of Identity Toolkit, and the one of secure tokens."""
        host = "/identitytoolkit.googleapis.com/v1"
        return [
            Route(f"{host}/{{call}}", self.handle, methods=["POST"]),
            Route(f"{host}/projects/{{project}}/{{call}}", self.handle, methods=["POST"]),
            Route("/securetoken.googleapis.com/v1/token", self.refresh, methods=["POST"]),
        ]

    async def handle(self, request: Request) -> Response:
        """Dispatch by the verb after the colon; `/projects/{project}/…` is for service accounts only."""
        calls: dict[str, Callable[[Body, str | None], Body]] = {
            "accounts:signUp": self.sign_up,
            "accounts:signInWithPassword": self.sign_in,
            "accounts:lookup": self.lookup,
            "accounts:update": self.update,
            "accounts:delete": self.delete,
            "accounts:sendOobCode": self.send_code,
            "accounts:resetPassword": self.reset_password,
        }
        call = calls.get(request.path_params["call"])
        try:
            if call is None:
                raise Refused("NOT_FOUND", 404)
            authorization = request.headers.get("authorization")
            admin = self.accounts.bearer(authorization) if authorization else None
            if (authorization or "project" in request.path_params) and admin is None:
                raise Refused("Request had invalid authentication credentials.", 401)
            if request.path_params.get("project", self.project) != self.project:
                raise Refused("INVALID_PROJECT_ID")
            return JSONResponse(await run_in_threadpool(call, await _body(request), admin))
        except Refused as refused:
            return _error(refused)

    async def refresh(self, request: Request) -> Response:
        """Exchange a refresh token for a fresh ID token with the claims of now."""
        try:
            if request.headers.get("content-type", "").startswith("application/json"):
                body = await _body(request)
            else:
                body = dict(await form(request))
            if body.get("grant_type") != "refresh_token":
                raise Refused("INVALID_GRANT_TYPE")
            return JSONResponse(await run_in_threadpool(self._refresh, _text(body, "refresh_token")))
        except Refused as refused:
            return _error(refused)

    def sign_up(self, body: Body, admin: str | None) -> Body:
        """A new account with its first tokens."""
        email, password = _email(body), _password(body, "password")
        try:
            person = self.people.sign_up(email, password, body.get("displayName"))
        except EmailTaken as taken:
            raise Refused("EMAIL_EXISTS") from taken
        return {"kind": "identitytoolkit#SignupNewUserResponse", **_brief(person), **self._tokens(person)}

    def sign_in(self, body: Body, admin: str | None) -> Body:
        """Tokens for address and password; does not tell which of the two is wrong."""
        person = self.people.with_password(_email(body), _text(body, "password", "MISSING_PASSWORD"))
        if person is None:
            raise Refused("INVALID_LOGIN_CREDENTIALS")
        if person.disabled:
            raise Refused("USER_DISABLED")
        self.people.logged_in(person.local_id)
        return {
            "kind": "identitytoolkit#VerifyPasswordResponse",
            **_brief(person),
            "registered": True,
            **self._tokens(person),
        }

    def lookup(self, body: Body, admin: str | None) -> Body:
        """The account of an ID token; a service account may ask by ids and addresses."""
        if admin is None:
            people = [self._by_id_token(body)]
        else:
            found = [self.people.by_id(str(i)) for i in _list(body, "localId")]
            found += [self.people.by_email(str(e)) for e in _list(body, "email")]
            people = [person for person in found if person is not None]
        answer: Body = {"kind": "identitytoolkit#GetAccountInfoResponse"}
        return {**answer, "users": [_full(person) for person in people]} if people else answer

    def update(self, body: Body, admin: str | None) -> Body:
        """Change one's own account by ID token, or as a service account anyone's, claims included."""
        if admin is not None and body.get("localId"):
            person = self.people.by_id(str(body["localId"]))
            if person is None:
                raise Refused("USER_NOT_FOUND")
        else:
            person = self._by_id_token(body)
            if "customAttributes" in body or "disableUser" in body or "validSince" in body:
                raise Refused("INSUFFICIENT_PERMISSION", 403)
        changes: Body = {}
        if "customAttributes" in body:
            changes["custom_attributes"] = _custom_attributes(body["customAttributes"])
        if "displayName" in body:
            changes["display_name"] = str(body["displayName"])
        if "email" in body:
            changes["email"] = _email(body)
        if "disableUser" in body:
            changes["disabled"] = bool(body["disableUser"])
        if "validSince" in body:
            changes["valid_since"] = int(body["validSince"])
        try:
            person = self.people.change(person.local_id, **changes) if changes else person
        except EmailTaken as taken:
            raise Refused("EMAIL_EXISTS") from taken
        if "password" in body:
            self.people.set_password(person.local_id, _password(body, "password"))
        tokens = self._tokens(person) if body.get("returnSecureToken") and admin is None else {}
        return {"kind": "identitytoolkit#SetAccountInfoResponse", **_brief(person), "emailVerified": True, **tokens}

    def delete(self, body: Body, admin: str | None) -> Body:
        """Remove one's own account, or as a service account anyone's."""
        if admin is not None and body.get("localId"):
            self.people.delete(str(body["localId"]))
        else:
            self.people.delete(self._by_id_token(body).local_id)
        return {"kind": "identitytoolkit#DeleteAccountResponse"}

    def send_code(self, body: Body, admin: str | None) -> Body:
        """Write a mail with a one-time code; an unknown address gets the same answer and no mail."""
        kind = _text(body, "requestType", "MISSING_REQ_TYPE")
        if kind not in _MAILS:
            raise Refused("INVALID_REQ_TYPE")
        person = self._by_id_token(body) if "idToken" in body else self.people.by_email(_email(body))
        email = person.email if person else _email(body)
        answer: Body = {"kind": "identitytoolkit#GetOobConfirmationCodeResponse", "email": email}
        if person is None:
            return answer
        code = self.people.new_code(person.local_id, kind)
        self.sink.send_code(person.email, _MAILS[kind], code)
        return {**answer, "oobCode": code} if admin is not None and body.get("returnOobLink") else answer

    def reset_password(self, body: Body, admin: str | None) -> Body:
        """Look at a code, or use it up and set the new password."""
        code = _text(body, "oobCode", "MISSING_OOB_CODE")
        found = self.people.by_code(code)
        if found is None:
            raise Refused("INVALID_OOB_CODE")
        person, kind, expired = found
        if expired:
            raise Refused("EXPIRED_OOB_CODE")
        answer = {"kind": "identitytoolkit#ResetPasswordResponse", "email": person.email, "requestType": kind}
        if "newPassword" in body:
            password = _password(body, "newPassword")
            if kind != "PASSWORD_RESET" or not self.people.use_code(code):
                raise Refused("INVALID_OOB_CODE")
            self.people.set_password(person.local_id, password)
        return answer

    def id_token(self, person: Person, auth_time: int) -> str:
        """The person's ID token: custom attributes at the top level, as Google puts them."""
        now = int(time.time())
        claims: Body = {
            **json.loads(person.custom_attributes),
            "iss": f"https://securetoken.google.com/{self.project}",
            "aud": self.project,
            "auth_time": auth_time,
            "user_id": person.local_id,
            "sub": person.local_id,
            "iat": now,
            "exp": now + _HOUR,
            "email": person.email,
            "email_verified": True,
            "firebase": {"identities": {"email": [person.email]}, "sign_in_provider": "password"},
        }
        if person.display_name:
            claims["name"] = person.display_name
        return self.accounts.keyring.key(SECURETOKEN).token(claims)

    def _tokens(self, person: Person) -> Body:
        now = int(time.time())
        return {
            "idToken": self.id_token(person, now),
            "refreshToken": self.people.new_refresh_token(person.local_id, now),
            "expiresIn": str(_HOUR),
        }

    def _refresh(self, token: str) -> Body:
        found = self.people.by_refresh_token(token)
        if found is None:
            raise Refused("INVALID_REFRESH_TOKEN")
        person, auth_time = found
        if person.disabled:
            raise Refused("USER_DISABLED")
        id_token = self.id_token(person, auth_time)
        return {
            "access_token": id_token,
            "id_token": id_token,
            "refresh_token": token,
            "expires_in": str(_HOUR),
            "token_type": "Bearer",
            "user_id": person.local_id,
            "project_id": self.project,
        }

    def _by_id_token(self, body: Body) -> Person:
        token = _text(body, "idToken", "MISSING_ID_TOKEN")
        try:
            claims = jwt.decode(
                token,
                self.accounts.keyring.key(SECURETOKEN).private.public_key(),
                algorithms=["RS256"],
                audience=self.project,
                issuer=f"https://securetoken.google.com/{self.project}",
            )
        except jwt.ExpiredSignatureError as error:
            raise Refused("TOKEN_EXPIRED") from error
        except jwt.InvalidTokenError as error:
            raise Refused("INVALID_ID_TOKEN") from error
        person = self.people.by_id(str(claims["sub"]))
        if person is None:
            raise Refused("USER_NOT_FOUND")
        if person.disabled:
            raise Refused("USER_DISABLED")
        if claims["auth_time"] < person.valid_since:
            raise Refused("TOKEN_EXPIRED")
        return person


async def _body(request: Request) -> Body:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise Refused("Invalid JSON payload received.") from error
    if not isinstance(body, dict):
        raise Refused("Invalid JSON payload received.")
    return body


def _text(body: Body, name: str, missing: str | None = None) -> str:
    value = body.get(name)
    if value in (None, ""):
        raise Refused(missing or f"MISSING_{name.upper()}")
    if not isinstance(value, str):
        raise Refused(f"Invalid value at '{name}'")
    return value


def _list(body: Body, name: str) -> list[Any]:
    value = body.get(name, [])
    return value if isinstance(value, list) else [value]


def _email(body: Body) -> str:
    email = _text(body, "email", "MISSING_EMAIL").strip()
    if not _EMAIL.fullmatch(email):
        raise Refused("INVALID_EMAIL")
    return email


def _password(body: Body, name: str) -> str:
    password = _text(body, name, "MISSING_PASSWORD")
    if len(password) < 6:
        raise Refused("WEAK_PASSWORD : Password should be at least 6 characters")
    if len(password) > 4096:
        raise Refused("PASSWORD_DOES_NOT_MEET_REQUIREMENTS")
    return password


def _custom_attributes(value: Any) -> str:
    """The claims as compact JSON; at most 1,000 characters and none of the names that tokens use themselves."""
    if not isinstance(value, str) or len(value) > _MAX_CLAIMS:
        raise Refused("CLAIMS_TOO_LARGE" if isinstance(value, str) else "INVALID_CLAIMS")
    try:
        claims = json.loads(value or "{}")
    except ValueError as error:
        raise Refused("INVALID_CLAIMS") from error
    if not isinstance(claims, dict):
        raise Refused("INVALID_CLAIMS")
    if reserved := _RESERVED & claims.keys():
        raise Refused(f"FORBIDDEN_CLAIM : {min(reserved)}")
    return json.dumps(claims, separators=(",", ":"))


def _brief(person: Person) -> Body:
    return {"localId": person.local_id, "email": person.email, "displayName": person.display_name or ""}


def _full(person: Person) -> Body:
    provider = {"providerId": "password", "federatedId": person.email, "email": person.email, "rawId": person.email}
    return {
        **_brief(person),
        "emailVerified": True,
        "customAttributes": person.custom_attributes,
        "disabled": person.disabled,
        "providerUserInfo": [provider],
        "createdAt": str(person.created_at),
        "lastLoginAt": str(person.last_login_at),
        "validSince": str(person.valid_since),
    }


def _error(refused: Refused) -> Response:
    message = str(refused)
    error = {"code": refused.status, "message": message}
    if refused.status == 400:
        error["errors"] = [{"message": message, "domain": "global", "reason": "invalid"}]
    return JSONResponse({"error": error}, status_code=refused.status)
