/** A conversation against a network that is written out as a list of answers. */

import assert from "node:assert/strict";
import test from "node:test";
import { openApi } from "../src/api";
import { parseConfig } from "../src/config";
import { openConversation } from "../src/conversation";
import type { Conversation } from "../src/conversation";
import { openStore } from "../src/storage";
import english from "../src/texts/en.json";
import type { Store } from "../src/storage";

type Answer = () => Response | Promise<Response>;

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
const stream = (...events: [string, unknown][]): Answer => () =>
  new Response(events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join(""), {
    headers: { "Content-Type": "text/event-stream" },
  });
const whole = stream(["start", {}], ["delta", { text: "Yes." }], ["done", { message_id: "msg_1", conversation_id: "cnv_1" }]);
const lost: Answer = () => Promise.reject(new TypeError("Failed to fetch"));

interface Run {
  readonly conversation: Conversation;
  readonly store: Store;
  readonly keys: string[];
  readonly sessions: Record<string, unknown>[];
  readonly slept: number[];
  readonly spoken: string[];
  /** Resolves when the message that was asked is answered or given up. */
  settled(): Promise<void>;
}

function run(turns: Answer[], sessions: Answer[] = [], saved = "", online = () => true): Run {
  const keys: string[] = [];
  const seen: Record<string, unknown>[] = [];
  const slept: number[] = [];
  const spoken: string[] = [];
  let tokens = 0;
  let keyCount = 0;
  const fake: typeof fetch = async (url, init) => {
    init?.signal?.throwIfAborted();
    const stopped = new Promise<never>((_, stop) => init?.signal?.addEventListener("abort", () => stop(init.signal?.reason)));
    stopped.catch(() => undefined);
    return Promise.race([stopped, answer(url, init)]);
  };
  const answer: typeof fetch = async (url, init) => {
    const headers = new Headers(init?.headers);
    if (String(url).endsWith("/sessions")) {
      seen.push({ authorization: headers.get("Authorization"), body: JSON.parse(String(init?.body)) });
      tokens += 1;
      return (sessions.shift() ?? (() => json(200, { token: `t${tokens}`, expires_at: "2099-01-01T00:00:00Z" })))();
    }
    keys.push(headers.get("Idempotency-Key") ?? "");
    return (turns.shift() ?? whole)();
  };
  let kept = saved;
  const storage = { getItem: () => kept || null, setItem: (_: string, value: string) => void (kept = value) };
  const store = openStore("wgt_1", () => storage);
  const config = parseConfig({ widget: "wgt_1", api_url: "https://api", chat_url: "https://chat" }, "en", english);
  let wake: () => void = () => undefined;
  const conversation: Conversation = openConversation(config, openApi(config, store, fake, Date.now), store, {
    sleep: (milliseconds) => Promise.resolve(void slept.push(milliseconds)),
    online: () => Promise.resolve(),
    isOnline: online,
    newKey: () => `k${(keyCount += 1)}`,
    pageUrl: () => "https://site/",
    changed: () => {
      const open = conversation?.messages.some((one) => ["waiting", "sending", "streaming"].includes(one.state));
      if (!open) wake();
    },
    answered: (message) => void spoken.push(message.text),
  });
  const settled = (): Promise<void> => new Promise((over) => (wake = over));
  return { conversation, store, keys, sessions: seen, slept, spoken, settled };
}

async function ask(one: Run): Promise<void> {
  const over = one.settled();
  one.conversation.ask("Open today?");
  await over;
}

test("a message is answered", async () => {
  const one = run([whole]);
  await ask(one);
  assert.deepEqual(one.conversation.messages.map(({ from, text, state }) => [from, text, state]), [
    ["visitor", "Open today?", "done"],
    ["agent", "Yes.", "done"],
  ]);
  assert.deepEqual(one.store.read().unsent, []);
  assert.equal(one.conversation.id(), "cnv_1");
});

