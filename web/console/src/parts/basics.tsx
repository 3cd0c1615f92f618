/** Buttons, badges, notes, cards: what has no state of its own. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";

type Kind = "primary" | "secondary" | "quiet" | "danger";

export interface ButtonProps {
  children?: ComponentChildren;
  kind?: Kind;
  icon?: IconName;
  /** The only word of a button that shows an icon alone. */
  label?: string;
  busy?: boolean;
  /** Why it cannot be pressed; shown as its title and read with it. The page says it in view, too. */
  disabled?: string | false | undefined;
  href?: string;
  /** Opens in a new tab. */
  external?: boolean;
  submit?: boolean;
  onClick?: (event: MouseEvent) => void;
  autoFocus?: boolean;
  expanded?: boolean;
  pressed?: boolean;
  id?: string;
  popover?: string;
}

export function Button(props: ButtonProps) {
  const { children, kind = "secondary", icon, label, busy, disabled } = props;
  const names = `button ${kind}${label && !children ? " icon" : ""}`;
  const inside = (
    <>
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </>
  );
  if (props.href !== undefined && !disabled) {
    const away = props.external ? { target: "_blank", rel: "noopener" } : {};
    return (
      <a class={names} href={props.href} aria-label={label} title={label} onClick={props.onClick} {...away}>
        {inside}
      </a>
    );
  }
  return (
    <button
      type={props.submit ? "submit" : "button"}
      class={names}
      id={props.id}
      aria-label={label}
      title={disabled || (children ? undefined : label)}
      aria-disabled={disabled ? "true" : undefined}
      aria-busy={busy ? "true" : undefined}
      aria-expanded={props.expanded}
      aria-pressed={props.pressed}
      autoFocus={props.autoFocus}
      popovertarget={props.popover}
      onClick={(event) => {
        // Neither busy nor disabled buttons leave the order of keys, so that focus is never lost.
        if (busy || disabled) {
          event.preventDefault();
          return;
        }
        props.onClick?.(event);
      }}
    >
      {inside}
    </button>
  );
}

export type Tone = "success" | "warning" | "danger" | "info" | "neutral";

const TONES: Record<Tone, IconName> = { success: "check", warning: "clock", danger: "error", info: "info", neutral: "dot" };

/** States have one colour everywhere: the word decides, not the page. */
const STATES: Record<string, Tone> = {
  active: "success",
  paid: "success",
  healthy: "success",
  succeeded: "success",
  done: "success",
  accepted: "success",
  published: "success",
  delivered: "success",
  passed: "success",
  resolved: "success",
  paused: "warning",
  pending: "warning",
  estimated: "warning",
  delayed: "warning",
  waiting: "warning",
  interrupted: "warning",
  closing: "warning",
  running: "warning",
  queued: "warning",
  overdue: "danger",
  uncollectible: "danger",
  failing: "danger",
  failed: "danger",
  suspended: "danger",
  unhealthy: "danger",
  disputed: "danger",
  open: "info",
  "handed off": "info",
  taken: "info",
  draft: "neutral",
  archived: "neutral",
  void: "neutral",
  expired: "neutral",
  revoked: "neutral",
  deleted: "neutral",
};

export function Badge({ tone = "neutral", icon, children }: { tone?: Tone; icon?: IconName; children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon ?? TONES[tone]} />
      {children}
    </span>
  );
}

/** A state's word as its badge: "active", "overdue". */
export function State({ of: word }: { of: string }) {
  const icon: IconName | undefined = word === "paused" ? "pause" : undefined;
  return (
    <Badge tone={STATES[word] ?? "neutral"} {...(icon ? { icon } : {})}>
      {word.charAt(0).toUpperCase() + word.slice(1).replace(/_/g, " ")}
    </Badge>
  );
}

export function Note({ tone = "info", title, children, role }: { tone?: "info" | "warning" | "danger" | "success"; title?: ComponentChildren; children?: ComponentChildren; role?: "alert" | "status" }) {
  const icon: IconName = { info: "info", warning: "warning", danger: "error", success: "check" }[tone] as IconName;
  return (
    <div class={`note ${tone}`} role={role}>
      <Icon name={icon} />
      <div class="stack tight grow break">
        {title && <strong>{title}</strong>}
        {children}
      </div>
    </div>
  );
}

export function Card({ title, level = 2, aside, children, span, id }: { title?: ComponentChildren; level?: 2 | 3; aside?: ComponentChildren; children?: ComponentChildren; span?: 3 | 4 | 6 | 8 | 12; id?: string }) {
  const H = level === 2 ? "h2" : "h3";
  return (
    <section class={`card${span ? ` span-${span}` : ""}`} id={id}>
      {(title || aside) && (
        <header>
          {title && <H class="card-title">{title}</H>}
          {aside && <div class="row">{aside}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

/** What is missing, why, and the one thing to do about it. Below a card's heading it is of level 3, right below the page's of 2. */
export function Empty({ title, level = 3, children, action }: { title: string; level?: 2 | 3; children?: ComponentChildren; action?: ComponentChildren }) {
  const H = level === 2 ? "h2" : "h3";
  return (
    <div class="empty">
      <H>{title}</H>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** When grey lines were last seen; milliseconds since the page began. */
let seen = -Infinity;

/**
 * Grey lines in place of what comes. Their room is there at once, they are seen after 200 ms: what comes sooner does not
 * flicker, and what follows others that were seen stands at once.
 */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  const [begun] = useState(() => performance.now());
  const [follows] = useState(() => begun - seen < 100);
  useEffect(
    () => () => {
      if (follows || performance.now() - begun > 200) seen = performance.now();
    },
    [],
  );
  return (
    <div class={`stack tight${follows ? "" : " soon"}`} aria-busy="true">
      <span class="hidden">Loading</span>
      {Array.from({ length: lines }, (_, i) => <span key={i} class="skeleton" style={{ inlineSize: `${[100, 92, 76, 84][i % 4]}%` }} />)}
    </div>
  );
}

/** A button that copies `text` and says so, and also when the browser does not let it. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [said, setSaid] = useState<"Copied" | "Not copied: select it by hand">();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
      setTimeout(() => setSaid(undefined), 2000);
    } catch {
      setSaid("Not copied: select it by hand");
    }
  };
  return (
    <Button icon={!said ? "copy" : said === "Copied" ? "check" : "error"} onClick={() => void copy()}>
      <span aria-live="polite">{said ?? label}</span>
    </Button>
  );
}

export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div class="code">
      <pre tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </pre>
      <div class="copy">
        <Copy text={text} />
      </div>
    </div>
  );
}

/** Names and values in two columns. */
export function Facts({ of: facts }: { of: [name: ComponentChildren, value: ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value], i) => (
        <div key={i} style={{ display: "contents" }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** How much of something is used; over 80 % it warns, from 100 % it alarms. `share` is 0 to 1. */
export function Bar({ share, label, plain }: { share: number; label?: string; plain?: boolean }) {
  const tone = plain ? "" : share >= 1 ? " danger" : share >= 0.8 ? " warning" : "";
  return (
    <div class={`bar${tone}`} {...(label ? { role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(Math.min(1, share) * 100) } : { "aria-hidden": true })}>
      <span style={{ inlineSize: `${Math.max(0, Math.min(1, share)) * 100}%` }} />
    </div>
  );
}

export function Spinner({ label }: { label: string }) {
  return (
    <span class="row" role="status">
      <span class="spinner" aria-hidden="true" />
      {label}
    </span>
  );
}
