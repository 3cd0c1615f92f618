"""What AgentHub costs: exact sums, and counts that the code itself confirms."""

import json
from datetime import timedelta
from fractions import Fraction

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from functions.analytics import consumer
from functions.billing import cap_alerts, evidence, tallies
from functions.dashboard import notifying, relay
from functions.shared import bigquery, clock, events, logs
from infra import cost
from tests.cloud import Cloud
from tests.functions.agents.talking import HOURS, Scripted, Visitor, an_agent, usage_events
from tests.functions.billing.story import FINAL, Story, at

PRICES = cost.list_prices()
CATALOGUE = yaml.load(cost.CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)


def line(lines: list[cost.Line], what: str) -> cost.Line:
    (found,) = (one for one in lines if one.what == what)
    return found


def test_every_price_is_exact_and_says_where_it_is_from() -> None:
    for price in PRICES.values():
        assert price.usd > 0
        assert price.per >= 1
        assert price.free >= 0
        assert price.source.startswith("https://cloud.google.com/")
    assert PRICES["firestore_writes"].of(Fraction(100_000)) == Fraction(9, 100)
    assert PRICES["run_cpu"].usd == Fraction(24, 10**6)


def test_a_thousand_conversations_add_up_to_the_last_digit() -> None:
    lines = cost.of_conversations(1000, cost.Assumed(turns=5), PRICES)
    # A session writes 1; a turn 7 itself, 4 in the rollups and 3 in the charges.
    assert line(lines, "Firestore writes").quantity == 1000 * (1 + 5 * 14)
    assert line(lines, "Firestore writes").usd == Fraction(71_000 * 9, 100 * 100_000)
    # A session reads 4; a turn 6, the look at the caps 1, the close 1, the evidence 1, and 35 counts a thousandth each.
    assert line(lines, "Firestore reads").quantity == 1000 * 4 + 5000 * 9 + 175
    assert line(lines, "API Gateway").quantity == 1000 * 3 + 5000
    assert line(lines, "API Gateway").usd == Fraction(8000 * 3, 10**6)
    assert line(lines, "Firestore deletes by TTL").usd_after_free > 0
    assert line(lines, "Cloud Run vCPU, requests alone").quantity == 5000 * 4 + Fraction(13_000 * 150, 1000)


def test_the_models_tokens_are_priced_by_the_price_book() -> None:
    lines = cost.of_models(1000, cost.Assumed(turns=2, input_tokens=1000, output_tokens=100))
    assert line(lines, "Model, input").usd == Fraction(3, 10) * 2
    assert line(lines, "Model, output").usd == Fraction(25, 10) * Fraction(2, 10)
    with pytest.raises(cost.UnknownModel):
        cost.of_models(1, cost.Assumed(model="vertexai/none"))


def test_an_idle_month_follows_the_catalogue() -> None:
    lines = cost.of_idle_month(CATALOGUE, cost.Assumed(), PRICES)
    assert line(lines, "Schedules").quantity == len(CATALOGUE["schedules"])
    # Twice every ten minutes of 730 hours, and twice a day.
    assert {CATALOGUE["schedules"][name]["cron"] for name in CATALOGUE["schedules"]} >= {
        "*/10 * * * *",
        "5-59/10 * * * *",
        "10 0 * * *",
        "40 1 * * *",
    }
    assert line(lines, "Cloud Run requests of the schedules").quantity == 2 * 4380 + 2 * Fraction(365, 12)
    assert line(lines, "Secrets").quantity == len(CATALOGUE.get("secrets") or {})
    assert sum((one.usd for one in cost.of_own_domain(PRICES)), Fraction(0)) == Fraction(1825, 100)


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_what_is_free_is_taken_once_and_never_paid_back(quantity: int, more: int) -> None:
    price = PRICES["gateway_calls"]
    assert 0 <= price.after_free(Fraction(quantity)) <= price.of(Fraction(quantity))
    added = price.after_free(Fraction(quantity + more)) - price.after_free(Fraction(quantity))
    assert 0 <= added <= price.of(Fraction(more))


