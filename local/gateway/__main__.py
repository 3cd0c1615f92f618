"""Starts the gateway: `python -m local.gateway --port 8000 --contract api-gateway.yaml --address DEPLOYMENT=URL …`."""

import argparse
import socket
import sys
from pathlib import Path

from local import process
from local.forwarding import Forwarder
from local.gateway.app import Gateway
from local.gateway.contract import Contract, ContractError, fill, parse, placeholder_values
from local.gateway.security import Guard, published_at
from local.gateway.site import Site
from local.id_tokens import Credentials, IdTokens
from local.serving import listen, serve
from local.tokens import KeySets

# The IAM fronts keep an idle connection for 75 s.
_IDLE_SECONDS = 60


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"NAME=VALUE expected, not {text!r}")
    return name, value.rstrip("/")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="API Gateway on this machine.")
    parser.add_argument("--data", type=Path, help="taken because every engine takes it; the gateway keeps nothing")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--fd", type=int, help="an inherited listening socket, instead of host and port")
    parser.add_argument("--contract", type=Path, required=True, help="api-gateway.yaml")
    parser.add_argument("--address", type=_pair, action="append", default=[], metavar="DEPLOYMENT=URL")
    parser.add_argument("--set", type=_pair, action="append", default=[], metavar="NAME=VALUE", help="a placeholder")
    parser.add_argument("--project", default="agenthub-local")
    parser.add_argument(
        "--identity", metavar="URL", help="identity server in Google's place; without, keys are Google's"
    )
    parser.add_argument("--storage", metavar="URL")
    parser.add_argument("--cards", metavar="URL", help="the local card service, whose pages are shown under /cards/")
    parser.add_argument("--credentials", type=Path, help="key file of the gateway's service account")
    parser.add_argument("--cdn-bucket", default="cdn")
    parser.add_argument("--downloads", nargs="*", default=["exports"], help="buckets that signed addresses lead to")
    parser.add_argument("--widget", type=Path, default=Path("dist/widget"), help="the widget's build folder")
    parser.add_argument("--console", type=Path, default=Path("dist/console"), help="the console's build folder")
    parser.add_argument("--api-key", action="append", default=[], help="an API key that is known")
    parser.add_argument("--public-url", default="http://localhost:8000")
    return parser.parse_args()


def _contract(options: argparse.Namespace) -> Contract:
    if not options.contract.exists():
        print(f"gateway: {options.contract} does not exist yet; nothing but the site is served", file=sys.stderr)
        return Contract()
    values = placeholder_values(options.project, dict(options.address), options.identity or "", options.public_url)
    try:
        return parse(fill(options.contract.read_text(encoding="utf-8"), values | dict(options.set)))
    except ContractError as error:
        sys.exit(f"gateway: {options.contract}: {error}")


def main() -> None:
    """Serve until SIGTERM."""
    options = _options()
    process.die_with_parent()
    contract = _contract(options)
    forwarder = Forwarder(_IDLE_SECONDS, retry_resets=True)
    behind = {"identity": options.identity, "cards": options.cards}
    site = Site(
        forwarder,
        behind=behind,
        storage=options.storage,
        bucket=options.cdn_bucket,
        downloads=tuple(options.downloads),
        widget=options.widget,
        console=options.console,
        project=options.project,
    )
    guard = Guard(KeySets(), published_at(options.identity), frozenset(options.api_key))
    id_tokens = IdTokens(Credentials.read(options.credentials)) if options.credentials else None
    listener = socket.socket(fileno=options.fd) if options.fd is not None else listen(options.host, options.port)
    serve(Gateway(contract, guard, id_tokens, forwarder, site), [listener])


if __name__ == "__main__":
    main()
