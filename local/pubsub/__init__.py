"""Pub/Sub on one machine, so that the real client publishes and the real push requests arrive without a cloud.

Pub/Sub v1 over gRPC, state in one SQLite file. What it offers: topics and subscriptions, publish, pull, streaming
pull, push with an OIDC token, BigQuery subscriptions, retry back-off, dead letters, ordering keys, filters, retention.
What it does not offer (schemas, snapshots, seek, exactly-once delivery, transforms, export to storage) is refused.
"""
