/** Every failure of a turn has its next step, and none goes on for ever. */

import assert from "node:assert/strict";
import test from "node:test";
import { retries } from "../src/retry";
import type { Failure, Step } from "../src/retry";

const broken: Failure = { kind: "broken" };
const refused = (status: number, code = "", more: { retryAfter?: number; streamed?: boolean } = {}): Failure => ({
  kind: "refused",
  status,
  code,
  ...more,
});

function steps(failure: Failure, count: number): Step[] {
  const next = retries();
  return Array.from({ length: count }, () => next(failure));
}

test("the first failure without an answer renews the session, later ones back off, then it ends with the same key", () => {
  const [first, ...rest] = steps(broken, 8);
  assert.deepEqual(first, { kind: "renew" });
  assert.deepEqual(
    rest.map((step) => (step.kind === "again" ? step.after : step)),
    [1, 2, 4, 8, 16, 16, { kind: "fail", sameKey: true }],
  );
});

test("401 renews once", () => {
  assert.deepEqual(steps(refused(401), 2), [{ kind: "renew" }, { kind: "fail", sameKey: false }]);
});

test("a running turn is asked for again as the server says", () => {
  assert.deepEqual(steps(refused(409, "turn_in_progress", { retryAfter: 2 }), 1), [{ kind: "again", after: 2, notice: "" }]);
  assert.deepEqual(steps(refused(409, "turn_in_progress"), 91).at(-1), { kind: "fail", sameKey: true });
});

test("another 409 is not repeated", () => {
  assert.deepEqual(steps(refused(409, "key_reused"), 1), [{ kind: "fail", sameKey: true }]);
});

test("429 counts down what the server names", () => {
  assert.deepEqual(steps(refused(429, "too_many", { retryAfter: 7 }), 1), [{ kind: "again", after: 7, notice: "busy" }]);
  assert.equal(steps(refused(429), 5).at(-1)?.kind, "fail");
});

test("a cap that is reached or a paused agent is away, also inside a stream", () => {
  for (const failure of [refused(402, "cap_reached"), refused(403, "agent_paused"), refused(409, "agent_paused", { streamed: true })]) {
    assert.deepEqual(steps(failure, 1), [{ kind: "away" }]);
  }
});

test("an error inside a stream ends the turn, and trying again is a new one", () => {
  assert.deepEqual(steps(refused(503, "model_failed", { streamed: true }), 1), [{ kind: "fail", sameKey: false }]);
});

test("a server in trouble is asked a few times, with its own pause", () => {
  const all = steps(refused(503, "", { retryAfter: 3 }), 5);
  assert.deepEqual(all[0], { kind: "again", after: 3, notice: "connecting" });
  assert.deepEqual(all[4], { kind: "fail", sameKey: true });
});

test("what is wrong in itself is not repeated", () => {
  for (const status of [400, 403, 404, 413, 422]) assert.deepEqual(steps(refused(status), 1), [{ kind: "fail", sameKey: false }]);
});
