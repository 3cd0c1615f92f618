"""Puts the identity services together behind one address, open to browsers of any origin as Google's are."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.identity.accounts import ServiceAccounts
from local.identity.keys import GOOGLE, SECURETOKEN, Keyring, system_key
from local.identity.mail import Sink
from local.identity.oauth import OAuth
from local.identity.people import People
from local.identity.toolkit import Toolkit
from local.serving import Application

_TOKEN_ACCOUNTS = ("machines", "visitors")


def application(data: Path, project: str, mail: Path, public_url: str) -> Application:
    """The whole server over the state in `data`; makes the keys that are always needed."""
    keyring = Keyring(data / "keys")
    accounts = ServiceAccounts(keyring, project)
    for owner in (GOOGLE, SECURETOKEN, *(system_key(accounts.email(name)) for name in _TOKEN_ACCOUNTS)):
        keyring.key(owner)
    toolkit = Toolkit(People(data), accounts, project, Sink(mail, public_url))
    return Starlette(
        routes=[Route("/health", _health), *toolkit.routes(), *OAuth(accounts).routes()],
        middleware=[Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])],
    )


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "healthy", "service": "identity"})
