/** What pages read: kept between visits, refreshed behind what is shown, polled by ETag while somebody looks. */

import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { asProblem, Problem } from "./problem";
import { expired } from "../session/session";
import { type Answer, call, type Given, type Got, type With } from "./client";

interface Entry {
  data: unknown;
  etag: string | undefined;
  /** When the server last said that this is so; milliseconds since 1970. */
  at: number;
  /** When its request began, or it was put here: counted, since clocks stand still and go back. */
  turn: number;
}

const kept = new Map<string, Entry>();
const watchers = new Map<string, Set<(stale: boolean) => void>>();
/** The requests that are under way, so that the parts of a page that read the same ask once. */
const asked = new Map<string, Promise<void>>();
const MOST = 200;
let turns = 0;

function tell(key: string, stale = false): void {
  for (const watcher of watchers.get(key) ?? []) watcher(stale);
}

function keep(key: string, entry: Entry): void {
  kept.delete(key);
  kept.set(key, entry);
  for (const old of kept.keys()) {
    if (kept.size <= MOST) break;
    if (!watchers.has(old)) kept.delete(old);
  }
  tell(key);
}

const keyOf = (path: string, given: { path?: unknown; query?: unknown }) => JSON.stringify([path, given.path ?? null, given.query ?? null]);

/** How to read something; `known` is the ETag of what is here already. */
type Read<T> = (known: string | undefined) => Promise<Got<T>>;

/** Read what `key` names. An answer that another one, or a change, has overtaken is dropped: it tells of before. */
function ask<T>(key: string, read: Read<T>): Promise<void> {
  const turn = ++turns;
  const known = kept.get(key);
  const overtaken = () => (kept.get(key)?.turn ?? 0) > turn;
  const asking = read(known?.etag)
    .then(
      (got) => {
        if (!overtaken()) keep(key, got.same && known ? { ...known, at: Date.now(), turn } : { data: got.data, etag: got.etag, at: Date.now(), turn });
      },
      (error: unknown) => {
        if (overtaken()) return;
        // What is gone is shown no longer, were it only to somebody who comes back.
        if (asProblem(error).status === 404 && kept.delete(key)) tell(key);
        throw error;
      },
    )
    .finally(() => {
      if (asked.get(key) === asking) asked.delete(key);
    });
  asked.set(key, asking);
  return asking;
}

/**
 * Forget what was read under these paths, after a change. What somebody looks at is read again and stays until then:
 * a form or a button that went away and came back would lose the focus and what is typed.
 */
export function forget(...prefixes: string[]): void {
  for (const key of new Set([...kept.keys(), ...watchers.keys(), ...asked.keys()])) {
    const [path] = JSON.parse(key) as [string];
    if (!prefixes.some((prefix) => path.startsWith(prefix))) continue;
    // A request that began before the change must not serve who asks after it.
    asked.delete(key);
    if (watchers.has(key)) tell(key, true);
    else kept.delete(key);
  }
}

export interface Resource<T> {
  data: T | undefined;
  etag: string | undefined;
  /** The problem of the last try; `data` may still hold what was read before. */
  problem: Problem | undefined;
  busy: boolean;
  at: number | undefined;
  reload: () => Promise<void>;
  /** Put what a change answered with in place of what was read. */
  put: (data: T, etag?: string) => void;
}

/**
 * Read one route and go on showing it. `null` instead of parameters: not yet.
 *
 * With `poll`, it asks again every so many milliseconds while the tab is visible, and every minute after five minutes
 * without a pointer or key; an unchanged answer (304) draws nothing anew.
 */
export function useResource<P extends With<"get">>(path: P, given: Given<P, "get"> | null = {}, poll?: number): Resource<Answer<P, "get">> {
  return useRead(given === null ? "" : keyOf(path, given), (known) => call("get", path, { ...given, known } as Given<P, "get">), poll);
}

/**
 * Read a list whole, page after page, for tables and names that must miss nobody; as useResource, it is kept and read again
 * after a change. For lists of what people make by hand: others are for usePages.
 */
