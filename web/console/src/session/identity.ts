/** Identity Platform by its REST interface (https://cloud.google.com/identity-platform/docs/use-rest-api): no SDK, one page of code. */

import { offline, Problem } from "../api/problem";
import { go } from "../routing";
import { here, loadConfig } from "./config";

export interface Tokens {
  idToken: string;
  refreshToken: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

const GOOGLE_REFUSED: [title: string, detail: string] = ["Google did not sign you in", "Try again, or use your email and a password."];

const WORDS: Record<string, [title: string, detail: string, pointer?: string]> = {
  EMAIL_EXISTS: ["This address has an account", "Sign in instead, or set a new password.", "/email"],
  EMAIL_NOT_FOUND: ["No account has this address", "Check the spelling, or make an account.", "/email"],
  INVALID_EMAIL: ["This is no email address", "Write it as name@example.com.", "/email"],
  MISSING_EMAIL: ["The email address is missing", "Write it as name@example.com.", "/email"],
  MISSING_PASSWORD: ["The password is missing", "Type your password.", "/password"],
  INVALID_PASSWORD: ["Email and password do not match", "Try again, or set a new password.", "/password"],
  INVALID_LOGIN_CREDENTIALS: ["Email and password do not match", "Try again, or set a new password.", "/password"],
  WEAK_PASSWORD: ["The password is too short", "Use at least 6 characters.", "/password"],
  PASSWORD_DOES_NOT_MEET_REQUIREMENTS: ["The password is too simple", "Make it longer, with letters and digits.", "/password"],
  USER_DISABLED: ["This account is disabled", "Ask who runs this AgentHub."],
  TOO_MANY_ATTEMPTS_TRY_LATER: ["Too many tries", "Wait a few minutes, then try again."],
  EXPIRED_OOB_CODE: ["This link is too old", "Ask for a new one."],
  INVALID_IDP_RESPONSE: GOOGLE_REFUSED,
  INVALID_OOB_CODE: ["This link was used already", "Ask for a new one."],
};

async function post(host: string, path: string, body: BodyInit, type: string): Promise<Record<string, unknown>> {
  let response: Response;
  try {
    const { identity_url, identity_key } = await loadConfig();
    const base = identity_url ? `${identity_url}/${host}` : `https://${host}`;
    response = await fetch(`${base}/v1/${path}?key=${encodeURIComponent(identity_key)}`, { method: "POST", headers: { "Content-Type": type }, body });
  } catch {
    throw offline();
  }
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return answer;
  const error = answer.error as { message?: string } | undefined;
  const [code = "UNKNOWN"] = (error?.message ?? "").split(" ");
  const [title, detail, pointer] = WORDS[code] ?? ["Signing in did not work", "Try again in a minute."];
  throw new Problem(response.status, code.toLowerCase(), title, detail, "", pointer ? [{ pointer, message: `${title}. ${detail}` }] : []);
}

const account = (call: string, body: object) => post("identitytoolkit.googleapis.com", `accounts:${call}`, JSON.stringify(body), "application/json");

const tokens = (id: unknown, refresh: unknown, seconds: unknown): Tokens => ({
  idToken: String(id),
  refreshToken: String(refresh),
  expiresAt: Date.now() + Number(seconds) * 1000,
});

async function signedIn(call: string, body: object): Promise<Tokens> {
  const answer = await account(call, { ...body, returnSecureToken: true });
  return tokens(answer.idToken, answer.refreshToken, answer.expiresIn);
}

export const signUp = (email: string, password: string): Promise<Tokens> => signedIn("signUp", { email, password });

export const signIn = (email: string, password: string): Promise<Tokens> => signedIn("signInWithPassword", { email, password });

/** A mail with a link to set a new password; the same answer whether the address has an account or not. */
export async function askForNewPassword(email: string): Promise<void> {
  try {
    await account("sendOobCode", { requestType: "PASSWORD_RESET", email, continueUrl: here() });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "email_not_found") throw error;
  }
}

/** A mail with a link that proves the address of whoever this token is of; it leads back to the page that is open. */
export async function askToVerify(idToken: string): Promise<void> {
  await account("sendOobCode", { requestType: "VERIFY_EMAIL", idToken, continueUrl: location.href });
}

export async function setNewPassword(code: string, password: string): Promise<string> {
  return String((await account("resetPassword", { oobCode: code, newPassword: password })).email);
}

/** Fresh tokens; the claims in them are those of now. Raises Problem 400 when the account was signed out everywhere. */
export async function refreshed(refreshToken: string): Promise<Tokens> {
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken });
  const answer = await post("securetoken.googleapis.com", "token", form.toString(), "application/x-www-form-urlencoded");
  return tokens(answer.id_token, answer.refresh_token, answer.expires_in);
}

const LEFT = "agenthub.google";

/** Leave for Google's sign-in page, to come back to this path; what comes back is finished by `backFromGoogle`. */
export async function leaveForGoogle(path: string): Promise<void> {
  const answer = await account("createAuthUri", { providerId: "google.com", continueUri: here() });
  sessionStorage.setItem(LEFT, JSON.stringify({ session: answer.sessionId, path }));
  location.assign(String(answer.authUri));
}

/** Whether this page load is the return from Google's sign-in page. */
export const comesFromGoogle = (): boolean => sessionStorage.getItem(LEFT) !== null && new URLSearchParams(location.search).has("state");

/** Finish a sign-in with Google when this page load is its return; null when it is not. Raises Problem when nobody is signed in. */
export async function backFromGoogle(): Promise<Tokens | null> {
  if (!comesFromGoogle()) return null;
  const { session, path } = JSON.parse(sessionStorage.getItem(LEFT)!) as { session: string; path: string };
  sessionStorage.removeItem(LEFT);
  const asked = here();
  const error = new URLSearchParams(location.search).get("error");
  history.replaceState(null, "", asked.split("?")[0]);
  go(path, { replace: true });
  // Google's own words for somebody who pressed Cancel there; everything else is a refusal.
  if (error === "access_denied") throw new Problem(403, error, "You are not signed in", "Signing in with Google was cancelled. Try again, or use your email and a password.");
  if (error) throw new Problem(403, error, ...GOOGLE_REFUSED);
  return signedIn("signInWithIdp", { requestUri: asked, sessionId: session, returnIdpCredential: false });
}
