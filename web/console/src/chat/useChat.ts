/**
 * A conversation in the playground: what was said, the answer as it comes, and what it took.
 *
 * Each message has an idempotency key, so that a lost connection never pays twice: sent again with its key, it brings
 * the answer that is stored. A turn that the server has ended without an answer gets a new key.
 */

import { useEffect, useMemo, useReducer, useRef } from "preact/hooks";
import { call, newKey, raw, type Schemas } from "../api/client";
import { asProblem, offline, Problem } from "../api/problem";
import { type Event, events, problemIn } from "./stream";

export type Facts = Schemas["TranscriptTurn"];
export type Version = "draft" | "published";

export interface Turn {
  key: string;
  message: string;
  version: Version;
  answer: string;
  /** `stopped`: by the person; what came is kept, and charged. */
  state: "waiting" | "streaming" | "done" | "stopped" | "failed";
  problem: Problem | undefined;
  sources: Schemas["ShownSource"][];
  actions: string[];
  /** The buckets that the stream told; the stored turn has more. */
  usage: Omit<Schemas["TokenUsage"], "charge"> | undefined;
  /** The turn as it is stored: charge, timing, price version. Undefined until it was read. */
  facts: Facts | undefined;
  id: string | undefined;
}

export interface Chat {
  turns: Turn[];
  /** The conversation's id, once its first answer is stored. */
  conversation: string | undefined;
  busy: boolean;
  send: (message: string) => void;
  /**
   * Ask for somebody who has named the turn: `hear` gets each event as it comes. A key that was asked before finds its
   * turn again. Resolves when the answer is complete or was stopped; throws Problem.
   */
  relay: (message: string, key: string, hear: (event: Event) => void) => Promise<void>;
  stop: () => void;
  retry: (turn: Turn) => void;
  /** Begin a new conversation. */
  clear: () => void;
}