export function useWhole<P extends ListPath>(path: P, given: Given<P, "get"> | null = {}): Resource<{ items: ItemOf<P>[] }> {
  const query = { ...(given?.query as object | undefined), page_size: 100 };
  const whole = { ...given, query } as unknown as Given<P, "get">;
  return useRead(given === null ? "" : keyOf(path, whole), async () => {
    const items: ItemOf<P>[] = [];
    for (let token: string | null | undefined; token !== null; ) {
      const { data } = await call("get", path, { ...whole, query: { ...query, ...(token ? { page_token: token } : {}) } } as unknown as Given<P, "get">);
      const page = data as { items: ItemOf<P>[]; next_page_token?: string | null };
      items.push(...page.items);
      token = page.next_page_token ?? null;
    }
    return { data: { items }, etag: undefined, same: false };
  });
}

function useRead<T>(key: string, read: Read<T>, poll?: number): Resource<T> {
  const [, redraw] = useReducer<number, void>((n) => n + 1, 0);
  const [failed, setFailed] = useState<{ key: string; problem: Problem }>();
  const [busy, setBusy] = useState(false);
  const latest = useRef(key);
  latest.current = key;
  /** Seconds that the server asked to wait. */
  const wait = useRef(0);

  const [reload, join] = useMemo(() => {
    const follow = async (asking: () => Promise<void>) => {
      if (!key) return;
      setBusy(true);
      try {
        await asking();
        wait.current = 0;
        if (latest.current === key) setFailed(undefined);
      } catch (error) {
        const problem = asProblem(error);
        wait.current = problem.retryAfter ?? 0;
        if (latest.current === key) setFailed({ key, problem });
      } finally {
        if (latest.current === key) setBusy(false);
      }
    };
    const anew = () => ask(key, read);
    return [() => follow(anew), () => follow(() => asked.get(key) ?? anew())];
  }, [key]);

  useEffect(() => {
    if (!key) return setBusy(false);
    const watcher = (stale: boolean) => {
      redraw();
      if (stale) void join();
    };
    const set = watchers.get(key) ?? new Set();
    watchers.set(key, set.add(watcher));
    void join();
    return () => {
      set.delete(watcher);
      if (!set.size) watchers.delete(key);
    };
  }, [key]);

  usePolling(key && poll ? poll : undefined, reload, wait);
  useSessionAgain(failed?.key === key, reload);

  const entry = key ? kept.get(key) : undefined;
  return {
    data: entry?.data as T | undefined,
    etag: entry?.etag,
    problem: failed?.key === key ? failed.problem : undefined,
    busy,
    at: entry?.at,
    reload,
    put: (data, etag) => keep(key, { data, etag: etag ?? entry?.etag, at: Date.now(), turn: ++turns }),
  };
}

/** What could not be read because the session had ended is read once the person has signed in again. */
function useSessionAgain(failed: boolean, read: () => Promise<void>): void {
  const ended = expired.value;
  const before = useRef(ended);
  useEffect(() => {
    if (before.current && !ended && failed) void read();
    before.current = ended;
  }, [ended]);
}

const IDLE = 5 * 60_000;
let lastTouch = Date.now();
for (const name of ["pointerdown", "keydown", "pointermove"]) addEventListener(name, () => (lastTouch = Date.now()), { passive: true });

/**
 * Call `ask` every `every` milliseconds while the tab is visible; every minute when nobody has touched it for five, and not
 * before the seconds in `wait` are over.
 */
