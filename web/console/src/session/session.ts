/** Who is signed in, in which workspace, as what; and the token that proves it, renewed before anybody notices. */

import { signal } from "@preact/signals";
import { asProblem, Problem } from "../api/problem";
import type { components } from "../api/schema";
import { forgetKept } from "../kept";
import * as identity from "./identity";

export type Workspace = components["schemas"]["Workspace"];
export type Role = "owner" | "admin" | "member" | "viewer";

const KEY = "agenthub.session";
const FRAME = "agenthub.frame";
const EARLY = 5 * 60_000;

interface Claims {
  sub: string;
  email?: string;
  email_verified?: boolean;
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

/** Why the return from Google signed nobody in, until something else is tried. */
export const notByGoogle = signal<Problem | undefined>(undefined);

let tokens: identity.Tokens | null = null;
let renewal: Promise<void> | null = null;
let leaving = false;

// Here before any page is, so that it is heard first: who leaves has been asked already.
addEventListener("beforeunload", (event) => {
  if (leaving) event.stopImmediatePropagation();
});

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
  // The door says why, and has all ways in; to come back once more is none of them, because a return counts once.
  const google = await identity.backFromGoogle().catch((error: unknown) => void (notByGoogle.value = asProblem(error)));
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

/** Whether the pages that are open may go on with these tokens: they are of the same person in the same workspace. */
function goesOn(next: identity.Tokens): boolean {
  const [now, then] = [claims.value, parse(next.idToken)];
  return !now || (now.sub === then.sub && (!now.workspace_id || now.workspace_id === then.workspace_id));
}

export async function signIn(email: string, password: string): Promise<void> {
  const next = await identity.signIn(email, password);
  const same = goesOn(next);
  keep(next);
  // Another person, or who works in another workspace by now, must not find the pages of before.
  if (same) expired.value = false;
  else {
    forgetKept("");
    location.reload();
  }
}

/** Make an account, and send the mail that proves its address: without that nobody founds or joins a workspace. */
export async function signUp(email: string, password: string): Promise<void> {
  const next = await identity.signUp(email, password);
  keep(next);
  // Where it could not be sent, whoever is refused for it can ask for another one.
  if (!claims.value?.email_verified) await identity.askToVerify(next.idToken).catch(() => undefined);
}

/** Send the mail that proves the address of who is signed in once more. */
export const verifyAgain = async (): Promise<void> => identity.askToVerify(await token());

/** Ends the session, and with it what was typed in this tab: the next person is somebody else. */
export function signOut(): void {
  // The browser would ask only when the session is over already: whoever stays is to stay signed in.
  const unsaved = !dispatchEvent(new Event("beforeunload", { cancelable: true }));
  if (unsaved && !confirm("Sign out without saving what you typed?")) return;
  leaving = true;
  keep(null);
  workspace.value = null;
  startAnew();
}

/** Begin anew at this path with the claims of now, so that nothing of another workspace is left on any page. */
export function startAnew(path = "/"): void {
  // Not by the fragment: its event would ask about what is typed once more than the reload does.
  forgetKept("");
  history.replaceState(null, "", `#${path}`);
  location.reload();
}

/** New tokens with the claims of now; for the workspace that the pages are of, and no other. */
export async function renew(): Promise<void> {
  renewal ??= (async () => {
    if (!tokens) throw new Problem(401, "signed_out", "You are signed out", "Sign in to go on.");
    try {
      const next = await identity.refreshed(tokens.refreshToken);
      if (!goesOn(next)) {
        // Another tab has switched. These tokens are not taken: what is open here would read and write over there.
        startAnew();
        throw new Problem(409, "another_workspace", "You work in another workspace by now", "You switched in another tab. Reload to go on there.");
      }
      keep(next);
    } catch (error) {
      if (asProblem(error).status >= 400 && asProblem(error).status < 500 && asProblem(error).code !== "another_workspace") expired.value = true;
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

/** A session that ended here was begun anew in another tab, by Google for one: go on with it, if it is the same person's. */
async function takeUp(refreshToken: string): Promise<void> {
  const next = await identity.refreshed(refreshToken);
  if (!expired.value || parse(next.idToken).sub !== claims.value?.sub) return;
  if (!goesOn(next)) return location.reload();
  keep(next);
  expired.value = false;
}

addEventListener("storage", (event) => {
  if (event.key !== KEY || !tokens) return;
  // Where the session has ended, the other tab found that out, too, or begins it anew: what was typed here stays.
  if (expired.value) {
    if (event.newValue) takeUp(event.newValue).catch(() => undefined);
  }
  // Another tab signed out: this one must not go on as before, and the next person not find what was typed here.
  else if (event.newValue === null) {
    forgetKept("");
    location.reload();
  }
});
