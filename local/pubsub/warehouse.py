"""BigQuery subscriptions: messages become rows of a table, in batches, by the call that BigQuery offers for that.

With `use_table_schema` a message is a JSON object with the table's columns; the table's server decides whether it fits.
What does not fit stays in the backlog, is tried again and ends as a dead letter.
"""

import json
import re
import urllib.parse
from typing import Any

from local.deployments import post
from local.pubsub.account import Account, NoToken
from local.pubsub.backlog import Delivery
from local.pubsub.registry import Subscription

_TIMEOUT = 30.0
_SHOWN = 300
_TABLE = re.compile(r"(.+)[.:]([^.]+)\.([^.]+)")


class Warehouse:
    """Carries messages into BigQuery tables."""

    def __init__(self, url: str, account: Account | None = None) -> None:
        """`url` is the address of the BigQuery server; Google's own wants to know which `account` it is."""
        self._url = url.rstrip("/")
        self._account = account

    def carry(self, subscription: Subscription, deliveries: list[Delivery]) -> list[str]:
        """An empty text for each message that is a row now, else why it is not."""
        problems = [""] * len(deliveries)
        rows: list[dict[str, Any]] = []
        places: list[int] = []
        for place, delivery in enumerate(deliveries):
            row = _row(subscription, delivery)
            if isinstance(row, str):
                problems[place] = row
            else:
                # The message's id as insertId: a batch that is sent twice gives one row where the server remembers.
                rows.append({"insertId": str(delivery.message_id), "json": row})
                places.append(place)
        if rows:
            for index, problem in self._insert(subscription, rows).items():
                problems[places[index]] = problem
        return problems

    def _insert(self, subscription: Subscription, rows: list[dict[str, Any]]) -> dict[int, str]:
        """Why rows were refused, by their index."""
        config = subscription.body.bigquery_config
        found = _TABLE.fullmatch(config.table)
        assert found is not None  # checked when the subscription was made
        try:
            authorization = self._account.authorization() if self._account else ""
        except NoToken as error:
            return dict.fromkeys(range(len(rows)), str(error))
        ignore_unknown = bool(config.drop_unknown_fields)
        return insert_all(self._url, found.groups(), rows, ignore_unknown=ignore_unknown, authorization=authorization)


def insert_all(
    url: str,
    table: tuple[str, ...],
    rows: list[dict[str, Any]],
    *,
    ignore_unknown: bool = False,
    authorization: str = "",
) -> dict[int, str]:
    """Insert rows (`insertId`, `json`) into a table (project, data set, name); why rows were refused, by their index."""
    name = ".".join(table)
    project, dataset, leaf = (urllib.parse.quote(part, safe="") for part in table)
    address = f"{url.rstrip('/')}/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{leaf}/insertAll"
    body = {"rows": rows, "skipInvalidRows": True, "ignoreUnknownValues": ignore_unknown}
    headers = {"Content-Type": "application/json", **({"Authorization": authorization} if authorization else {})}
    answer = post(address, json.dumps(body).encode(), headers, _TIMEOUT)
    if answer.status != 200:
        return dict.fromkeys(range(len(rows)), f"{name}: answered {answer.status or 'nothing'}: {answer.body[:_SHOWN]}")
    refused = json.loads(answer.body).get("insertErrors", [])
    return {int(r["index"]): f"{name}: {json.dumps(r.get('errors'))[:_SHOWN]}" for r in refused}


def _row(subscription: Subscription, delivery: Delivery) -> dict[str, Any] | str:
    """The row that a message is, or why it is none."""
    config = subscription.body.bigquery_config
    message = delivery.message()
    try:
        text = message.data.decode("utf-8")
        row: Any = json.loads(text) if config.use_table_schema else {"data": text}
    except ValueError as error:
        return f"the message is not JSON: {error}"
    if not isinstance(row, dict):
        return "the message is not a JSON object"
    if config.write_metadata:
        row |= {
            "subscription_name": subscription.name,
            "message_id": message.message_id,
            "publish_time": message.publish_time.ToJsonString(),
            "attributes": json.dumps(dict(message.attributes)),
        }
    return row
