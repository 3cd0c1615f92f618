/** Ctrl or Cmd-K: one field that finds pages, agents, widgets, conversations and invoices. */

import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { call, type Schemas } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { ago } from "../format";
import { PLACES } from "../pages/names";
import { Icon, type IconName } from "../parts/icons";
import { ErrorNote } from "../parts/problem";
import { go } from "../routing";
import { claims, may } from "../session/session";

interface Found {
  id: string;
  label: string;
  aside: string;
  icon: IconName;
  path: string;
}

const MAKING: Found[] = [
  { id: "new-agent", label: "New agent", aside: "Action", icon: "plus", path: "/agents/new" },
  { id: "new-widget", label: "New widget", aside: "Action", icon: "plus", path: "/widgets/new" },
];
const ACTIONS: Found[] = [
  { id: "hand-offs", label: "Hand-offs that wait", aside: "Page", icon: "hand", path: "/conversations?tab=hand-offs" },
];

const PATHS: Record<Schemas["Hit"]["kind"], (id: string) => string> = {
  agent: (id) => `/agents/${id}`,
  widget: (id) => `/widgets/${id}`,
  conversation: (id) => `/conversations/${id}`,
  invoice: (id) => `/billing/invoices/${id}`,
};
const ICONS: Record<Schemas["Hit"]["kind"], IconName> = { agent: "agents", widget: "widgets", conversation: "conversations", invoice: "billing" };

export function Palette({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [text, setText] = useState("");
  /** What was found, and for which words. */
  const [answer, setAnswer] = useState<{ words: string; hits: Found[] }>({ words: "", hits: [] });
  const [problem, setProblem] = useState<Problem>();
  const [asking, setAsking] = useState(false);
  const [at, setAt] = useState(0);

  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    const dialog = ref.current!;
    dialog.showModal();
    return () => {
      dialog.close();
      if (before?.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  useEffect(() => {
    setProblem(undefined);
    setAsking(text.trim().length >= 2);
    if (text.trim().length < 2) return;
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const { data } = await call("get", "/api/dashboard/search", { query: { q: text.trim() }, signal: stop.signal });
        setAnswer({ words: text, hits: data.items.map((hit) => ({ id: hit.id, label: hit.name || hit.id, aside: hit.at ? `${hit.kind}, ${ago(hit.at)}` : hit.kind, icon: ICONS[hit.kind], path: PATHS[hit.kind](hit.id) })) });
      } catch (error) {
        if (!stop.signal.aborted) setProblem(asProblem(error));
      } finally {
        if (!stop.signal.aborted) setAsking(false);
      }
    }, 200);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);

  useEffect(() => document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" }), [at]);

  const words = text.trim().toLocaleLowerCase();
  // Until the answer for these words is there, of the one before only what has them, too.
  const hits = answer.words === text ? answer.hits : words.length < 2 ? [] : answer.hits.filter((hit) => hit.label.toLocaleLowerCase().includes(words));
  const places = PLACES.filter((place) => !place.operator || claims.value?.operator).map<Found>((place) => ({ id: place.path, label: place.label, aside: "Page", icon: place.icon, path: place.path }));
  const found = [...[...places, ...(may("member") ? MAKING : []), ...ACTIONS].filter((one) => one.label.toLocaleLowerCase().includes(words)), ...hits];
  const take = (one: Found | undefined) => {
    if (!one) return;
    onClose();
    go(one.path);
  };
  return (
    <dialog
      ref={ref}
      class="dialog palette"
      aria-label="Search"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === ref.current && onClose()}
    >
      <input
        class="input"
        role="combobox"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={found[at] ? `${id}-${at}` : undefined}
        aria-label="Search pages, agents, conversations, invoices"
        placeholder="A page, a name, an id"
        value={text}
        autoFocus
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            setAt((at + (event.key === "ArrowDown" ? 1 : -1) + found.length) % Math.max(1, found.length));
          } else if (event.key === "Enter") {
            event.preventDefault();
            take(found[at]);
          }
        }}
      />
      <div id={id} role="listbox" aria-label="Found">
        {found.map((one, i) => (
          <div key={`${one.aside}${one.id}`} id={`${id}-${i}`} role="option" aria-selected={i === at} onClick={() => take(one)} onPointerMove={() => setAt(i)}>
            <Icon name={one.icon} />
            <span class="grow break" dir="auto">
              {one.label}
            </span>
            <span class="muted">{one.aside}</span>
          </div>
        ))}
      </div>
      {!found.length && !asking && <p class="empty muted">Nothing has “{text.trim()}” in its name or id.</p>}
      {problem && (
        <div class="body">
          <ErrorNote problem={problem} safe="Pages can still be found." />
        </div>
      )}
      <span class="hidden" role="status">
        {asking ? "Searching" : `${found.length} found`}
      </span>
    </dialog>
  );
}
