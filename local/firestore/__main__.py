"""Starts the local Firestore: `python -m local.firestore --data DIR --port N`."""

import logging
import threading
from pathlib import Path

from local.firestore.housekeeping import keep_house
from local.firestore.indexes import Indexes
from local.firestore.server import serve
from local.firestore.store import Store
from local.firestore.transactions import Transactions
from local.process import announce, arguments, die_with_parent, wait_for_stop

_CATALOGUE = Path(__file__).parent.parent.parent / "infra" / "catalogue.yaml"
_STOP_SECONDS = 1.0


def main() -> None:
    """Serve until SIGTERM, SIGINT or the end of the parent."""
    parser = arguments(__doc__ or "")
    parser.add_argument(
        "--catalogue", type=Path, default=_CATALOGUE, help="file whose section `firestore` has the indexes"
    )
    parser.add_argument("--no-index-check", action="store_true", help="answer queries that lack an index, too")
    options = parser.parse_args()
    die_with_parent()
    logging.basicConfig(level=logging.WARNING, format="firestore: %(levelname)s %(message)s")
    options.data.mkdir(parents=True, exist_ok=True)
    indexes = Indexes(None) if options.no_index_check else Indexes.read(options.catalogue)
    store = Store(options.data / "firestore.sqlite3", indexes)
    server, port = serve(store, Transactions(), f"{options.host}:{options.port}")
    stopping = threading.Event()
    keeper = threading.Thread(target=keep_house, args=(store, stopping), name="housekeeping", daemon=True)
    keeper.start()
    announce(port)
    wait_for_stop()
    stopping.set()
    server.stop(_STOP_SECONDS).wait()
    keeper.join(_STOP_SECONDS)
    store.close()


if __name__ == "__main__":
    main()
