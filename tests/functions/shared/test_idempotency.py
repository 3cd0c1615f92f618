"""Idempotency keys against the real Firestore: one request works, the others hear of it."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from functions.shared import clock, idempotency, ids
from functions.shared.errors import Conflict
from tests.functions.shared.http.conftest import deployment, firestore_host

__all__ = ["deployment", "firestore_host"]

LEASE = timedelta(seconds=90)
ANSWER = idempotency.StoredAnswer(201, b'{"a": 1}', {"Content-Type": "application/json", "Location": "/x"})


def test_of_many_at_once_one_may_work() -> None:
    name, now = ids.hashed(ids.secret()), clock.now()

    def one(_: int) -> str:
        try:
            idempotency.begin(name, "f", now=now, lease=LEASE)
        except Conflict as conflict:
            return f"{conflict.code} {conflict.headers['Retry-After']}"
        return "begun"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, range(8))) == ["begun"] + ["idempotency_busy 1"] * 7


def test_the_kept_answer_is_given_for_a_day() -> None:
    name, now = ids.hashed(ids.secret()), clock.now()
    attempt = idempotency.begin(name, "f", now=now, lease=LEASE)
    assert isinstance(attempt, idempotency.Attempt)
    attempt.keep(ANSWER)
    assert idempotency.begin(name, "f", now=now + timedelta(hours=23), lease=LEASE) == ANSWER
    with pytest.raises(Conflict) as conflict:
        idempotency.begin(name, "other", now=now, lease=LEASE)
    assert conflict.value.code == "idempotency_conflict"
    later = idempotency.begin(name, "other", now=now + timedelta(hours=25), lease=LEASE)
    assert isinstance(later, idempotency.Attempt)


def test_an_abandoned_attempt_leaves_the_key_free() -> None:
    name, now = ids.hashed(ids.secret()), clock.now()
    first = idempotency.begin(name, "f", now=now, lease=LEASE)
    assert isinstance(first, idempotency.Attempt)
    first.abandon()
    assert isinstance(idempotency.begin(name, "f", now=now, lease=LEASE), idempotency.Attempt)


def test_the_heir_of_an_attempt_that_may_have_done_it_knows_when_that_was() -> None:
    name, now = ids.hashed(ids.secret()), clock.now()
    first = idempotency.begin(name, "f", now=now, lease=LEASE)
    assert isinstance(first, idempotency.Attempt)
    first.release()
    heir = idempotency.begin(name, "f", now=now + timedelta(seconds=1), lease=LEASE)
    assert isinstance(heir, idempotency.Attempt)
    assert heir.since == first.since == now
    heir.abandon()
    next_heir = idempotency.begin(name, "f", now=now + timedelta(seconds=2), lease=LEASE)
    assert isinstance(next_heir, idempotency.Attempt)
    assert next_heir.since == now


def test_a_dead_attempt_ends_by_itself_and_its_ghost_overwrites_nothing() -> None:
    name, now = ids.hashed(ids.secret()), clock.now()
    ghost = idempotency.begin(name, "f", now=now, lease=LEASE)
    heir = idempotency.begin(name, "f", now=now + LEASE, lease=LEASE)
    assert isinstance(ghost, idempotency.Attempt)
    assert isinstance(heir, idempotency.Attempt)
    ghost.keep(idempotency.StoredAnswer(200, b"ghost"))
    ghost.abandon()
    heir.keep(ANSWER)
    assert idempotency.begin(name, "f", now=now, lease=LEASE) == ANSWER


def test_a_large_answer_is_kept_packed() -> None:
    name, now = ids.hashed(ids.secret()), clock.now()
    attempt = idempotency.begin(name, "f", now=now, lease=LEASE)
    assert isinstance(attempt, idempotency.Attempt)
    attempt.keep(idempotency.StoredAnswer(200, b"name: Mia\n" * 300_000, {"ETag": "1"}))
    again = idempotency.begin(name, "f", now=now, lease=LEASE)
    assert again == idempotency.StoredAnswer(200, b"name: Mia\n" * 300_000, {"ETag": "1"})


def test_a_secret_and_a_giant_are_remembered_as_given_only() -> None:
    for answer in (None, idempotency.StoredAnswer(200, random.Random(1).randbytes(1_000_000))):
        name, now = ids.hashed(ids.secret()), clock.now()
        attempt = idempotency.begin(name, "f", now=now, lease=LEASE)
        assert isinstance(attempt, idempotency.Attempt)
        if answer is None:
            attempt.issued()
        else:
            attempt.keep(answer)
        with pytest.raises(Conflict) as conflict:
            idempotency.begin(name, "f", now=now, lease=LEASE)
        assert conflict.value.code == "already_issued"


def test_what_makes_a_request_the_same() -> None:
    same = idempotency.fingerprint("POST", "/a", "x=1", b"body")
    assert same == idempotency.fingerprint("POST", "/a", "x=1", b"body")
    others = [("PUT", "/a", "x=1", b"body"), ("POST", "/b", "x=1", b"body"), ("POST", "/a", "", b"body")]
    assert all(idempotency.fingerprint(*other) != same for other in [*others, ("POST", "/a", "x=1", b"bodY")])
