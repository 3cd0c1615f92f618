"""Firestore v1 over SQLite, so that a laptop runs the code that ships, with the client that ships.

A stand-in for the Standard edition in native mode. From the wire inwards: `server` (gRPC), `reads` and `listen` (what
a request reads), `query`, `filters`, `plan`, `aggregation` and `nearest` (how), `writes` (what a write does to a
document), `transactions` (locks), `store` (SQLite), `indexes` (which queries production would refuse), and below
them `paths` and `values`, which turn names and values into bytes that sort as Firestore sorts.

Supported: every RPC that google-cloud-firestore calls, but pipelines, query explain and the legacy Write stream, which
answer UNIMPLEMENTED.
"""
