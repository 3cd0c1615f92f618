/** A stream gives the same events however it is cut. */

import assert from "node:assert/strict";
import test from "node:test";
import { eventReader } from "../src/sse";

const STREAM = 'event: start\ndata: {"a":1}\n\n: heartbeat\n\nevent: delta\ndata: {"text":"é → 中"}\n\ndata: one\ndata: two\n\n';
const EVENTS = [
  { name: "start", data: '{"a":1}' },
  { name: "delta", data: '{"text":"é → 中"}' },
  { name: "", data: "one\ntwo" },
];

test("every way to cut a stream in two gives the same events", () => {
  for (const stream of [STREAM, STREAM.replaceAll("\n", "\r\n")]) {
    for (let at = 0; at <= stream.length; at += 1) {
      const read = eventReader();
      assert.deepEqual([...read(stream.slice(0, at)), ...read(stream.slice(at))], EVENTS);
    }
  }
});

test("a stream that comes letter by letter gives the same events", () => {
  const read = eventReader();
  assert.deepEqual([...STREAM].flatMap((letter) => read(letter)), EVENTS);
});

test("heartbeats and unfinished events give nothing", () => {
  const read = eventReader();
  assert.deepEqual(read(": heartbeat\n\n: another\n\nevent: delta\ndata: {"), []);
});
