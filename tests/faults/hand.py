"""One process that works until it is killed: a deployment's real edge, or turns against a cap; its orders come on standard input.

An order is a line of JSON, `{"n": 7, …}`; what became of it is a line `7 done`, `7 refused`, `7 busy`, `7 again` or
`7 held`. Nothing else tells the outside how far it is, so a kill leaves whatever a crash would leave.
"""

import io
import json
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from functions.shared import clock, contracts, firestore, metering
from functions.shared.errors import CapReached, Unavailable
from functions.shared.identity.workspace import from_directory
from functions.shared.metering import Hold


class Nowhere(io.TextIOBase):
    """Where a log goes that nobody reads."""

    def write(self, text: str) -> int:
        return len(text)


Work = Callable[[dict[str, Any], Callable[[str], None]], None]


def deliveries(deployment: str) -> Work:
    """Push each order's envelope to the deployment, as Pub/Sub does; done is an answer that it would not send again."""
    # Imported where they are used: a process that is started only to die should not cost more than it must.
    import pytest

    from tests.functions import rooms
    from tests.functions.shared.http import callers

    room = rooms.open_room(deployment, pytest.MonkeyPatch())
    address = os.environ.get("BIGQUERY_EMULATOR_HOST")
    if address and deployment == "billing-close":
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery as native

        from functions.shared import bigquery
        from tests.cloud import PROJECT

        client = native.Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": address})
        pytest.MonkeyPatch().setattr(bigquery, "client", lambda: client)
    application, own = room.client.application, threading.local()

    def deliver(order: dict[str, Any], say: Callable[[str], None]) -> None:
        if not hasattr(own, "client"):
            own.client = application.test_client()
        answer = own.client.post(
            f"/events/{order['topic']}", json={"message": order["message"]}, headers=callers.invoker("push")
        )
        if answer.status_code >= 300 and answer.status_code != 503:
            raise RuntimeError(f"{deployment} answered {answer.status}: {answer.get_data()[:500]!r}")
        say("done" if answer.status_code < 300 else "busy")

    return deliver


def turn(order: dict[str, Any], say: Callable[[str], None]) -> None:
    """A turn as a request takes it: room first, then, unless it is the moment to die, the charge.

    A repeat of a turn whose event is there already changes nothing. The event is read with the spend and decided on with it,
    as agents-chat does: read before, it would miss what a dying process still has on the wire, and hold a settled turn again.
    """
    workspace, name = from_directory(order["workspace"]), str(order["turn"])
    held_at = clock.from_text(order["at"])
    row = {
        "event_id": name,
        "type": "turn",
        "workspace_id": str(workspace),
        "agent_id": order["agent"],
        "conversation_id": f"cnv_{name}",
        "occurred_at": clock.to_text(held_at),
    }
    hold = Hold(name, order["agent"], False, order["most"], held_at, clock.from_text(order["until"]), row)
    paths = [metering.spend_path(workspace, held_at), contracts.path(workspace, "events", name)]

    def take(batch: firestore.Batch, found: list[firestore.Snapshot]) -> bool:
        spend, event = found
        if not event.exists:
            metering.reserve(batch, workspace, spend, metering.terms_of(workspace, spend), hold, clock.now())
        return event.exists

    try:
        ended_before = firestore.compete(paths, firestore.get_all(paths), take)
    except CapReached:
        say("refused")
        return
    except Unavailable:
        threading.Event().wait(0.1)  # As Retry-After asks, in the measure of this test.
        say("busy")
        return
    if ended_before:
        say("done")
        return
    if order["dies"]:
        say("held")
        threading.Event().wait()  # Somebody kills this process now.
    money = {"cost_nanos": order["charge"], "charge_nanos": order["charge"]}
    ended = {"outcome": "completed", "estimated": False, **dict.fromkeys(contracts.BUCKETS, 1)}
    complete = {**row, **money, **ended, "recorded_at": clock.to_text(held_at)}

    def also(batch: firestore.Batch) -> None:
        # Beside the event, as the turn's own document stands: neither is ever there without the other.
        batch.create(contracts.path(workspace, "conversations", f"cnv_{name}"), {"turn": name})

    try:
        metering.settle(workspace, hold, complete, also, now=clock.now())
    except Unavailable:
        say("again")  # It has its hold; its settlement is repeated.
        return
    say("done")


def main() -> None:
    """Work off what comes in, several at once, until the input ends or somebody kills this."""
    kind, threads = sys.argv[1], int(sys.argv[2])
    work = turn if kind == "turns" else deliveries(kind)
    # The functions log to standard output, which is for answers here; a line for each request is too much to keep.
    answers, sys.stdout = sys.stdout, Nowhere()
    lock = threading.Lock()

    def one(order: dict[str, Any]) -> None:
        def say(what: str) -> None:
            with lock:
                answers.write(f"{order['n']} {what}\n")
                answers.flush()

        try:
            work(order, say)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            say("failed")
            raise

    with ThreadPoolExecutor(threads) as pool:
        for line in sys.stdin:
            pool.submit(one, json.loads(line))


if __name__ == "__main__":
    main()