@given(st.fractions(min_value=0, max_value=10**6), st.integers(0, 6))
def test_a_sum_is_shown_within_half_a_digit(usd: Fraction, places: int) -> None:
    assert abs(Fraction(cost.shown(usd, places)) - usd) * 2 <= Fraction(1, 10**places)


def test_a_half_is_shown_away_from_zero() -> None:
    assert [cost.shown(Fraction(n, 2), 0) for n in (1, 3, -1)] == ["1", "2", "-1"]
    assert cost.shown(Fraction(-1, 10), 0) == "0"


def test_it_prints_each_part_and_names_what_nobody_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(["--turns", "3", "--conversations", "200"]) == 0
    said = capsys.readouterr().out
    assert "200 conversations of 3 turns" in said
    assert "A month in which nobody talks" in said
    assert "Unverified (?): bigquery_storage" in said
    assert cost.main(["--model", "vertexai/none"]) == 1


def test_a_turn_and_its_consumers_take_what_is_counted(cloud: Cloud) -> None:
    workspace = cloud.workspace()
    visitor = Visitor(cloud, workspace, an_agent(workspace, knowledge=(HOURS,)))
    visitor.turn()
    with logs.request() as operations:
        list(visitor.begin(Scripted()).events())
    assert dict(operations) == cost.COUNTED["turn"]
    first, second = (events.Event(workspace, "usage-recorded", row["event_id"], row) for row in usage_events(workspace))
    call = cloud.call(workspace, now=clock.now())
    # The first asks for the workspace's time zone, once in five minutes of an instance.
    assert consumer.count(call, first)
    with logs.request() as operations:
        assert consumer.count(call, second)
    assert dict(operations) == cost.COUNTED["rollups"]
    with logs.request() as operations:
        assert tallies.count(second, clock.now())
        cap_alerts.look(workspace, clock.month_of(clock.now()), clock.now())
    assert dict(operations) == cost.COUNTED["charges"]
    assert len(json.dumps(second.row).encode()) <= cost.Assumed().message_bytes


def test_the_close_reads_each_event_once(cloud: Cloud) -> None:
    found = []
    for number in (3, 8):
        story = Story(cloud)
        for minute in range(number):
            story.record(at("2026-11-26", 10, minute))
        with logs.request() as operations:
            assert len(events.of_day(story.workspace, "2026-11-26")) == number
        found.append(operations["firestore_reads"])
    assert found[1] - found[0] == 5 * cost.COUNTED["booking"]["firestore_reads"]


def test_the_evidence_reads_each_event_once_more(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise ConnectionError

    monkeypatch.setattr(bigquery, "client", away)
    found = []
    for number in (3, 8):
        story = Story(cloud, stores=False)
        for minute in range(number):
            story.record(at("2026-11-26", 10, minute), charge_nanos=1_000_000_000)
        story.close(FINAL)
        (invoice,) = story.invoices()
        with logs.request() as operations:
            evidence.manifest(story.workspace, invoice)
        found.append(operations["firestore_reads"])
    assert found[1] - found[0] == 5 * cost.COUNTED["evidence"]["firestore_reads"]


def test_a_relay_that_finds_nothing_takes_what_is_counted(cloud: Cloud) -> None:
    # Before every event of this run: nothing can be waiting then.
    with logs.request() as operations:
        assert relay.relay(clock.now() - timedelta(days=3650)) == 0
    assert dict(operations) == cost.COUNTED["relay"]


def test_a_look_for_deliveries_that_finds_none_takes_what_is_counted(cloud: Cloud) -> None:
    with logs.request() as operations:
        assert notifying.work_off(clock.now() - timedelta(days=3650)) == 0
    assert dict(operations) == cost.COUNTED["retries"]
