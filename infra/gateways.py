"""Makes the gateway that streams and proves that it does, because Terraform's provider can do neither.

Whether a gateway streams is chosen when it is made and never again, by a field that the provider does not have. So gcloud
makes it, Terraform takes it over by its import block, and each deploy reads here what Google says it really does.
"""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

API = "agenthub"
MAIN = "agenthub"
STREAMING = "agenthub-streaming"
DISPLAY_NAME = "AgentHub, streaming"
"""As infra/terraform/gateway.tf names it."""

_ENABLED = "EFFECTIVE_STREAMING_MODE_ENABLED"
_WAIT_SECONDS = 20 * 60.0
_LONGEST_PAUSE = 10.0
# What gcloud says when there is no such gateway, and where API Gateway was never switched on, so that there is none.
_ABSENT = ("NOT_FOUND", "SERVICE_DISABLED")


class GatewayRefused(Exception):
    """There is no gateway that streams; the message says why and what to do."""


def require_gcloud() -> None:
    """Make sure that gcloud is here, before anything takes its time. Raises GatewayRefused."""
    if shutil.which("gcloud") is None:
        raise GatewayRefused(
            "Streaming needs gcloud: it makes the gateway that streams and shows whether it does. "
            "https://cloud.google.com/sdk/docs/install"
        )


@dataclass(frozen=True)
class Gateways:
    """The gateways of one installation, as gcloud shows and makes them."""

    project: str
    region: str

    def streaming_exists(self) -> bool:
        """Whether there is a gateway under the streaming one's name, ready or not. Raises GatewayRefused."""
        return self._describe(STREAMING) is not None

    def make_streaming(self) -> None:
        """Make the streaming gateway with the config that the main one has now. Raises GatewayRefused."""
        main = self._describe(MAIN)
        if main is None or not main.get("apiConfig"):
            raise GatewayRefused(
                f"There is no gateway {MAIN} in {self.project}, {self.region}, whose contract could be taken."
            )
        done = self._gcloud(
            "create",
            STREAMING,
            f"--api={API}",
            f"--api-config={main['apiConfig'].rpartition('/')[2]}",
            "--enable-streaming",
            f"--display-name={DISPLAY_NAME}",
        )
        if done.returncode and "unrecognized arguments" in done.stderr:
            raise GatewayRefused(
                f"This gcloud is too old to make what streams: gcloud components update\n{done.stderr}"
            )
        if done.returncode:
            raise GatewayRefused(f"gcloud could not make the gateway {STREAMING}:\n{done.stderr}")

    def require_streaming(self) -> None:
        """Wait until the streaming gateway is ready and make sure that it streams. Raises GatewayRefused."""
        gateway = self._active()
        mode = gateway.get("effectiveStreamingMode")
        if mode is None:
            raise GatewayRefused(
                "gcloud does not show effectiveStreamingMode, so nothing tells whether the chat streams. "
                "It is too old: gcloud components update"
            )
        if mode != _ENABLED:
            raise GatewayRefused(
                f"The gateway {STREAMING} does not stream ({mode}), and a gateway's mode cannot be changed. It was not made "
                "by this command, or something made it anew. Delete it and deploy again, which makes one that streams; "
                "meanwhile widgets find no chat there:\n"
                f"  gcloud api-gateway gateways delete {STREAMING} --location={self.region} --project={self.project}"
            )

    def _active(self) -> dict[str, Any]:
        """The streaming gateway once Google is done with it; a few minutes when it is new."""
        deadline = time.monotonic() + _WAIT_SECONDS
        pause = 0.25
        while True:
            gateway = self._describe(STREAMING) or {"state": "absent"}
            state = gateway.get("state", "unknown")
            if state == "ACTIVE":
                return gateway
            if state in ("FAILED", "DELETING", "absent"):
                raise GatewayRefused(
                    f"The gateway {STREAMING} is {state}. When it is gone, deploy again with --streaming."
                )
            if time.monotonic() > deadline:
                raise GatewayRefused(f"The gateway {STREAMING} is still {state} after 20 minutes. Deploy again later.")
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _describe(self, name: str) -> dict[str, Any] | None:
        done = self._gcloud("describe", name, "--format=json")
        if done.returncode and any(word in done.stderr for word in _ABSENT):
            return None
        if done.returncode:
            raise GatewayRefused(f"gcloud could not look at the gateway {name}:\n{done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _gcloud(self, verb: str, name: str, *flags: str) -> subprocess.CompletedProcess[str]:
        binary = shutil.which("gcloud")
        assert binary is not None, "require_gcloud comes first"
        where = (f"--location={self.region}", f"--project={self.project}", "--quiet")
        command = (binary, "api-gateway", "gateways", verb, name, *flags, *where)
        sys.stdout.flush()
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
