/** The door: sign in, sign up, a new password; and the same in a dialog when a session ends while somebody works. */

import { useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { useSearch } from "wouter-preact";
import { useAction } from "../api/resource";
import { Button, Note } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { Field, Input } from "../parts/fields";
import { Submit } from "../parts/form";
import { ErrorNote } from "../parts/problem";
import { go } from "../routing";
import { google as byGoogle } from "../session/config";
import { askForNewPassword, leaveForGoogle, setNewPassword } from "../session/identity";
import { claims, signIn, signOut, signUp } from "../session/session";

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

export function SignIn() {
  const query = new URLSearchParams(useSearch());
  const mode = (query.get("mode") as Mode | null) ?? "in";
  const code = query.get("oobCode");
  if (code) return <NewPassword code={code} />;
  return (
    <Door title={{ in: "Sign in", up: "Make an account", forgot: "Set a new password" }[mode] ?? "Sign in"}>
      {mode === "forgot" ? <Forgot /> : <Credentials key={mode} isNew={mode === "up"} />}
    </Door>
  );
}

function Credentials({ isNew }: { isNew: boolean }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const entering = useAction(async () => {
    await (isNew ? signUp : signIn)(email.trim(), password);
    if (location.hash.startsWith("#/sign-in")) go("/", { replace: true });
  });
  const google = useAction(leaveForGoogle);
  const { problem } = entering;
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
          <a href="#/sign-in">I have an account</a>
        ) : (
          <>
            <a href="#/sign-in?mode=up">Make an account</a>
            <a href="#/sign-in?mode=forgot">Forgot the password?</a>
          </>
        )}
      </div>
      {/* Last, because it comes with the configuration: nothing above it moves. */}
      {byGoogle() && (
        <Button busy={google.busy} onClick={() => void google.run()}>
          Sign in with Google
        </Button>
      )}
      {google.problem && <ErrorNote problem={google.problem} />}
    </>
  );
}

function Forgot() {
  const [email, setEmail] = useState("");
  const [sent, setSent] = useState(false);
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
        <a href="#/sign-in">Back to sign in</a>
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
      <a href="#/sign-in">Back to sign in</a>
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
