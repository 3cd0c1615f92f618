"""The evidence of invoices: what is under each of their lines, signed, and the ways between a line and a turn."""

import base64

from functions.billing import evidence, evidence_keys, tracing, verifying
from functions.billing import evidence_api as models
from functions.shared import ids
from functions.shared.http import CONSOLE, MACHINE, Call, Reply, Routes

api = Routes("billing-api")


@api.get(
    "/api/invoices/{invoice}/evidence",
    callers=(CONSOLE, MACHINE),
    etag=True,
    summary="The signed evidence of an invoice.",
)
def get_evidence(call: Call, invoice: str) -> Reply[models.Evidence]:
    """Counts, sums, price versions and digests by line and by hour, as filed when the invoice was finalized. It is a file
    and no document: its ETag is made of its signature, and stays."""
    found = models.Evidence.model_validate(evidence.find(call.workspace, invoice))
    return Reply(found, etag=ids.hashed("evidence", found.invoice_id, found.signature))


@api.post(
    "/api/invoices/{invoice}/evidence/verify",
    callers=(CONSOLE, MACHINE),
    role="viewer",
    scope="read",
    deadline="slow",
    summary="Recompute an invoice's evidence.",
)
def verify_evidence(call: Call, invoice: str) -> models.EvidenceCheck:
    """From the warehouse, event by event; says where the two differ and changes nothing."""
    return verifying.verify(call, invoice)


@api.get("/api/billing/evidence-keys", callers=(CONSOLE, MACHINE), summary="The public keys of evidence.")
def list_evidence_keys(call: Call) -> models.EvidenceKeys:
    """Every one that ever signed."""
    return models.EvidenceKeys(
        keys=[
            models.EvidenceKey(
                id=key.id,
                algorithm=evidence_keys.ALGORITHM,
                public_key=base64.b64encode(key.public).decode(),
                since=key.since,
                current=key.current,
            )
            for key in evidence_keys.every_key()
        ]
    )


@api.get(
    "/api/billing/events/{event}", callers=(CONSOLE, MACHINE), deadline="slow", summary="Where the books have an event."
)
def get_billed_event(call: Call, event: str) -> models.BilledEvent:
    """From a turn to the line of its invoice; the event of a turn has the turn's id."""
    return tracing.trace(call, event)
