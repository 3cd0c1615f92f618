/** The door: sign in, sign up, a new password; and the same in a dialog when a session ends while somebody works. */

import { useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { useLocation } from "wouter-preact";
import { useAction } from "../api/resource";
import { Button, Note } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { Field, Input } from "../parts/fields";
import { Submit } from "../parts/form";
import { ErrorNote } from "../parts/problem";
import { go, to, useQuery, withQuery } from "../routing";
import { google as byGoogle } from "../session/config";
import { askForNewPassword, leaveForGoogle, setNewPassword } from "../session/identity";
import { claims, notByGoogle, signIn, signOut, signUp, verifyAgain } from "../session/session";

/** A card in the middle of an empty page. */
export function Door({ title, children }: { title: string; children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} – AgentHub`;
  }, [title]);
  return (
    <div class="sign-in">
      <main class="stack">
        <div class="row">
          <img src="./icon.svg" width="32" height="32" alt="" />
          <strong>AgentHub</strong>
        </div>
        <section class="card">
          <h1>{title}</h1>
          {children}
        </section>
      </main>
    </div>
  );
}

type Mode = "in" | "up" | "forgot";

/** The door stands at every address, and who comes in goes on there: an invitation's link is not lost on the way. */
function useDoor(): { mode: Mode; at: (mode: Mode) => string; onward: string } {
  const [path] = useLocation();
  const [{ mode, oobCode: _, ...query }] = useQuery();
  return {
    mode: mode === "up" || mode === "forgot" ? mode : "in",
    at: (next) => to(path, { ...query, mode: next === "in" ? undefined : next }),
    onward: path === "/sign-in" ? "/" : withQuery(path, query),
  };
}

export function SignIn() {
  const [{ oobCode: code }] = useQuery();
  const { mode } = useDoor();
  if (code) return <NewPassword code={code} />;
  return (
    <Door title={{ in: "Sign in", up: "Make an account", forgot: "Set a new password" }[mode]}>
      {mode === "forgot" ? <Forgot /> : <Credentials key={mode} isNew={mode === "up"} />}
    </Door>
  );
}

function Credentials({ isNew }: { isNew: boolean }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const { at, onward } = useDoor();
  const entering = useAction(async () => {
    notByGoogle.value = undefined;
    await (isNew ? signUp : signIn)(email.trim(), password);
    go(onward, { replace: true });
  });
  const google = useAction(() => leaveForGoogle(onward));
  const { problem } = entering;
  const unsigned = google.problem ?? notByGoogle.value;
  const known = problem?.at("/email") ?? problem?.at("/password");
  return (
    <>
      <Submit label={isNew ? "Make an account" : "Sign in"} onSubmit={() => void entering.run()}>
        <Field label="Email" error={problem?.at("/email")}>
          <Input type="email" autoComplete="username" value={email} onInput={setEmail} autoFocus required />
        </Field>
        <Field label="Password" error={problem?.at("/password")} {...(isNew ? { hint: "At least 6 characters." } : {})}>
          <Input type="password" autoComplete={isNew ? "new-password" : "current-password"} value={password} onInput={setPassword} required />
        </Field>
        {problem && !known && <ErrorNote problem={problem} />}
        <Button kind="primary" submit busy={entering.busy}>
          {isNew ? "Make account" : "Sign in"}
        </Button>
      </Submit>
      <div class="row between">
        {isNew ? (
          <a href={at("in")}>I have an account</a>
        ) : (
          <>
            <a href={at("up")}>Make an account</a>
            <a href={at("forgot")}>Forgot the password?</a>
          </>
        )}
      </div>
      {/* Last, because it comes with the configuration: nothing above it moves. */}
      {byGoogle() && (
        <Button busy={google.busy} onClick={() => void google.run()}>
          Sign in with Google
        </Button>
      )}
      {unsigned && <ErrorNote problem={unsigned} />}
    </>
  );
}

function Forgot() {
  const [email, setEmail] = useState("");
  const [sent, setSent] = useState(false);
  const { at } = useDoor();
  const asking = useAction(async () => {
    await askForNewPassword(email.trim());
    setSent(true);
  });
  if (sent)
    return (
      <>
        <Note tone="success" title="Look into your mail" role="status">
          <p>If {email} has an account, a link to set a new password is on its way. It works for an hour.</p>
        </Note>
        <a href={at("in")}>Back to sign in</a>
      </>
    );
  return (
    <>
      <Submit label="Set a new password" onSubmit={() => void asking.run()}>
        <Field label="Email" error={asking.problem?.at("/email")}>
          <Input type="email" autoComplete="username" value={email} onInput={setEmail} autoFocus required />
        </Field>
        {asking.problem && !asking.problem.at("/email") && <ErrorNote problem={asking.problem} />}
        <Button kind="primary" submit busy={asking.busy}>
          Send me a link
        </Button>
      </Submit>
      <a href={at("in")}>Back to sign in</a>
    </>
  );
}

function NewPassword({ code }: { code: string }) {
  const [password, setPassword] = useState("");
  const setting = useAction(async () => {
    const email = await setNewPassword(code, password);
    await signIn(email, password);
    go("/", { replace: true });
  });
  return (
    <Door title="Set a new password">
      <Submit label="Set a new password" onSubmit={() => void setting.run()}>
        <Field label="New password" hint="At least 6 characters." error={setting.problem?.at("/password")}>
          <Input type="password" autoComplete="new-password" value={password} onInput={setPassword} autoFocus required />
        </Field>
        {setting.problem && !setting.problem.at("/password") && <ErrorNote problem={setting.problem} />}
        <Button kind="primary" submit busy={setting.busy}>
          Set password and sign in
        </Button>
      </Submit>
      <a href="#/sign-in?mode=forgot">Ask for a new link</a>
    </Door>
  );
}

/** Why somebody new is refused at the door, where it is because the address is not proved yet; and another mail. */
export function Unproved({ email }: { email: string | undefined }) {
  const sending = useAction(verifyAgain);
  const [sent, setSent] = useState(false);
  return (
    <Note tone="warning" title="Open the link in our mail first" role="alert">
      <p>
        It went to <span class="break">{email}</span> and proves that the address is yours. Then come back here and press the button once more.
      </p>
      <div class="row">
        <Button busy={sending.busy} onClick={() => void sending.run().then(setSent)}>
          Send the mail again
        </Button>
        <span role="status">{sent && "It is on its way."}</span>
      </div>
      {sending.problem && <ErrorNote problem={sending.problem} />}
    </Note>
  );
}

/** The session ended in the middle of work: sign in over the page, and everything typed below is still there. */
export function Again() {
  const [password, setPassword] = useState("");
  const email = claims.value?.email ?? "";
  const entering = useAction(() => signIn(email, password));
  return (
    <Dialog title="Sign in again" onClose={() => undefined} closable={false}>
      <p>Your session has ended. What you typed is still on the page behind this.</p>
      <Submit label="Sign in again" onSubmit={() => void entering.run()}>
        <Field label={`Password of ${email}`} error={entering.problem?.at("/password")}>
          <Input type="password" autoComplete="current-password" value={password} onInput={setPassword} autoFocus required />
        </Field>
        {entering.problem && !entering.problem.at("/password") && <ErrorNote problem={entering.problem} />}
        {byGoogle() && (
          <div class="stack tight">
            <p class="muted">Or sign in with Google as {email} in another tab; this page goes on by itself then.</p>
            <div class="row">
              <Button href="#/sign-in" external>
                Sign in with Google
              </Button>
            </div>
          </div>
        )}
        <div class="row end">
          <Button onClick={signOut}>Leave and sign out</Button>
          <Button kind="primary" submit busy={entering.busy}>
            Sign in
          </Button>
        </div>
      </Submit>
    </Dialog>
  );
}
