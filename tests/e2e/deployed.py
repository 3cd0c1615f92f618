"""What must be known of a deployed system before anybody has signed in: read from the console's config.json.

The console's address comes from the caller, or from the outputs of the Terraform state in this checkout.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from tests.e2e.client import LOCAL, Client, Identity, Unexpected, check
from tests.e2e.stack import ROOT

TOOLKIT = "https://identitytoolkit.googleapis.com"
SECURETOKEN = "https://securetoken.googleapis.com"
TERRAFORM = ROOT / "infra" / "terraform"


@dataclass(frozen=True)
class System:
    """Where a system is; `chat_url` is empty where only the widget's public file tells it."""

    api_url: str
    identity: Identity
    chat_url: str = ""


def found(url: str, console: str, toolkit: str = "", securetoken: str = "") -> System:
    """The system at the gateway's `url`, which may be empty where `console` says it; a local stack needs neither.

    `toolkit` and `securetoken` say where people sign in, if not at Google; both without a console need no API key.
    Raises Unexpected when the console cannot be found or belongs to another system.
    """
    url = url.rstrip("/")
    if url and toolkit and securetoken and not console:
        return System(url, Identity(toolkit.rstrip("/"), securetoken.rstrip("/")))
    if not console and (not url or urlsplit(url).hostname in LOCAL):
        url = url or "http://localhost:8000"
        return System(url, Identity.of_stack(url))
    page = _folder(console or _from_terraform(url))
    config = _config(page)
    check(url in ("", config["api_url"]), f"{page} is the console of {config['api_url']}, not of {url}")
    identity = Identity(
        (toolkit or TOOLKIT).rstrip("/"), (securetoken or SECURETOKEN).rstrip("/"), config["identity_key"], page
    )
    return System(config["api_url"], identity, config["chat_url"])


def _folder(console: str) -> str:
    parts = urlsplit(console)
    path = parts.path.removesuffix("index.html").removesuffix("config.json")
    return f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}/"


def _config(page: str) -> dict[str, str]:
    address = urljoin(page, "config.json")
    parts = urlsplit(address)
    answer = Client(f"{parts.scheme}://{parts.netloc}").ask("GET", parts.path, status=200)
    try:
        config = answer.json()
        return {name: str(config[name]).rstrip("/") for name in ("api_url", "chat_url", "identity_key")}
    except (ValueError, KeyError, TypeError) as error:
        raise Unexpected(f"{address} is no config.json of a console: {answer.text[:300]}") from error


def _from_terraform(url: str) -> str:
    """The output `console_url` of the state that made this gateway."""
    advice = "say where its console is: --console with the output `console_url` of infra/terraform"
    if shutil.which("terraform") is None:
        raise Unexpected(f"{url} is no local stack, and there is no terraform to ask; {advice}")
    command = ["terraform", f"-chdir={TERRAFORM}", "output", "-json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        outputs: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise Unexpected(f"infra/terraform tells no outputs here; {advice}") from error
    known = {name: str(output["value"]) for name, output in outputs.items()}
    if known.get("api_url") != url or "console_url" not in known:
        raise Unexpected(f"infra/terraform knows no gateway {url} here; {advice}")
    return known["console_url"]
