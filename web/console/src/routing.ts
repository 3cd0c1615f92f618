/** Where we are, in the fragment: the CDN's bucket has one page and no server that could answer for others. */

import { useCallback, useMemo, useSyncExternalStore } from "preact/compat";
import { type BaseLocationHook, useSearch } from "wouter-preact";

/** The address that is shown, from the first look on; the browser's own may be one that is not agreed to yet. */
let shown: string | undefined;

/** Who shows something by the address. They hear of it here and not from the browser, so that the guards come first. */
const readers = new Set<() => void>();

function show(address: string): void {
  shown = address;
  for (const changed of [...readers]) changed();
}

/** The browser's own ways to another address (a link, back, a typed one) come past `go`: they are asked here. */
function watch(): void {
  if (shown !== undefined) return;
  shown = location.href;
  addEventListener("hashchange", () => {
    if (location.href === shown) return;
    if (mayLeave(shown!, location.href)) show(location.href);
    else history.pushState(null, "", shown);
  });
}

const subscribe = (changed: () => void) => {
  watch();
  readers.add(changed);
  return () => void readers.delete(changed);
};

const split = (address = shown ?? location.href) => {
  const [path = "", query = ""] = address.replace(/^[^#]*#?\/?/, "").split("?");
  return { path: `/${path}`, query };
};

interface Guard {
  ask: () => boolean;
  /** The names in the query whose change leaves, too, such as a form's tab. */
  within: readonly string[];
}

/** What has to be kept or left before something else may show. */
const guards = new Set<Guard>();

/** From now on `ask` is asked before another page shows, and stays when it is false, until what this returns is called. */
export function guardLeaving(ask: () => boolean, within: readonly string[] = []): () => void {
  const guard = { ask, within };
  guards.add(guard);
  watch();
  return () => void guards.delete(guard);
}

/** Go there without a question: what was being changed on this page is gone, or put by. */
export function goUnasked(to: string, options: { replace?: boolean; from?: string } = {}): void {
  if (!shows(options.from)) return;
  guards.clear();
  go(to, options);
}

/** Whether this path is shown still, if one is named. */
const shows = (path: string | undefined): boolean => path === undefined || path === split().path;

/** Whether one may go from one address to another; who let go is not asked again on the way. */
function mayLeave(from: string, to: string): boolean {
  const [before, now] = [split(from), split(to)];
  const changed = (name: string) => new URLSearchParams(before.query).get(name) !== new URLSearchParams(now.query).get(name);
  const left = [...guards].filter(({ within }) => before.path !== now.path || within.some(changed));
  if (!left.every(({ ask }) => ask())) return false;
  for (const guard of left) guards.delete(guard);
  return true;
}

/** Go to a path of the console, such as `/agents?status=active`; with `from` only while that path is shown still. */
export function go(to: string, options: { replace?: boolean; from?: string } = {}): void {
  watch();
  if (!shows(options.from)) return;
  if (!mayLeave(shown!, `#${to}`)) return;
  const url = new URL(location.href);
  url.hash = to;
  history[options.replace ? "replaceState" : "pushState"](null, "", url);
  show(url.href);
}

const useHashPath = (): string => useSyncExternalStore(subscribe, () => split().path);
export const useHash: BaseLocationHook = () => [useHashPath(), go];
const useHashSearch = (): string => useSyncExternalStore(subscribe, () => split().query);
useHash.searchHook = useHashSearch;
useHash.hrefs = (href: string) => `#${href}`;

/** The address of a page of the console, for `href`. */
export const to = (path: string, query: Record<string, string | undefined> = {}): string => `#${withQuery(path, query)}`;

export function withQuery(path: string, query: Record<string, string | undefined>): string {
  const set = new URLSearchParams(Object.entries(query).filter((one): one is [string, string] => Boolean(one[1])));
  return set.size ? `${path}?${set}` : path;
}

/**
 * The query of the fragment as an object, and a way to change some of it: filters, tabs, open rows live here, so that a
 * link shows another person the same. An empty value takes a name away. Filters replace; `push` makes a step back. What
 * comes late, when an answer is there, changes nothing of another page, and of its own only what it names.
 */
export function useQuery(): [Record<string, string>, (change: Record<string, string | undefined>, push?: boolean) => void] {
  const search = useSearch();
  const path = useHashPath();
  const query = useMemo(() => Object.fromEntries(new URLSearchParams(search)), [search]);
  const change = useCallback(
    (next: Record<string, string | undefined>, push = false) => go(withQuery(path, { ...Object.fromEntries(new URLSearchParams(split().query)), ...next }), { replace: !push, from: path }),
    [path],
  );
  return [query, change];
}
