/** Visitors whom the site itself has signed in: the secret, whether it is demanded, and how to sign. */

import { useState } from "preact/hooks";
import { call, newKey, type Schemas } from "../../api/client";
import { asProblem, asShown, type Problem } from "../../api/problem";
import { when } from "../../format";
import { Badge, Button, Card, Code } from "../../parts/basics";
import { Confirm, Dialog } from "../../parts/dialog";
import { Field, Segments, Select, Switch } from "../../parts/fields";
import { ErrorNote } from "../../parts/problem";
import { may } from "../../session/session";
import type { Widget } from "./model";

interface Props {
  widget: Widget;
  etag: string | undefined;
  onChanged: (widget: Widget, etag: string | undefined) => void;
  reread: () => Promise<void>;
}

export function Identity({ widget, etag, onChanged, reread }: Props) {
  const [asking, setAsking] = useState(false);
  const [secret, setSecret] = useState<Schemas["IdentitySecret"]>();
  const [problem, setProblem] = useState<Problem>();
  const keys = (widget.identity_keys ?? []).filter((key) => !key.ends_at || new Date(key.ends_at) > new Date());
  const enforce = async (on: boolean) => {
    setProblem(undefined);
    try {
      const body = { identity_required: on } as Schemas["WidgetChange"];
      const saved = await asShown(() => call("patch", "/api/widgets/{widget}", { path: { widget: widget.id }, body, etag }), reread);
      onChanged(saved.data, saved.etag);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <div class="stack loose narrow">
      <Card
        title="Secrets"
        aside={
          may("admin") && (
            <Button icon="key" onClick={() => setAsking(true)}>
              {keys.length ? "Rotate secret" : "Make a secret"}
            </Button>
          )
        }
      >
        <p>Your server signs who is signed in; a visitor then keeps one conversation on all devices, and nobody can pass for somebody else.</p>
        {keys.length ? (
          <ul class="feed">
            {keys.map((key) => (
              <li key={key.id}>
                <span>
                  <code>{key.id}</code>
                </span>
                {key.ends_at ? <Badge tone="warning">Counts until {when(key.ends_at)}</Badge> : <Badge tone="success">In use</Badge>}
                <span class="muted">Made {when(key.created_at)}</span>
              </li>
            ))}
          </ul>
        ) : (
          <p class="muted">There is none yet. {may("admin") ? "Make one to sign for your visitors; it is shown once." : "An owner or admin can make one."}</p>
        )}
      </Card>
      <Card title="Only signed visitors">
        <div class="row between">
          <p class="grow">Let nobody in whom your site has not signed for.</p>
          <Switch label="Only signed visitors" checked={widget.identity_required ?? false} onChange={enforce} disabled={!may("member") || (!keys.length && !widget.identity_required)} />
        </div>
        {!keys.length && !widget.identity_required && <p class="muted">Make a secret first: without one no visitor could be signed for.</p>}
        {problem && <ErrorNote problem={problem} />}
      </Card>
      <Signing kid={keys[0]?.id ?? "KEY_ID"} />
      {asking && (
        <Rotate
          widget={widget}
          first={!keys.length}
          onClose={() => setAsking(false)}
          onDone={(made) => {
            setAsking(false);
            setSecret(made);
          }}
        />
      )}
      {secret && (
        <Dialog
          title="Your new secret"
          closable={false}
          onClose={() => undefined}
          footer={
            <Button
              kind="primary"
              onClick={() => {
                setSecret(undefined);
                void reread();
              }}
            >
              I have stored it
            </Button>
          }
        >
          <p>It is shown this once. Keep it on your server, never in a page.</p>
          <Field label="Key id" group>
            <Code text={secret.id} label="Key id" />
          </Field>
          <Field label="Secret" group>
            <Code text={secret.secret} label="Secret" />
          </Field>
        </Dialog>
      )}
    </div>
  );
}

function Rotate({ widget, first, onClose, onDone }: { widget: Widget; first: boolean; onClose: () => void; onDone: (secret: Schemas["IdentitySecret"]) => void }) {
  const [hours, setHours] = useState("24");
  const [wish, setWish] = useState({ hours: "24", key: newKey() });
  const act = async () => {
    // A repeat after a lost answer is the same wish; another overlap is another one.
    const now = wish.hours === hours ? wish : { hours, key: newKey() };
    setWish(now);
    const { data } = await call("post", "/api/widgets/{widget}/identity-secret/rotate", { path: { widget: widget.id }, body: { overlap_hours: Number(hours) }, key: now.key });
    onDone(data);
  };
  return (
    <Confirm title={first ? "Make a secret?" : "Rotate the secret?"} action={first ? "Make secret" : "Rotate secret"} danger={!first} act={act} onClose={onClose}>
      {first ? (
        <p>It is shown once. Have a place for it ready on your server.</p>
      ) : (
        <>
          <p>Your server has to sign with the new secret before the present one ends; visitors whom it signs for later with the old one are refused.</p>
          <Field label="The present secret counts for">
            <Select
              value={hours}
              onChange={setHours}
              options={[
                { value: "0", label: "No longer: it has leaked" },
                { value: "1", label: "1 hour" },
                { value: "24", label: "24 hours" },
                { value: "168", label: "7 days" },
                { value: "720", label: "30 days" },
              ]}
            />
          </Field>
        </>
      )}
    </Confirm>
  );
}

const LANGUAGES = { python: "Python", node: "Node.js", php: "PHP" } as const;

const code: Record<keyof typeof LANGUAGES, (kid: string) => string> = {
  python: (kid) => `import os, time
import jwt  # pip install pyjwt

claims = {"sub": user.id, "name": user.name, "email": user.email, "exp": int(time.time()) + 3600}
token = jwt.encode(claims, os.environ["WIDGET_SECRET"], "HS256", headers={"kid": "${kid}"})`,
  node: (kid) => `import jwt from "jsonwebtoken";

const claims = { sub: user.id, name: user.name, email: user.email };
const token = jwt.sign(claims, process.env.WIDGET_SECRET, { algorithm: "HS256", expiresIn: "1h", keyid: "${kid}" });`,
  php: (kid) => `use Firebase\\JWT\\JWT;  // composer require firebase/php-jwt

$claims = ["sub" => $user->id, "name" => $user->name, "email" => $user->email, "exp" => time() + 3600];
$token = JWT::encode($claims, getenv("WIDGET_SECRET"), "HS256", "${kid}");`,
};

function Signing({ kid }: { kid: string }) {
  const [language, setLanguage] = useState<keyof typeof LANGUAGES>("python");
  return (
    <Card title="Sign for your visitors">
      <p>On your server, for each page of somebody who is signed in:</p>
      <Segments label="Language" value={language} onChange={(next) => setLanguage(next as keyof typeof LANGUAGES)} options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))} />
      <Code text={code[language](kid)} label={`Signing in ${LANGUAGES[language]}`} />
      <p>
        Give the token to the tag as <code>data-identity</code>, or later by script; an empty one when somebody signs out:
      </p>
      <Code text={'AgentHub.identify(token);\nAgentHub.identify("");'} label="Telling the widget" />
      <p class="muted">
        <code>sub</code> and <code>exp</code> are needed, <code>exp</code> at most a day away. Name and email fill in forms and are not stored.
      </p>
    </Card>
  );
}
