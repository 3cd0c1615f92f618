/** The head of every page: name, state, freshness, one primary action and More; tabs below. */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Link } from "wouter-preact";
import { clock } from "../format";
import { Icon } from "./icons";

export interface PageProps {
  title: string;
  badge?: ComponentChildren;
  /** When what is shown was read; milliseconds since 1970. */
  updated?: number | undefined;
  actions?: ComponentChildren;
  tabs?: ComponentChildren;
  /** What stands above the title: the way back. */
  above?: ComponentChildren;
  children: ComponentChildren;
  /** Narrow, for forms. */
  form?: boolean;
}

export function Page({ title, badge, updated, actions, tabs, above, children, form }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – AgentHub`;
  }, [title]);
  useLayoutEffect(() => {
    // A new page is read from its name on; the first one, and one that already holds the focus, keep what they have.
    if (document.activeElement === document.body || document.activeElement === null) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div class={`page${form ? " form" : ""}`}>
      <header class="page-header">
        {above && (
          <div class="above">
            <Icon name="back" size={16} />
            {above}
          </div>
        )}
        <div class="line">
          <h1 ref={heading} tabIndex={-1} dir="auto">
            {title}
          </h1>
          {badge}
          {updated !== undefined && <span class="muted number">Updated {clock(updated)}</span>}
          {actions && <div class="actions">{actions}</div>}
        </div>
        {tabs}
      </header>
      {children}
    </div>
  );
}

export interface Tab {
  id: string;
  label: ComponentChildren;
  href: string;
}

/** Tabs that are addresses: each has a link of its own, so they are a navigation. `href` is a path of the console. */
export function Tabs({ tabs, current, label }: { tabs: (Tab | false)[]; current: string; label: string }) {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a narrow screen the tabs scroll: the one that is open must be seen.
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  return (
    <nav ref={nav} class="tabs" aria-label={label}>
      {tabs
        .filter((tab): tab is Tab => Boolean(tab))
        .map((tab) => (
          <Link key={tab.id} href={tab.href} aria-current={tab.id === current ? "page" : undefined}>
            {tab.label}
          </Link>
        ))}
    </nav>
  );
}
