/** Starts the console: its frame at once, then where the API is, who is signed in, and the page that the address names. */

import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/shell.css";
import "./styles/forced.css";
import { render } from "preact";
import { App } from "./app";
import { asProblem } from "./api/problem";
import { ErrorNote } from "./parts/problem";
import { Door } from "./pages/SignIn";
import { loadConfig } from "./session/config";
import { resume, resuming } from "./session/session";
import { applyTheme } from "./shell/theme";

applyTheme();

const root = document.getElementById("app")!;

// The mail that sets a new password leads to `?mode=resetPassword&oobCode=…`; pages live in the fragment.
const query = new URLSearchParams(location.search);
if (query.get("mode") === "resetPassword" && query.get("oobCode"))
  history.replaceState(null, "", `${location.pathname}#/sign-in?oobCode=${encodeURIComponent(query.get("oobCode")!)}`);

async function start(): Promise<void> {
  // The frame needs neither the configuration nor a token: it is there while they come.
  render(<App />, root);
  try {
    await loadConfig();
    await resume();
  } catch (error) {
    render(
      <Door title="AgentHub cannot be reached">
        <ErrorNote problem={asProblem(error)} retry={start} {...(resuming.value ? { safe: "You stay signed in." } : {})} />
      </Door>,
      root,
    );
  }
}

// What index.html shows until here goes in the same moment as its like comes.
root.replaceChildren();
void start();
