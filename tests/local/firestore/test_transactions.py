"""Transactions of concurrent clients: nothing is lost, nobody waits for ever, and who must give way is told ABORTED."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from local.firestore.errors import Refused
from local.firestore.transactions import Transactions


def transact(db, work):
    """Run `work(transaction)` until it is not aborted, as the product does."""
    for attempt in range(40):
        try:
            return firestore.transactional(work)(db.transaction())
        except (exceptions.Aborted, ValueError):  # the client says ValueError when its own attempts are used up
            threading.Event().wait(random.random() * 0.01 * (attempt + 1))
    raise AssertionError("contention never ended")


def run_all(jobs):
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def test_no_increment_is_lost(db):
    ref = db.document("counters/one")
    ref.set({"n": 0, "blind": 0})

    def add(transaction):
        transaction.update(ref, {"n": ref.get(transaction=transaction).get("n") + 1})

    def work():
        for _ in range(4):
            transact(db, add)
            ref.update({"blind": firestore.Increment(1)})

    run_all([work] * 10)
    assert ref.get().to_dict() == {"n": 40, "blind": 40}


def test_transfers_in_both_directions_keep_the_sum(db):
    accounts = [db.document(f"accounts/{name}") for name in "abc"]
    for account in accounts:
        account.set({"sum": 100})

    def transfer(source, target):
        def move(transaction):
            left = source.get(transaction=transaction).get("sum")
            right = target.get(transaction=transaction).get("sum")
            transaction.update(source, {"sum": left - 1})
            transaction.update(target, {"sum": right + 1})

        return lambda: transact(db, move)

    pairs = [(source, target) for source in accounts for target in accounts if source is not target]
    run_all([transfer(*pair) for pair in pairs] * 2)
    assert [account.get().get("sum") for account in accounts] == [100, 100, 100]


def test_a_slot_is_booked_once_though_each_booking_reads_by_query(db):
    bookings = db.collection("bookings")

    def book(slot, who):
        def work(transaction):
            taken = bookings.where(filter=FieldFilter("slot", "==", slot)).get(transaction=transaction)
            if not taken:
                transaction.create(bookings.document(f"{slot}-{who}"), {"slot": slot})

        return lambda: transact(db, work)

    run_all([book(slot, who) for slot in range(4) for who in range(4)])
    assert sorted(one.get("slot") for one in bookings.stream()) == [0, 1, 2, 3]


def test_of_two_doctors_one_stays_on_call(db):
    doctors = [db.document(f"doctors/{name}") for name in "ab"]
    for doctor in doctors:
        doctor.set({"on": True})

    def leave(doctor):
        def work(transaction):
            if sum(one.get("on") for one in db.get_all(doctors, transaction=transaction)) == 2:
                transaction.update(doctor, {"on": False})

        return lambda: transact(db, work)

    run_all([leave(doctor) for doctor in doctors])
    assert sorted(doctor.get().get("on") for doctor in doctors) == [False, True]


def test_a_write_from_outside_makes_the_transaction_give_way(db):
    ref = db.document("things/one")
    ref.set({"n": 1})
    transaction = db.transaction(max_attempts=1)
    transaction._begin()
    assert ref.get(transaction=transaction).get("n") == 1
    started = time.monotonic()
    ref.set({"n": 2})  # waits for the transaction for a while, then goes on
    assert time.monotonic() - started < 10
    transaction.update(ref, {"n": 3})
    with pytest.raises(exceptions.Aborted):
        transaction._commit()
    assert ref.get().get("n") == 2


def test_a_rolled_back_transaction_lets_go_and_changes_nothing(db):
    ref = db.document("things/one")
    ref.set({"n": 1})
    transaction = db.transaction()
    transaction._begin()
    ref.get(transaction=transaction)
    transaction.update(ref, {"n": 3})
    transaction._rollback()
    started = time.monotonic()
    ref.update({"n": 2})
    assert time.monotonic() - started < 0.9
    assert ref.get().get("n") == 2


def locks(patience=0.2, **settings):
    return Transactions(patience=patience, write_patience=patience, **settings)


def begin(transactions):
    return transactions.enter(transactions.begin(None, 0).id)


def test_who_closes_a_circle_of_waits_is_aborted_at_once():
    transactions = locks(patience=30)
    first, second = begin(transactions), begin(transactions)
    transactions.lock(first, [b"a"])
    transactions.lock(second, [b"b"])
    waiting = threading.Thread(target=transactions.lock, args=(first, [b"b"]))
    waiting.start()
    while first.waits_for is None:
        threading.Event().wait(0.001)
    with pytest.raises(Refused) as refused:
        transactions.lock(second, [b"a"])
    assert refused.value.code.name == "ABORTED"
    transactions.end(second.id)
    waiting.join(10)
    assert first.held == {b"a", b"b"}


def test_a_wait_for_a_busy_transaction_is_bounded():
    transactions = locks()
    busy, waiting = begin(transactions), begin(transactions)
    transactions.lock(busy, [b"a"])
    with pytest.raises(Refused) as refused:
        transactions.lock(waiting, [b"a"])
    assert refused.value.code.name == "ABORTED"
    transactions.wait_to_write([b"a"])
    assert not busy.doomed


def test_a_holder_that_went_silent_loses_its_locks_to_who_waits():
    transactions = locks()
    silent, waiting = begin(transactions), begin(transactions)
    transactions.lock(silent, [b"a"])
    transactions.leave(silent)
    silent.used -= 1
    transactions.lock(waiting, [b"a"])
    assert waiting.held == {b"a"}
    with pytest.raises(Refused) as refused:
        transactions.enter(silent.id)
    assert refused.value.code.name == "ABORTED"


def test_waiters_get_their_turn_in_the_order_they_came():
    transactions = locks(patience=30)
    holder = begin(transactions)
    transactions.lock(holder, [b"a"])
    turns, threads = [], []

    def wait(number, transaction):
        transactions.lock(transaction, [b"a"])
        turns.append(number)
        transactions.end(transaction.id)

    for number in range(5):
        transaction = begin(transactions)
        threads.append(threading.Thread(target=wait, args=(number, transaction)))
        threads[-1].start()
        while transaction.waits_for is None:
            threading.Event().wait(0.001)
    transactions.end(holder.id)
    for thread in threads:
        thread.join(10)
    assert turns == [0, 1, 2, 3, 4]


def test_an_expired_transaction_is_unknown_and_has_let_go():
    transactions = locks(idle_life=0.05)
    old = begin(transactions)
    transactions.lock(old, [b"a"])
    transactions.leave(old)
    threading.Event().wait(0.1)
    with pytest.raises(Refused) as refused:
        transactions.enter(old.id)
    assert refused.value.code.name == "INVALID_ARGUMENT"
    transactions.end(old.id)
    new = begin(transactions)
    transactions.lock(new, [b"a"])
    assert new.held == {b"a"}