test("a stream that breaks goes on under the same key", async () => {
  const half = stream(["start", {}], ["delta", { text: "Ye" }]);
  const busy: Answer = () => json(409, { code: "turn_in_progress" }, { "Retry-After": "1" });
  const one = run([half, half, busy, whole]);
  await ask(one);
  assert.equal(one.conversation.messages[1]?.text, "Yes.");
  assert.deepEqual(one.keys, ["k1", "k1", "k1", "k1"]);
  assert.equal(one.sessions.length, 2);
});

test("a message is given up after a while, kept, and sent again with its key", async () => {
  const one = run(Array.from({ length: 8 }, () => lost));
  await ask(one);
  const [message] = one.conversation.messages;
  assert.equal(message?.state, "failed");
  assert.equal(one.conversation.notice?.kind, "error");
  assert.deepEqual(one.store.read().unsent, [{ key: "k1", text: "Open today?" }]);
  const over = one.settled();
  if (message) one.conversation.retry(message);
  await over;
  assert.equal(message?.state, "done");
  assert.deepEqual(new Set(one.keys), new Set(["k1"]));
});

test("a refused turn is away, and trying again is a new turn", async () => {
  const one = run([() => json(402, { code: "cap_reached" })]);
  await ask(one);
  assert.equal(one.conversation.notice?.kind, "away");
  const over = one.settled();
  const [message] = one.conversation.messages;
  if (message) one.conversation.retry(message);
  await over;
  assert.deepEqual(one.keys, ["k1", "k2"]);
  assert.equal(one.conversation.notice, null);
});

test("429 counts its seconds down", async () => {
  const one = run([() => json(429, {}, { "Retry-After": "3" })]);
  await ask(one);
  assert.deepEqual(one.slept, [1000, 1000, 1000]);
  assert.equal(one.conversation.messages.length, 2);
});

test("an answer as one object is shown like a streamed one", async () => {
  const said = { message: { text: "Yes.", message_id: "msg_1" }, sources: [{ number: 1, title: "Hours" }], actions: [{ type: "hand_off" }] };
  const one = run([() => json(200, said)]);
  await ask(one);
  const answer = one.conversation.messages[1];
  assert.deepEqual([answer?.text, answer?.id, answer?.sources[0]?.title, answer?.actions], ["Yes.", "msg_1", "Hours", ["hand_off"]]);
});

test("a session is renewed by the old token before it ends, and begun anew when that is refused", async () => {
  const saved = JSON.stringify({ token: "old", expires: "2020-01-01T00:00:00Z", conversation: "cnv_0" });
  const one = run([whole], [() => json(401, {})], saved);
  await ask(one);
  assert.deepEqual(one.sessions, [
    { authorization: "Bearer old", body: {} },
    { authorization: null, body: { visitor: "old" } },
  ]);
});

test("a conversation that is gone is begun anew with the same message", async () => {
  const saved = JSON.stringify({ token: "t", expires: "2099-01-01T00:00:00Z", conversation: "cnv_0" });
  const one = run([() => json(404, {}), whole], [], saved);
  await ask(one);
  assert.equal(one.conversation.id(), "cnv_1");
  assert.equal(one.conversation.messages[0]?.state, "done");
});

test("what was left unsent is sent when the page is opened again, unless it was answered meanwhile", async () => {
  const history = { conversation_id: "cnv_1", messages: [{ role: "visitor", text: "First" }, { role: "assistant", text: "Yes." }] };
  const unsent = [
    { key: "a", text: "First" },
    { key: "b", text: "Second" },
  ];
  const saved = JSON.stringify({ token: "t", expires: "2099-01-01T00:00:00Z", unsent });
  const one = run([() => json(200, history), whole], [], saved);
  await one.conversation.restore();
  assert.deepEqual(one.conversation.messages.map((message) => message.text), ["First", "Yes.", "Second", "Yes."]);
  assert.deepEqual(one.keys, ["", "b"]);
});

