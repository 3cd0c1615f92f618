/** Who is signed in, in which workspace, as what; and the token that proves it, renewed before anybody notices. */

import { signal } from "@preact/signals";
import { asProblem, Problem } from "../api/problem";
import type { components } from "../api/schema";
import * as identity from "./identity";

export type Workspace = components["schemas"]["Workspace"];
export type Role = "owner" | "admin" | "member" | "viewer";

const KEY = "agenthub.session";
const FRAME = "agenthub.frame";
const EARLY = 5 * 60_000;

interface Claims {
  sub: string;
  email?: string;
  workspace_id?: string;
  operator?: boolean;
}

/** The claims of the token in use; null when signed out. They say what to show; the server decides what is allowed. */
export const claims = signal<Claims | null>(null);

/** The workspace in use, as `GET /api/workspace` or home gave it; null until then. */
export const workspace = signal<Workspace | null>(null);

/** True when the session ended by itself: pages stay, with what was typed in them, under a dialog that signs in again. */
export const expired = signal(false);

/** What decides how the frame looks. */
export interface Frame {
  workspace: boolean;
  operator: boolean;
  name: string;
  role?: string;
}

/** The frame as it was last in this browser, so that the next visit begins with it and nothing moves. */
export function lastFrame(): Frame {
  try {
    return JSON.parse(localStorage.getItem(FRAME) ?? "") as Frame;
  } catch {
    return { workspace: true, operator: false, name: "" };
  }
}

export const keepFrame = (frame: Frame): void => localStorage.setItem(FRAME, JSON.stringify(frame));

/** True while it is not known yet who is signed in: somebody was before, or comes back from Google. */
export const resuming = signal(localStorage.getItem(KEY) !== null || identity.comesFromGoogle());

let tokens: identity.Tokens | null = null;
let renewal: Promise<void> | null = null;

function parse(token: string): Claims {
  const [, body = ""] = token.split(".");
  const bytes = Uint8Array.from(atob(body.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Claims;
}

function keep(next: identity.Tokens | null): void {
  tokens = next;
  if (next) localStorage.setItem(KEY, next.refreshToken);
  else for (const name of [KEY, FRAME]) localStorage.removeItem(name);
  claims.value = next ? parse(next.idToken) : null;
}

/** Take up the session of an earlier visit, or a return from Google; quiet when there is none. */
export async function resume(): Promise<void> {
  const google = await identity.backFromGoogle();
  const refreshToken = localStorage.getItem(KEY);
  if (google) keep(google);
  else if (refreshToken)
    try {
      keep(await identity.refreshed(refreshToken));
    } catch (error) {
      if (asProblem(error).status < 400 || asProblem(error).status >= 500) throw error;
      keep(null);
    }
  resuming.value = false;
}

export async function signIn(email: string, password: string): Promise<void> {
  const next = await identity.signIn(email, password);
  const other = claims.value && parse(next.idToken).sub !== claims.value.sub;
  keep(next);
  expired.value = false;
  // Another person must not find the pages of the one before.
  if (other) location.reload();
}

export async function signUp(email: string, password: string): Promise<void> {
  keep(await identity.signUp(email, password));
}

export function signOut(): void {
  keep(null);
  workspace.value = null;
  location.hash = "#/";
  location.reload();
}

/** New tokens with the claims of now: after a workspace was made, switched or joined. */
export async function renew(): Promise<void> {
  renewal ??= (async () => {
    if (!tokens) throw new Problem(401, "signed_out", "You are signed out", "Sign in to go on.");
    try {
      keep(await identity.refreshed(tokens.refreshToken));
    } catch (error) {
      if (asProblem(error).status >= 400 && asProblem(error).status < 500) expired.value = true;
      throw error;
    }
  })().finally(() => {
    renewal = null;
  });
  await renewal;
}

/** The token for the next request; renewed when it ends within five minutes. */
export async function token(): Promise<string> {
  if (!tokens || tokens.expiresAt - Date.now() < EARLY) await renew();
  return tokens!.idToken;
}

const ORDER: Role[] = ["viewer", "member", "admin", "owner"];

/** Whether to show what needs this role; until the workspace is known, the role of last time. */
export function may(role: Role): boolean {
  const mine = workspace.value?.role ?? lastFrame().role;
  const rank = ORDER.findIndex((one) => one === mine);
  return rank >= 0 && rank >= ORDER.indexOf(role);
}

// Another tab signed out or in as somebody else: this one must not go on as before.
addEventListener("storage", (event) => {
  if (event.key === KEY && event.newValue === null && tokens) location.reload();
});
