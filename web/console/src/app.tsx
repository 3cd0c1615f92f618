/** Which page stands at which address; each is fetched when it is first opened. */

import type { ComponentType } from "preact";
import { lazy, Suspense } from "preact/compat";
import { useErrorBoundary } from "preact/hooks";
import { Redirect, Route, Router, Switch, useLocation } from "wouter-preact";
import { asProblem } from "./api/problem";
import { Card, Empty, Skeleton } from "./parts/basics";
import { Page } from "./parts/page";
import { ErrorNote } from "./parts/problem";
import Home from "./pages/Home";
import { Again, Door, SignIn } from "./pages/SignIn";
import { FirstWorkspace, Join } from "./pages/Workspaces";
import { useHash } from "./routing";
import { claims, expired, lastFrame, resuming } from "./session/session";
import { Shell } from "./shell/Shell";

type Loader = () => Promise<{ default: ComponentType<any> }>;

const routes: [path: string, load: Loader][] = [
  ["/conversations/:conversation?", () => import("./pages/conversations/Conversations")],
  ["/activity", () => import("./pages/activity/Activity")],
  ["/settings", () => import("./pages/settings/Settings")],
  ["/status", () => import("./pages/status/Status")],
  ["/analytics", () => import("./pages/analytics/Analytics")],
  ["/exports", () => import("./pages/exports/Exports")],
  ["/billing/invoices/:invoice", () => import("./pages/billing/Invoice")],
  ["/billing/invoices", () => import("./pages/billing/Invoices")],
  ["/billing/credit-notes/:note", () => import("./pages/billing/CreditNote")],
  ["/billing", () => import("./pages/billing/Billing")],
  ["/operator/workspaces/:workspace", () => import("./pages/operator/Workspace")],
  ["/operator/plans", () => import("./pages/operator/Plans")],
  ["/operator", () => import("./pages/operator/Operator")],
  ["/widgets", () => import("./pages/widgets/Widgets")],
  ["/widgets/new", () => import("./pages/widgets/NewWidget")],
  ["/widgets/:widget", () => import("./pages/widgets/Widget")],
  ["/agents/new", () => import("./pages/wizard/Wizard")],
  ["/agents/new/:agent", () => import("./pages/wizard/Wizard")],
  ["/agents", () => import("./pages/agents/Agents")],
  ["/agents/:agent", () => import("./pages/agents/Agent")],
];

/** The styles of a page stay when another is opened; each file's rules hold in its own room only (src/styles). */
const roomOf = (path: string): string => (path.startsWith("/agents/new") ? "wizard" : path.split("/")[1]!);

const pages = routes.map(([path, load]) => [path, lazy(load)] as const);

function NotHere() {
  return (
    <Page title="There is no such page">
      <Empty level={2} title="This address leads nowhere" action={<a class="button primary" href="#/">Go home</a>}>
        It may be from an older version, or mistyped.
      </Empty>
    </Page>
  );
}

/** A page that fails takes nothing else with it: the frame stays, and another page can be opened. */
function Held({ path, children }: { path: string; children: preact.ComponentChildren }) {
  const [error, reset] = useErrorBoundary((found) => console.error(path, found));
  if (!error) return <>{children}</>;
  // A part that is gone from the CDN means that a newer console is there.
  const outdated = /import|module|fetch/i.test(String(error));
  return (
    <Page title="This page failed">
      <ErrorNote problem={asProblem(error)} retry={outdated ? () => location.reload() : reset} safe="Nothing you saved is lost. Another page can be opened from the menu." />
    </Page>
  );
}

function Signed() {
  return (
    <Switch>
      <Route path="/invitations/:token">{({ token }) => <Join token={token} />}</Route>
      <Route path="/sign-in">
        <Redirect to="/" replace />
      </Route>
      <Route path="/workspaces">
        <Suspense fallback={null}>
          <Workspaces />
        </Suspense>
      </Route>
      {!claims.value?.workspace_id && !claims.value?.operator && (
        <Route>
          <FirstWorkspace />
        </Route>
      )}
      {/* Who runs AgentHub needs no workspace of their own. */}
      {!claims.value?.workspace_id && (
        <Route path="/">
          <Redirect to="/operator" replace />
        </Route>
      )}
      <Route>
        <Shell>
          <Suspense fallback={<Coming />}>
            <Switch>
              <Route path="/">
                <Held path="/">
                  <Home />
                </Held>
              </Route>
              {pages.map(([path, Shown]) => (
                <Route key={path} path={path}>
                  {(params) => (
                    <Held key={path} path={path}>
                      <div class="room" data-room={roomOf(path)}>
                        <Shown {...params} />
                      </div>
                    </Held>
                  )}
                </Route>
              ))}
              <Route>
                <NotHere />
              </Route>
            </Switch>
          </Suspense>
        </Shell>
      </Route>
    </Switch>
  );
}

const Workspaces = lazy(() => import("./pages/Workspaces"));

/** A page before anything of it is there. */
const Coming = () => (
  <div class="page">
    <span class="skeleton heading" />
    <Card>
      <Skeleton lines={8} />
    </Card>
  </div>
);

/** While it is found out who is signed in: the frame that they will most likely see. */
function Waiting() {
  const [path] = useLocation();
  const { workspace, operator } = lastFrame();
  if ((!workspace && !operator) || /^\/(workspaces|invitations)\b/.test(path))
    return (
      <Door title="AgentHub">
        <Skeleton lines={4} />
      </Door>
    );
  return (
    <Shell>
      <Coming />
    </Shell>
  );
}

export function App() {
  return (
    <Router hook={useHash}>
      {claims.value ? <Signed /> : resuming.value ? <Waiting /> : <SignIn />}
      {claims.value && expired.value && <Again />}
    </Router>
  );
}
