"""Starts the card service: python -m local.cards --data DIR --port N --key KEY --secret SECRET [--webhook URL]."""

from local.cards.account import Account
from local.cards.pages import Pages
from local.cards.sender import Sender
from local.cards.service import Service
from local.cards.store import Store
from local.process import arguments, die_with_parent
from local.serving import listen, port_of, serve


def main() -> None:
    """Serve until SIGTERM."""
    parser = arguments("As much of Stripe as AgentHub uses, with a page to pay on.")
    parser.add_argument("--key", default="sk_test_local", help="the secret key that callers show")
    parser.add_argument("--secret", default="whsec_local", help="what webhooks are signed with")
    parser.add_argument("--webhook", metavar="URL", help="where webhooks go; without, they can only be read")
    parser.add_argument("--public-url", metavar="URL", help="where a browser reaches the pages; default: this server")
    options = parser.parse_args()
    die_with_parent()
    listener = listen(options.host, options.port)
    base = options.public_url or f"http://{options.host}:{port_of(listener)}"
    store = Store(options.data)
    sender = Sender(store, options.webhook, options.secret)
    account = Account(store, base, sender.wake)
    sender.start()
    serve(Service(account, options.key).app(Pages(account, base)), [listener])


if __name__ == "__main__":
    main()
