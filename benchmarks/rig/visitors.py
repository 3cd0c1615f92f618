"""Visitors who ask: one turn over HTTP, timed to its first words and to its end, and many at once."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.rig.processes import Function
from benchmarks.rig.shop import QUESTION, Tenant, key


@dataclass(frozen=True)
class Said:
    """One turn as its visitor saw it; `status` 0 is a stream that ended in an error."""

    status: int
    first_seconds: float
    seconds: float
    code: str = ""


class Visitor:
    """One session with one connection, which is opened again when the function has closed it."""

    def __init__(self, function: Function, tenant: Tenant) -> None:
        self._function = function
        self._headers = tenant.visitor()
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    def ask(self) -> Said:
        """One turn, to the end of its stream."""
        # gunicorn closes an idle connection after two seconds.
        if self._connection is None or time.monotonic() - self._used > 1:
            self._connection = self._function.connect()
        headers = {**self._headers, "Idempotency-Key": key()}
        began = time.perf_counter()
        self._connection.request("POST", "/api/chat", json.dumps({"message": QUESTION}), headers)
        answer = self._connection.getresponse()
        if answer.status != 200:
            problem = json.loads(answer.read())
            self._finish(answer)
            return Said(answer.status, 0.0, time.perf_counter() - began, problem["code"])
        first, event, code = 0.0, "", ""
        while line := answer.readline():
            if line.startswith(b"event: "):
                event = line[7:].strip().decode()
                first = first or (time.perf_counter() - began if event == "delta" else 0.0)
            elif event == "error" and line.startswith(b"data: "):
                code = json.loads(line[6:])["code"]
        self._finish(answer)
        return Said(0 if code else 200, first, time.perf_counter() - began, code)

    def _finish(self, answer: http.client.HTTPResponse) -> None:
        self._used = time.monotonic()
        if answer.will_close:
            self._connection = None


def at_once(asking: list[Callable[[], Said]], seconds: float) -> tuple[list[Said], float]:
    """All of them again and again for so long; what was said, and the seconds until the last had ended."""
    said: list[Said] = []
    start = threading.Barrier(len(asking) + 1)
    end = [0.0]

    def work(ask: Callable[[], Said]) -> None:
        start.wait()
        while time.perf_counter() < end[0]:
            said.append(ask())

    threads = [threading.Thread(target=work, args=(ask,)) for ask in asking]
    for thread in threads:
        thread.start()
    end[0] = time.perf_counter() + seconds
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return said, time.perf_counter() - began
