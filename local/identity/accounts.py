"""Service accounts: who sent this assertion or bearer token, and what Google would hand out for it.

An account exists when it has a key in the keyring: the supervisor makes one for each deployment when it writes their
key files, and the two token accounts get theirs here.
"""

import time
from typing import Any

import jwt

from local.identity.keys import GOOGLE, Keyring, SigningKey, client_id, system_key, user_key

ACCESS_TOKEN_SECONDS = 3599
TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token"
ISSUER = "https://accounts.google.com"
_LEEWAY = 30
_MAX_ASSERTION_SECONDS = 3600
_PREFIX = "ya29.local."


class BadAssertion(Exception):
    """Why an assertion is refused; the text is shown as `error_description`."""


class ServiceAccounts:
    """Verifies what service accounts sign, and signs what is made for them."""

    def __init__(self, keyring: Keyring, project: str) -> None:
        self.keyring = keyring
        self.project = project
        self._secret = keyring.secret("access-token")

    def email(self, name: str) -> str:
        """The address of the project's account `agenthub-<name>`."""
        return f"agenthub-{name}@{self.project}.iam.gserviceaccount.com"

    def exists(self, email: str) -> bool:
        """Whether such an account has been made."""
        return bool(self.keys(email))

    def keys(self, email: str) -> list[SigningKey]:
        """Every key whose signatures count for this account."""
        try:
            owners = (self.keyring.existing(user_key(email)), self.keyring.existing(system_key(email)))
        except ValueError:
            return []
        return [key for key in owners if key is not None]

    def assertion(self, token: str, audiences: set[str]) -> dict[str, Any]:
        """The claims of a signed assertion. Raises BadAssertion."""
        email = self._claimed_issuer(token)
        key = self._key(token, email)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.private.public_key(),
                algorithms=["RS256"],
                audience=list(audiences),
                issuer=email,
                leeway=_LEEWAY,
                options={"require": ["iss", "aud", "iat", "exp"]},
            )
        except jwt.InvalidAudienceError as error:
            raise BadAssertion("Invalid JWT: Failed audience check.") from error
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
            raise BadAssertion(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
            ) from error
        except jwt.InvalidSignatureError as error:
            raise BadAssertion("Invalid JWT Signature.") from error
        except jwt.InvalidTokenError as error:
            raise BadAssertion(f"Invalid JWT: {error}") from error
        if claims["exp"] - claims["iat"] > _MAX_ASSERTION_SECONDS + _LEEWAY:
            raise BadAssertion("Invalid JWT: Token must be a short-lived token (60 minutes).")
        return claims

    def access_token(self, email: str, scope: str) -> str:
        """An opaque bearer token for Google's APIs, good for an hour and across restarts."""
        now = int(time.time())
        claims = {"email": email, "scope": scope, "iat": now, "exp": now + ACCESS_TOKEN_SECONDS}
        return _PREFIX + jwt.encode(claims, self._secret, algorithm="HS256")

    def id_token(self, email: str, audience: str) -> str:
        """An OIDC token of this account for `audience`, as Google signs it."""
        now = int(time.time())
        return self.keyring.key(GOOGLE).token(
            {
                "iss": ISSUER,
                "sub": client_id(email),
                "azp": email,
                "aud": audience,
                "email": email,
                "email_verified": True,
                "iat": now,
                "exp": now + 3600,
            }
        )

    def bearer(self, authorization: str) -> str | None:
        """The account behind an Authorization header: an access token, or a JWT that it signed itself."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            if token.startswith(_PREFIX):
                claims = jwt.decode(token[len(_PREFIX) :], self._secret, algorithms=["HS256"], leeway=_LEEWAY)
                return str(claims["email"])
            email = self._claimed_issuer(token)
            key = self._key(token, email).private.public_key()
            jwt.decode(token, key, algorithms=["RS256"], leeway=_LEEWAY, options={"verify_aud": False})
        except (jwt.InvalidTokenError, BadAssertion):
            return None
        return email

    def _claimed_issuer(self, token: str) -> str:
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError as error:
            raise BadAssertion("Invalid JWT: not a JWT.") from error
        email = claims.get("iss")
        if not isinstance(email, str) or not self.exists(email):
            raise BadAssertion("Invalid grant: account not found")
        return email

    def _key(self, token: str, email: str) -> SigningKey:
        kid = jwt.get_unverified_header(token).get("kid")
        for key in self.keys(email):
            if kid in (None, key.kid):
                return key
        raise BadAssertion("Invalid JWT Signature.")
