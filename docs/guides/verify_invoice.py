"""Checks an invoice against your own export of usage events: python verify_invoice.py EVIDENCE KEYS EVENTS
EVIDENCE is what GET /api/invoices/{invoice}/evidence answered, KEYS what GET /api/billing/evidence-keys did (best the copy
from when you began), EVENTS the usage events as JSON Lines with every column, of the invoice's month or of more. Prints OK,
or what differs and exits with 1. Needs Python 3.11 and `cryptography`.
"""

import base64
import hashlib
import json
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def node(children):
    return hashlib.sha256("".join(f"{child}\n" for child in sorted(children)).encode()).hexdigest()


evidence, keys, events = (Path(name).read_text("utf-8") for name in sys.argv[1:4])
evidence, wrong, hours, lines = json.loads(evidence), [], defaultdict(dict), defaultdict(list)
KEY = ("agent_id", "model", "price_version")
keys = [base64.b64decode(key["public_key"]) for key in json.loads(keys)["keys"]]
try:
    key = next(key for key in keys if hashlib.sha256(key).hexdigest() == evidence["key_id"])
    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(evidence.pop("signature")), canonical(evidence))
except Exception as error:  # An unknown key, or a signature that does not fit.
    wrong.append(f"signature: {error!r}")
late = {leaf: line["line_id"] for line in evidence["lines"] for leaf in line["leaves"] or ()}
own = {tuple(map(line.get, KEY)): line["line_id"] for line in evidence["lines"] if line["kind"] == "usage"}
for row in map(json.loads, filter(str.strip, events.split("\n"))):
    row = {name: value for name, value in row.items() if value is not None and name != "digest"}
    for name in ("occurred_at", "recorded_at"):
        row[name] = datetime.fromisoformat(row[name]).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    leaf, hour = hashlib.sha256(canonical(row)).hexdigest(), row["occurred_at"][:13]
    mine = hour[:7] == evidence["period"] and row["recorded_at"] < evidence["recorded_before"]
    if leaf in late or (mine and leaf not in evidence["without"]):
        if leaf in hours[hour] or row["workspace_id"] != evidence["workspace_id"]:
            wrong.append(f"event {row['event_id']}: twice, or of another workspace")
        hours[hour][leaf] = row["charge_nanos"]
        lines[late.get(leaf) or own.get(tuple(map(row.get, KEY)))].append(row["charge_nanos"])
stated = {h: sums for m in evidence["months"].values() for d in m["days"].values() for h, sums in d["hours"].items()}
tree = defaultdict(lambda: defaultdict(list))
for hour in sorted(stated.keys() | hours.keys()):
    found = {"count": len(hours[hour]), "charge_nanos": sum(hours[hour].values()), "digest": node(hours[hour])}
    if found != {name: stated.get(hour, {}).get(name) for name in found}:
        wrong.append(f"hour {hour}: {found}, not {stated.get(hour)}")
    tree[hour[:7]][hour[:10]].append(found["digest"])
if node(node(map(node, days.values())) for days in tree.values()) != evidence["usage"]["digest"]:
    wrong.append("the digest of all usage")
for line in (line for line in evidence["lines"] if line["usage"]):
    if (len(found := lines[line["line_id"]]), sum(found)) != (line["usage"]["count"], line["amount_nanos"]):
        wrong.append(f"line {line['line_id']}: {len(found)} events, {sum(found)} nanos, not {line['amount_nanos']}")
sys.exit("\n".join(wrong) or print(f"OK: invoice {evidence['number']}, {evidence['usage']['count']} events"))