/** An answer of the server that waits until it is let go; `reached` resolves when it was asked for. */
function held(answer: Answer): { answer: Answer; reached: Promise<void>; go: () => void } {
  let [go, arrive]: (() => void)[] = [];
  const gate = new Promise<void>((open) => (go = open));
  const reached = new Promise<void>((there) => (arrive = there));
  return { reached, go: () => go?.(), answer: async () => (arrive?.(), await gate, answer()) };
}

/** Another visitor comes, as the element tells it, and asks something. */
async function next(one: Run): Promise<void> {
  one.store.write({ who: "next", token: "", conversation: "", unsent: [] });
  one.conversation.forget();
  await ask(one);
}

const said = (one: Run): string[] => one.conversation.messages.map((message) => message.text);

test("an answer that comes after its visitor has gone is neither shown, spoken nor remembered", async () => {
  const first = held(stream(["start", { conversation_id: "cnv_9" }], ["delta", { text: "Yours alone." }], ["done", { message_id: "msg_9", conversation_id: "cnv_9" }]));
  const one = run([first.answer, whole]);
  one.conversation.ask("My secret");
  await first.reached;
  await next(one);
  first.go();
  await new Promise((over) => setTimeout(over));
  assert.deepEqual(said(one), ["Open today?", "Yes."]);
  assert.deepEqual(one.spoken, ["Yes."]);
  assert.equal(one.conversation.id(), "cnv_1");
});

test("what waits to be sent again is never sent in the next visitor's session", async () => {
  const asked = held(() => json(429, {}, { "Retry-After": "3" }));
  const one = run([asked.answer, whole]);
  one.conversation.ask("My secret");
  await asked.reached;
  await next(one);
  asked.go();
  await new Promise((over) => setTimeout(over));
  assert.deepEqual(one.keys, ["k1", "k2"]);
  assert.deepEqual(one.slept, []);
  assert.equal(one.conversation.notice, null);
});

test("a session that was asked for before somebody else came is not theirs", async () => {
  const session = held(() => json(200, { token: "theirs", expires_at: "2099-01-01T00:00:00Z" }));
  const one = run([whole], [session.answer]);
  one.conversation.ask("My secret");
  await session.reached;
  await next(one);
  session.go();
  await new Promise((over) => setTimeout(over));
  assert.equal(one.store.read().token, "t2");
  assert.deepEqual(one.keys, ["k2"]);
  assert.deepEqual(said(one), ["Open today?", "Yes."]);
});

test("a session that is over when somebody else comes is not begun anew for them", async () => {
  const session = held(() => json(401, {}));
  const saved = JSON.stringify({ token: "old", expires: "2020-01-01T00:00:00Z", conversation: "cnv_0" });
  const one = run([whole], [session.answer], saved);
  one.conversation.ask("My secret");
  await session.reached;
  one.store.write({ who: "next", token: "", conversation: "", unsent: [] });
  one.conversation.forget();
  session.go();
  await ask(one);
  assert.deepEqual(one.sessions.map(({ body }) => body), [{}, {}]);
  assert.deepEqual(one.keys, ["k2"]);
});

test("what was said before is not shown to who came while it loaded", async () => {
  const history = held(() => json(200, { conversation_id: "cnv_9", messages: [{ role: "visitor", text: "My secret" }] }));
  const one = run([history.answer, whole], [], JSON.stringify({ token: "t", expires: "2099-01-01T00:00:00Z" }));
  const loaded = one.conversation.restore();
  await history.reached;
  await next(one);
  history.go();
  await loaded;
  assert.deepEqual(said(one), ["Open today?", "Yes."]);
});

test("storage that is blocked is no error", async () => {
  const store = openStore("wgt_1", () => {
    throw new Error("SecurityError");
  });
  store.write({ token: "t" });
  assert.equal(store.read().token, "t");
});
