"""Idempotency keys against the real Firestore: one request works, the others hear of it."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from functions.shared import clock, firestore, idempotency, ids
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


def giant(seed: int, size: int = 8_500_000) -> idempotency.StoredAnswer:
    """More than one commit holds, and no smaller when it is packed."""
    return idempotency.StoredAnswer(200, random.Random(seed).randbytes(size), {"ETag": str(seed)})


def begun(name: str, now: datetime) -> idempotency.Attempt:
    attempt = idempotency.begin(name, "f", now=now, lease=LEASE)
    assert isinstance(attempt, idempotency.Attempt)
    return attempt


def documents(name: str) -> dict[str, firestore.Snapshot]:
    span = (name, f"{name}.zzzz")
    return {one.id: one for one in firestore.find(firestore.Query("idempotency", ids=span))}


def test_a_secret_is_remembered_as_given_only() -> None:
    name, now = ids.hashed(ids.secret()), clock.now()
    begun(name, now).issued()
    with pytest.raises(Conflict) as conflict:
        idempotency.begin(name, "f", now=now, lease=LEASE)
    assert conflict.value.code == "already_issued"


@pytest.mark.parametrize("size", [900_000, 900_001, 1_800_000, 8_500_000])
def test_an_answer_that_no_document_holds_is_kept_in_parts_that_end_with_it(size: int) -> None:
    name, now = ids.hashed(ids.secret()), clock.now()
    begun(name, now).keep(giant(1, size))
    assert idempotency.begin(name, "f", now=now + timedelta(hours=23), lease=LEASE) == giant(1, size)
    kept = documents(name)
    assert (len(kept) > 2) == (size > 900_000)
    assert {one.data["expire_at"] for one in kept.values()} == {now + idempotency.KEPT}


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_a_crash_while_parts_are_kept_leaves_no_half_of_an_answer(
    commits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        pass

    name, now, left = ids.hashed(ids.secret()), clock.now(), [commits]
    attempt, real = begun(name, now), firestore.Batch.commit

    def dying(batch: firestore.Batch) -> dict[str, str]:
        left[0] -= 1
        if left[0] < 0:
            raise Crash
        return real(batch)

    with monkeypatch.context() as patch:
        patch.setattr(firestore.Batch, "commit", dying)
        with pytest.raises(Crash):
            attempt.keep(giant(1))
    with pytest.raises(Conflict) as conflict:
        idempotency.begin(name, "f", now=now, lease=LEASE)
    assert conflict.value.code == "idempotency_busy"
    heir = begun(name, now + LEASE)
    assert (heir.since, heir.heir) == (now, True)
    heir.keep(giant(2))
    assert idempotency.begin(name, "f", now=now + LEASE, lease=LEASE) == giant(2)


def test_the_parts_of_a_ghost_are_not_those_of_its_heir() -> None:
    name, now = ids.hashed(ids.secret()), clock.now()
    ghost, heir = begun(name, now), begun(name, now + LEASE)
    heir.keep(giant(2))
    ghost.keep(giant(1))
    assert idempotency.begin(name, "f", now=now + LEASE, lease=LEASE) == giant(2)


def test_an_answer_of_which_a_part_is_gone_is_made_again_by_an_heir() -> None:
    name, now = ids.hashed(ids.secret()), clock.now()
    begun(name, now).keep(giant(1, 1_000_000))
    batch = firestore.Batch()
    batch.delete(f"idempotency/{max(documents(name))}")
    batch.commit()
    heir = begun(name, now + timedelta(hours=1))
    assert (heir.since, heir.heir) == (now, True)


def test_what_makes_a_request_the_same() -> None:
    same = idempotency.fingerprint("POST", "/a", "x=1", b"body")
    assert same == idempotency.fingerprint("POST", "/a", "x=1", b"body")
    others = [("PUT", "/a", "x=1", b"body"), ("POST", "/b", "x=1", b"body"), ("POST", "/a", "", b"body")]
    assert all(idempotency.fingerprint(*other) != same for other in [*others, ("POST", "/a", "x=1", b"bodY")])
