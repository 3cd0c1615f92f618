"""Starts the local Pub/Sub: `python -m local.pubsub --data DIR --port N`."""

import argparse
import json
import logging
import os
import sqlite3
import sys
import threading

from local.deployments import add_options, read_catalogue
from local.oidc import Tokens
from local.process import announce, arguments, die_with_parent, wait_for_stop
from local.pubsub.account import Account
from local.pubsub.backlog import Backlog
from local.pubsub.catalogue import CatalogueError, Plan
from local.pubsub.couriers import Couriers
from local.pubsub.database import Database, backlog
from local.pubsub.push import Push
from local.pubsub.registry import Registry
from local.pubsub.service import serve
from local.pubsub.warehouse import Warehouse

_SWEEP_SECONDS = 60.0


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The options of this engine."""
    parser = arguments("Pub/Sub v1 over SQLite.")
    add_options(parser)
    parser.add_argument(
        "--bigquery", metavar="URL", help="BigQuery server for BigQuery subscriptions; without it rows wait"
    )
    parser.add_argument(
        "--bigquery-account", action="store_true", help="go there as the account of GOOGLE_SERVICE_ACCOUNT_KEY"
    )
    parser.add_argument("--dataset", default="agenthub_local", help="dataset of their tables (default: %(default)s)")
    parser.add_argument(
        "--min-backoff", type=float, metavar="SECONDS", help="cut the minimum back-off of every retry policy to this"
    )
    parser.add_argument("--backlog", action="store_true", help="print undelivered messages by subscription, and end")
    options = parser.parse_args(argv)
    if bool(options.identity) != bool(options.credentials):
        parser.error("--identity and --credentials belong together")
    return options


def _sweep(backlog: Backlog, stopped: threading.Event) -> None:
    while True:
        try:
            backlog.sweep()
        except sqlite3.Error as error:  # a full disk, say: old messages are still there the next time
            logging.getLogger("pubsub").warning("old messages could not be dropped: %s", error)
        if stopped.wait(_SWEEP_SECONDS):
            return


def _account() -> Account:
    try:
        return Account(os.environ.get("GOOGLE_SERVICE_ACCOUNT_KEY", ""))
    except ValueError as error:
        sys.exit(f"Pub/Sub cannot start: GOOGLE_SERVICE_ACCOUNT_KEY must be the base64 of a JSON key file ({error})")


def main() -> None:
    """Run until SIGTERM."""
    options = parse()
    if options.backlog:
        print(json.dumps(backlog(options.data), indent=2))
        return
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="pubsub: %(message)s")
    die_with_parent()
    database = Database(options.data)
    registry = Registry(database)
    messages = Backlog(database, registry, options.min_backoff)
    try:
        if options.catalogue:
            catalogue = read_catalogue(options.catalogue)
            Plan(catalogue, options.project, dict(options.address), options.dataset).apply(registry)
        server, port = serve(database, registry, messages, options.host, options.port)
    except (CatalogueError, OSError, RuntimeError) as error:
        sys.exit(f"Pub/Sub cannot start: {error}")
    tokens = Tokens(options.identity, options.credentials) if options.identity else None
    account = _account() if options.bigquery_account else None
    warehouse = Warehouse(options.bigquery, account) if options.bigquery else None
    Couriers(database, registry, messages, Push(tokens), warehouse).start()
    stopped = threading.Event()
    threading.Thread(target=_sweep, args=(messages, stopped), name="sweep", daemon=True).start()
    announce(port)
    wait_for_stop()
    stopped.set()
    server.stop(grace=0.5).wait()
    # The lock is not given back: nobody shall use the closed file. Deliveries on their way would hold the interpreter
    # until their deadline; they are repeated at the next start.
    database.lock.acquire()
    database.close()
    os._exit(0)


if __name__ == "__main__":
    main()
