/** The frame: sidebar (rail, drawer), top bar with the cap on every page, palette, toasts, and the way back in. */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { useResource } from "../api/resource";
import { amount, drawn, money } from "../format";
import { PLACES } from "../pages/names";
import { Bar, Button } from "../parts/basics";
import { Menu, NotUndone, Toasts } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { ErrorNote } from "../parts/problem";
import { go } from "../routing";
import { claims, keepFrame, lastFrame, signOut, workspace } from "../session/session";
import { Palette } from "./Palette";
import { applyTheme, theme } from "./theme";

/** Until it is known who is signed in, the frame is as it was last time. */
export function Shell({ children }: { children: ComponentChildren }) {
  const mine = useResource("/api/workspace", claims.value?.workspace_id ? {} : null);
  const [searching, setSearching] = useState(false);
  const drawer = useRef<HTMLDialogElement>(null);
  const [path] = useLocation();
  if (mine.data && workspace.value !== mine.data) workspace.value = mine.data;
  const person = claims.value;
  useEffect(() => {
    if (!person || (!mine.data && person.workspace_id)) return;
    const { name = "", role } = mine.data ?? {};
    keepFrame({ workspace: Boolean(person.workspace_id), operator: Boolean(person.operator), name, ...(role ? { role } : {}) });
  }, [person, mine.data]);

  useLayoutEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.defaultPrevented && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setSearching(true);
      }
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);
  useEffect(() => drawer.current?.close(), [path]);

  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById("main")?.focus())}>
        Skip to the page
      </a>
      <div class="shell">
        <aside class="sidebar">
          <Brand />
          <Nav path={path} />
        </aside>
        <header class="topbar">
          <div class="open-drawer">
            <Button kind="quiet" icon="menu" label="Menu" onClick={() => drawer.current?.showModal()} />
          </div>
          <Place />
          <button type="button" class="button search" onClick={() => setSearching(true)}>
            <Icon name="search" />
            <span class="grow" style={{ textAlign: "start" }}>
              Search
            </span>
            <kbd>{/Mac|iP/.test(navigator.platform) ? "⌘K" : "Ctrl K"}</kbd>
          </button>
          <Cap />
          <Account />
        </header>
        <main class="main" id="main" tabIndex={-1} aria-busy={person ? undefined : "true"}>
          <NotUndone />
          {mine.problem && !mine.data ? (
            <div class="page">
              <ErrorNote problem={mine.problem} retry={mine.reload} />
            </div>
          ) : (
            children
          )}
        </main>
      </div>
      <dialog ref={drawer} class="drawer" aria-label="Menu">
        <div class="row between">
          <Brand />
          <Button kind="quiet" icon="close" label="Close" onClick={() => drawer.current?.close()} />
        </div>
        <Nav path={path} />
      </dialog>
      {searching && <Palette onClose={() => setSearching(false)} />}
      <Toasts />
    </>
  );
}

function Brand() {
  return (
    <Link class="brand" href="/" aria-label="AgentHub, home">
      <img src="./icon.svg" width="28" height="28" alt="" />
      <span>AgentHub</span>
    </Link>
  );
}

function Nav({ path }: { path: string }) {
  const here = (place: string) => (place === "/" ? path === "/" : path === place || path.startsWith(`${place}/`));
  const { workspace, operator } = claims.value ? { workspace: claims.value.workspace_id, operator: claims.value.operator } : lastFrame();
  const groups = [workspace ? PLACES.filter((place) => !place.operator) : [], operator ? PLACES.filter((place) => place.operator) : []];
  return (
    <nav aria-label="Pages">
      {groups.map((places, i) =>
        places.length ? (
          <div key={i}>
            {i > 0 && <p class="group label">Who runs AgentHub</p>}
            {places.map((place) => (
              <Link key={place.path} class="nav-link" href={place.path} aria-current={here(place.path) ? "page" : undefined}>
                <Icon name={place.icon} />
                {place.label}
              </Link>
            ))}
          </div>
        ) : null,
      )}
    </nav>
  );
}

function Place() {
  const mine = workspace.value;
  const name = mine?.name ?? lastFrame().name;
  return (
    <div class="place">
      <strong dir="auto" title={name}>
        {name}
      </strong>
      {mine && mine.state !== "active" && <span class="badge warning">{mine.state}</span>}
    </div>
  );
}

/** "USD 41.20 of 100.00, pace 88.10": money that is running stands on every page. */
function Cap() {
  const { workspace } = claims.value ? { workspace: claims.value.workspace_id } : lastFrame();
  const { data } = useResource("/api/dashboard/summary", claims.value?.workspace_id ? {} : null, 300_000);
  if (!workspace) return null;
  if (!data)
    return (
      <span class="cap waiting" aria-hidden="true">
        <span class="words">USD 00.00 of 000.00, pace 00.00</span>
        <span class="few">USD 00.00</span>
        <Bar share={0} />
      </span>
    );
  const used = data.cap ? drawn(data.charge_so_far) / Math.max(drawn(data.cap), Number.MIN_VALUE) : 0;
  const words = data.cap ? `${money(data.charge_so_far)} of ${amount(data.cap)}, pace ${amount(data.projection)}` : `${money(data.charge_so_far)} this month, pace ${amount(data.projection)}`;
  return (
    <Link class="cap" href="/billing" title={words} aria-label={`Charge this month: ${words}`}>
      <span class="words">{words}</span>
      <span class="few">{money(data.charge_so_far)}</span>
      {data.cap && <Bar share={used} />}
    </Link>
  );
}

function Account() {
  const person = claims.value;
  return (
    <Menu
      kind="quiet"
      icon="person"
      label="Account"
      items={[
        { label: person?.email ?? "Signed in", onSelect: () => go("/settings") },
        { label: "Switch workspace", onSelect: () => go("/workspaces") },
        { label: { auto: "Use dark colours", dark: "Use light colours", light: "Use the system's colours" }[theme()], onSelect: () => applyTheme({ auto: "dark", dark: "light", light: "auto" }[theme()] as "dark" | "light" | "auto") },
        { label: "Developer reference", href: "/docs" },
        { label: "Sign out", onSelect: signOut },
      ]}
    />
  );
}