export function usePolling(every: number | undefined, ask: () => Promise<void>, wait?: { current: number }): void {
  useEffect(() => {
    if (!every) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const next = () => {
      clearTimeout(timer);
      if (stopped || document.hidden) return;
      timer = setTimeout(() => void ask().finally(next), Math.max(every, Date.now() - lastTouch > IDLE ? 60_000 : 0, 1000 * (wait?.current ?? 0)));
    };
    const shown = () => {
      if (!document.hidden) void ask().finally(next);
    };
    document.addEventListener("visibilitychange", shown);
    next();
    return () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [every, ask]);
}

/** Lists that come in pages; short lists that come whole are for useResource. */
type ListPath = {
  [P in With<"get">]: Answer<P, "get"> extends { items: unknown[] } ? (NonNullable<Given<P, "get">["query"]> extends { page_size?: number } ? P : never) : never;
}[With<"get">];
type ItemOf<P extends ListPath> = Answer<P, "get"> extends { items: (infer T)[] } ? T : never;

export interface Pages<T> {
  items: T[];
  problem: Problem | undefined;
  /** True until the first page is there. */
  loading: boolean;
  busy: boolean;
  /** Undefined when there is nothing more. */
  more: (() => Promise<void>) | undefined;
  reload: () => Promise<void>;
  /** Try once more what failed: a further page comes to what is there, and only a list that failed is read anew. */
  again: () => Promise<void>;
  /** Change items in place: after an action on some of them. */
  change: (next: (items: T[]) => T[]) => void;
}

/** Read a list page by page (50 each); the filters are its query. `null`: not yet. */
export function usePages<P extends ListPath>(path: P, given: Given<P, "get"> | null = {}): Pages<ItemOf<P>> {
  const key = given === null ? "" : keyOf(path, given);
  const [state, setState] = useState<{ key: string; items: ItemOf<P>[]; token: string | null; problem?: Problem | undefined; loaded: boolean }>({
    key: "",
    items: [],
    token: null,
    loaded: false,
  });
  const [busy, setBusy] = useState(false);
  const latest = useRef(key);
  latest.current = key;
  // A list that is read anew overtakes a further page, and an older reading: only the last one asked for counts.
  const last = useRef(0);
  const failed = useRef<string | null>(null);
  const current = state.key === key ? state : { key, items: [] as ItemOf<P>[], token: null, loaded: false, problem: undefined };

  const load = async (token: string | null, before: ItemOf<P>[]) => {
    const turn = ++last.current;
    const counts = () => latest.current === key && last.current === turn;
    setBusy(true);
    try {
      const query = { page_size: 50, ...(given?.query as object | undefined), ...(token ? { page_token: token } : {}) };
      const { data } = await call("get", path, { ...given, query } as unknown as Given<P, "get">);
      const page = data as { items: ItemOf<P>[]; next_page_token?: string | null };
      if (counts()) setState({ key, items: [...before, ...page.items], token: page.next_page_token ?? null, loaded: true });
    } catch (error) {
      if (!counts()) return;
      failed.current = token;
      // What was read before stays.
      setState((now) => (now.key === key ? { ...now, problem: asProblem(error) } : { key, items: [], token: null, loaded: false, problem: asProblem(error) }));
    } finally {
      if (counts()) setBusy(false);
    }
  };

  useEffect(() => {
    if (key) void load(null, []);
  }, [key]);

  const { token, items } = current;
  const again = () => load(failed.current, failed.current ? items : []);
  useSessionAgain(current.problem !== undefined, again);
  return {
    items,
    problem: current.problem,
    loading: !current.loaded && !current.problem,
    busy,
    more: token ? () => load(token, items) : undefined,
    reload: () => load(null, []),
    again,
    change: (next) => setState((now) => ({ ...now, items: next(now.items) })),
  };
}

/** Whether the part of the page that asked is shown still: who has left it is not led anywhere by a late answer. */
export function useHere(): () => boolean {
  const here = useRef(true);
  useEffect(() => {
    here.current = true;
    return () => void (here.current = false);
  }, []);
  return () => here.current;
}

/** An action with its state: `busy` while it runs, `problem` of the last try. A second call while busy is ignored. */
export function useAction<A extends unknown[]>(act: (...given: A) => Promise<void>): { run: (...given: A) => Promise<boolean>; busy: boolean; problem: Problem | undefined; clear: () => void } {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const running = useRef(false);
  const run = async (...given: A) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setProblem(undefined);
    try {
      await act(...given);
      return true;
    } catch (error) {
      setProblem(asProblem(error));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  };
  return { run, busy, problem, clear: () => setProblem(undefined) };
}
