/** A run of the test cases as it goes: each result when it is there; a lost connection asks for the same run again. */

import { type Signal, signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { newKey, raw, type Schemas } from "../../api/client";
import { asProblem, offline, type Problem } from "../../api/problem";
import { forget } from "../../api/resource";
import { events, problemIn } from "../../chat/stream";
import type { Amount } from "../../format";
import { toast } from "../../parts/dialog";

export type Result = Schemas["ShownResult"];

export interface Running {
  /** How many turns it will ask; undefined until the server has begun. */
  turns: number | undefined;
  /** The most that it can be charged. */
  highest: Amount | undefined;
  results: Result[];
}

export interface Runner {
  running: Running | undefined;
  problem: Problem | undefined;
  start: () => void;
  stop: () => void;
}

interface Run {
  running: Running | undefined;
  problem: Problem | undefined;
  /** One key a run: after a lost answer the same key finds what was stored, and nothing is asked or charged twice. */
  key: string;
  stop: AbortController | undefined;
}

const TRIES = 60;

/** The runs of this window, by agent: they go on while another page shows, and whoever comes back sees how far they are. */
const runs = new Map<string, Signal<Run>>();
/** Who shows an agent's checks, and wants to hear that a run's results are stored. */
const shown = new Map<string, (run: string) => void>();

function runOf(agent: string): Signal<Run> {
  const run = runs.get(agent) ?? signal<Run>({ running: undefined, problem: undefined, key: newKey(), stop: undefined });
  runs.set(agent, run);
  return run;
}

/** `ended` is told the run's id once its results are stored; a page that was left meanwhile is told of by a toast. */
export function useRun(agent: string, ended: (run: string) => void): Runner {
  const latest = useRef(ended);
  latest.current = ended;
  useLayoutEffect(() => {
    const hear = (run: string) => latest.current(run);
    shown.set(agent, hear);
    return () => {
      if (shown.get(agent) === hear) shown.delete(agent);
    };
  }, [agent]);
  const { running, problem, stop } = runOf(agent).value;
  return { running, problem, start: () => void start(agent), stop: () => stop?.abort() };
}

function tell(agent: string, run: string): void {
  forget("/api/agents/{agent}/checks", "/api/conversations", "/api/dashboard");
  const hear = shown.get(agent);
  if (hear) hear(run);
  else toast("The test cases have run");
}

async function start(agent: string): Promise<void> {
  const state = runOf(agent);
  if (state.value.stop) return;
  const set = (change: Partial<Run>) => (state.value = { ...state.value, ...change });
  const stop = new AbortController();
  set({ stop, problem: undefined, running: { turns: undefined, highest: undefined, results: [] } });
  let run = "";
  try {
    const response = await opened(agent, state.value.key, stop.signal);
    let done = false;
    for await (const event of events(response)) {
      const { running } = state.value;
      if (event.name === "start") {
        run = String(event.data.run_id);
        set({ running: { turns: Number(event.data.turns), highest: event.data.highest as Amount, results: [] } });
      } else if (event.name === "case" && running) set({ running: { ...running, results: [...running.results, event.data as Result] } });
      else if (event.name === "error") throw problemIn(event);
      else if (event.name === "done") done = true;
    }
    if (!done) throw offline();
    set({ key: newKey() });
    tell(agent, run);
  } catch (error) {
    if (stop.signal.aborted) {
      set({ key: newKey() });
      // What was asked is stored a moment after the server has noticed; the list of runs shows it then.
      setTimeout(() => tell(agent, run), 1500);
    } else {
      const found = error instanceof TypeError ? offline() : asProblem(error);
      set({ problem: found, ...(found.code === "offline" ? {} : { key: newKey() }) });
    }
  } finally {
    set({ stop: undefined, running: undefined });
  }
}

/** The stream of the run; while the same run still goes on elsewhere (409 after a lost connection) it waits for it. */
async function opened(agent: string, key: string, signal: AbortSignal): Promise<Response> {
  for (let n = 0; ; n++) {
    try {
      return await raw("POST", `/api/agents/${encodeURIComponent(agent)}/checks/run`, { headers: { Accept: "text/event-stream", "Idempotency-Key": key }, signal });
    } catch (error) {
      const found = asProblem(error);
      if (found.code !== "run_in_progress" || n === TRIES || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, (found.retryAfter ?? 2) * 1000));
    }
  }
}