const TRIES = 8;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export function useChat(agent: string, version: Version = "draft", onUsage?: (turn: Turn) => void): Chat {
  const [drawn, redraw] = useReducer<number, void>((n) => n + 1, 0);
  const kept = useRef<{ turns: Turn[]; shown: Turn[]; conversation: string | undefined; stop: AbortController | undefined; gone: boolean }>({ turns: [], shown: [], conversation: undefined, stop: undefined, gone: false });
  const told = useRef(onUsage);
  told.current = onUsage;
  const frame = useRef(0);

  // What is shown is a copy, made anew: a part with the same turn as before would not be drawn again.
  const draw = () => {
    kept.current.shown = kept.current.turns.map((turn) => ({ ...turn }));
    redraw();
  };
  // Words come faster than a screen shows them: one drawing a frame is enough.
  const later = () => {
    frame.current ||= requestAnimationFrame(() => {
      frame.current = 0;
      draw();
    });
  };
  useEffect(
    () => () => {
      kept.current.gone = true;
      kept.current.stop?.abort();
      cancelAnimationFrame(frame.current);
    },
    [],
  );

  /** Whether the turn still belongs to what is shown: a new conversation may have begun, or the page was left. */
  const current = (turn: Turn) => !kept.current.gone && kept.current.turns.includes(turn);

  const settle = async (turn: Turn, conversation: string) => {
    for (let n = 0; n < TRIES && current(turn); n++) {
      try {
        const { data } = await call("get", "/api/conversations/{conversation}", { path: { conversation } });
        if (!current(turn)) return;
        turn.facts = data.transcript.find((one) => one.id === turn.id);
        if (turn.facts) {
          if (turn.state === "stopped") turn.answer = turn.facts.answer;
          kept.current.conversation ??= conversation;
          draw();
          told.current?.({ ...turn });
          return;
        }
      } catch {
        // What it took is extra: the answer stands without it.
      }
      await pause(400 * (n + 1));
    }
  };

  const ask = async (turn: Turn, hear?: (event: Event) => void) => {
    const stop = new AbortController();
    kept.current.stop = stop;
    let conversation = kept.current.conversation;
    Object.assign(turn, { state: "waiting", answer: "", problem: undefined, sources: [], actions: [], usage: undefined, facts: undefined });
    draw();
    try {
      const response = await answerOf(agent, turn, conversation, stop.signal);
      let ended = false;
      for await (const event of events(response)) {
        const { data } = event;
        hear?.(event);
        if (event.name === "start") {
          turn.id = String(data.turn_id);
          conversation = String(data.conversation_id);
        } else if (event.name === "delta") {
          turn.state = "streaming";
          turn.answer += String(data.text);
        } else if (event.name === "sources") turn.sources = data.sources as Turn["sources"];
        else if (event.name === "action") turn.actions.push(String(data.type));
        else if (event.name === "usage") turn.usage = data as NonNullable<Turn["usage"]>;
        else if (event.name === "error") throw problemIn(event);
        else if (event.name === "done") ended = true;
        later();
      }
      if (!ended) throw offline();
      turn.state = "done";
      if (current(turn)) kept.current.conversation = conversation;
    } catch (error) {
      if (stop.signal.aborted) turn.state = "stopped";
      else {
        turn.state = "failed";
        turn.problem = error instanceof TypeError ? offline() : asProblem(error);
      }
    } finally {
      kept.current.stop = undefined;
      draw();
    }
    if (turn.id && conversation && turn.state !== "failed") void settle(turn, conversation);
  };

  const begun = (message: string, key: string): Turn => {
    const turn: Turn = { key, message, version, answer: "", state: "waiting", problem: undefined, sources: [], actions: [], usage: undefined, facts: undefined, id: undefined };
    kept.current.turns = [...kept.current.turns, turn];
    return turn;
  };

  return useMemo(
    () => ({
      get turns() {
        return kept.current.shown;
      },
      get conversation() {
        return kept.current.conversation;
      },
      get busy() {
        return kept.current.stop !== undefined;
      },
      send(message: string) {
        if (!kept.current.stop) void ask(begun(message, newKey()));
      },
      async relay(message: string, key: string, hear: (event: Event) => void) {
        if (kept.current.stop) throw new Problem(409, "turn_in_progress", "An answer is on its way", "It comes first.");
        const turn = kept.current.turns.find((one) => one.key === key) ?? begun(message, key);
        await ask(turn, hear);
        if (turn.problem) throw turn.problem;
      },
      stop() {
        kept.current.stop?.abort();
      },
      retry({ key }: Turn) {
        const turn = kept.current.turns.find((one) => one.key === key);
        if (!turn || kept.current.stop) return;
        // Without an answer from the server the turn may be running or done: its own key finds it. Else it begins anew.
        if (turn.problem?.code !== "offline" && turn.problem?.code !== "turn_in_progress") turn.key = newKey();
        void ask(turn);
      },
      clear() {
        kept.current.stop?.abort();
        kept.current.turns = [];
        kept.current.conversation = undefined;
        draw();
      },
    }),
    // A new object for each drawing, for the same reason.
    [agent, version, drawn],
  );
}

/** The stream of the answer; while the same turn still runs elsewhere (409 after a lost connection) it waits for it. */
async function answerOf(agent: string, turn: Turn, conversation: string | undefined, signal: AbortSignal): Promise<Response> {
  for (let n = 0; ; n++) {
    try {
      return await raw("POST", `/api/agents/${encodeURIComponent(agent)}/chat`, {
        headers: { "Content-Type": "application/json", Accept: "text/event-stream", "Idempotency-Key": turn.key },
        body: JSON.stringify({ message: turn.message, version: turn.version, conversation_id: conversation ?? null }),
        signal,
      });
    } catch (error) {
      const problem = error instanceof Error && "code" in error ? error.code : undefined;
      if (problem !== "turn_in_progress" || n === TRIES || signal.aborted) throw error;
      await pause(1000);
    }
  }
}
