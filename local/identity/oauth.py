"""Google's OAuth token endpoint, its certificates and IAM Credentials, as HTTP handlers."""

import base64
import binascii
import json
import time
from typing import Any

import jwt
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.identity.accounts import ACCESS_TOKEN_SECONDS, ISSUER, TOKEN_ENDPOINT, BadAssertion, ServiceAccounts
from local.identity.forms import form
from local.identity.keys import GOOGLE, SECURETOKEN, SigningKey, system_key

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SECURETOKEN_ACCOUNT = "securetoken@system.gserviceaccount.com"
_MAX_SIGNED_SECONDS = 12 * 3600
_CERTS_HEADERS = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}


class OAuth:
    """The handlers; each is one of Google's addresses."""

    def __init__(self, accounts: ServiceAccounts) -> None:
        self.accounts = accounts

    def routes(self) -> list[Route]:
        """The routes under the names of Google's hosts, and the short ones that key files and JWKS readers use."""
        metadata = "/www.googleapis.com/service_accounts/v1"
        return [
            Route("/token", self.token, methods=["POST"]),
            Route("/oauth2.googleapis.com/token", self.token, methods=["POST"]),
            Route("/.well-known/openid-configuration", self.discovery),
            Route("/.well-known/jwks.json", self.google_jwks),
            Route("/.well-known/certs", self.google_jwks),
            Route("/www.googleapis.com/oauth2/v3/certs", self.google_jwks),
            Route("/www.googleapis.com/oauth2/v1/certs", self.google_x509),
            Route("/www.googleapis.com/robot/v1/metadata/jwk/{email}", self.account_jwks),
            Route("/www.googleapis.com/robot/v1/metadata/x509/{email}", self.account_x509),
            Route(f"{metadata}/jwk/{{email}}", self.account_jwks),
            Route(f"{metadata}/metadata/jwk/{{email}}", self.account_jwks),
            Route(f"{metadata}/metadata/x509/{{email}}", self.account_x509),
            Route("/v1/projects/-/serviceAccounts/{target}", self.credentials, methods=["POST"]),
            Route(
                "/iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{target}",
                self.credentials,
                methods=["POST"],
            ),
        ]

    async def token(self, request: Request) -> Response:
        """Exchange a signed assertion for an access token, or with `target_audience` for an ID token."""
        fields = await form(request)
        if fields.get("grant_type") != _GRANT:
            return _oauth_error("unsupported_grant_type", f"grant_type must be {_GRANT}")
        here = str(request.url.replace(query=""))
        try:
            claims = self.accounts.assertion(fields.get("assertion", ""), {TOKEN_ENDPOINT, here})
        except BadAssertion as error:
            return _oauth_error("invalid_grant", str(error))
        email = claims["iss"]
        if audience := claims.get("target_audience"):
            token = await run_in_threadpool(self.accounts.id_token, email, str(audience))
            return JSONResponse({"id_token": token})
        if not claims.get("scope"):
            return _oauth_error("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        access = self.accounts.access_token(email, str(claims["scope"]))
        return JSONResponse({"access_token": access, "expires_in": ACCESS_TOKEN_SECONDS, "token_type": "Bearer"})

    async def discovery(self, request: Request) -> Response:
        """OpenID discovery of the ID tokens that this server signs as Google."""
        base = str(request.base_url).rstrip("/")
        return JSONResponse(
            {
                "issuer": ISSUER,
                "jwks_uri": f"{base}/www.googleapis.com/oauth2/v3/certs",
                "token_endpoint": f"{base}/token",
                "id_token_signing_alg_values_supported": ["RS256"],
                "subject_types_supported": ["public"],
                "response_types_supported": ["id_token"],
            },
            headers=_CERTS_HEADERS,
        )

    async def google_jwks(self, request: Request) -> Response:
        """The key of Google's ID tokens as JWKS."""
        return _jwks([self.accounts.keyring.key(GOOGLE)])

    async def google_x509(self, request: Request) -> Response:
        """The same as certificates by key id."""
        return _x509([self.accounts.keyring.key(GOOGLE)])

    async def account_jwks(self, request: Request) -> Response:
        """The keys of a service account, or of the securetoken issuer, as JWKS."""
        keys = self._published(request.path_params["email"])
        return _jwks(keys) if keys else _api_error(404, "NOT_FOUND", "Unknown service account")

    async def account_x509(self, request: Request) -> Response:
        """The same as certificates by key id."""
        keys = self._published(request.path_params["email"])
        return _x509(keys) if keys else _api_error(404, "NOT_FOUND", "Unknown service account")

    async def credentials(self, request: Request) -> Response:
        """IAM Credentials: signJwt, signBlob, generateIdToken and generateAccessToken for an account."""
        email, _, verb = request.path_params["target"].rpartition(":")
        if self.accounts.bearer(request.headers.get("authorization", "")) is None:
            return _api_error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if not self.accounts.exists(email):
            return _api_error(404, "NOT_FOUND", f"Not found; Gaia id not found for email {email}")
        try:
            body = json.loads(await request.body() or b"{}")
            if not isinstance(body, dict):
                raise ValueError("the body must be an object")
            answer = await run_in_threadpool(self._credentials, verb, email, body)
        except (ValueError, binascii.Error, jwt.InvalidTokenError) as error:
            return _api_error(400, "INVALID_ARGUMENT", f"Invalid request: {error}")
        return JSONResponse(answer) if answer else _api_error(404, "NOT_FOUND", f"Unknown method {verb}")

    def _credentials(self, verb: str, email: str, body: dict[str, Any]) -> dict[str, Any] | None:
        key = self.accounts.keyring.key(system_key(email))
        if verb == "signJwt":
            return {"keyId": key.kid, "signedJwt": key.token(_claims(body.get("payload")))}
        if verb == "signBlob":
            payload = base64.b64decode(str(body.get("payload", "")), validate=True)
            return {"keyId": key.kid, "signedBlob": base64.b64encode(key.sign(payload)).decode()}
        if verb == "generateIdToken":
            if not body.get("audience"):
                raise ValueError("audience is required")
            return {"token": self.accounts.id_token(email, str(body["audience"]))}
        if verb == "generateAccessToken":
            if not body.get("scope"):
                raise ValueError("scope is required")
            expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ACCESS_TOKEN_SECONDS))
            return {"accessToken": self.accounts.access_token(email, " ".join(body["scope"])), "expireTime": expires}
        return None

    def _published(self, email: str) -> list[SigningKey]:
        if email == _SECURETOKEN_ACCOUNT:
            return [self.accounts.keyring.key(SECURETOKEN)]
        return self.accounts.keys(email)


def _claims(payload: Any) -> dict[str, Any]:
    """The claims to sign, as given; `exp` is added when missing and refused when past or over 12 hours away."""
    claims = json.loads(payload) if isinstance(payload, str) else None
    if not isinstance(claims, dict):
        raise ValueError("payload must be a JSON object in a string")
    now = int(time.time())
    expires = claims.setdefault("exp", now + 3600)
    if not isinstance(expires, int) or isinstance(expires, bool):
        raise ValueError("exp must be an integer")
    if not now <= expires <= now + _MAX_SIGNED_SECONDS:
        raise ValueError("exp must be in the future and at most 12 hours away")
    return claims


def _jwks(keys: list[SigningKey]) -> Response:
    return JSONResponse({"keys": [key.jwk() for key in keys]}, headers=_CERTS_HEADERS)


def _x509(keys: list[SigningKey]) -> Response:
    return JSONResponse({key.kid: key.certificate for key in keys}, headers=_CERTS_HEADERS)


def _oauth_error(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status_code=400)


def _api_error(code: int, status: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message, "status": status}}, status_code=code)
