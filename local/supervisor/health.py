"""Asks the deployments how they are, through the IAM front and with a real ID token, as the cloud's callers would."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from local.id_tokens import Credentials, IdTokens, NoToken
from local.supervisor.plan import Deployment, Schedule

_PAUSE = 0.1
_GIVE_UP_SECONDS = 60.0


class Health:
    """Speaks for the accounts whose key files `credentials` names."""

    def __init__(self, credentials: Callable[[str], Path], address: Callable[[str], str]) -> None:
        self._credentials = credentials
        self._address = address
        self._client = httpx2.AsyncClient(trust_env=False, timeout=15)
        self._tokens: dict[str, IdTokens] = {}

    async def wait(self, deployment: Deployment) -> str | None:
        """Return when `GET /health` is answered: None for 200, else what is wrong with the answer."""
        give_up = time.monotonic() + _GIVE_UP_SECONDS
        status: int | None = None
        while time.monotonic() < give_up:
            try:
                response = await self._client.get(
                    f"{self._address(deployment.name)}/health",
                    headers=await self._headers(deployment.callers[0], deployment.name),
                )
            except (httpx2.TransportError, NoToken):
                await asyncio.sleep(_PAUSE)
                continue
            status = response.status_code
            if status == 200:
                return None
            if status < 500:
                break
            await asyncio.sleep(_PAUSE)
        return f"answers /health with {status}" if status else "does not answer"

    async def fire(self, schedule: Schedule, at: str) -> int:
        """Call a schedule's route as the scheduler does; `at` is the time it believes it to be. Returns the status."""
        headers = await self._headers("scheduler", schedule.deployment)
        headers |= {
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": schedule.name,
            "X-CloudScheduler-ScheduleTime": at,
        }
        response = await self._client.post(f"{self._address(schedule.deployment)}{schedule.path}", headers=headers)
        return response.status_code

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _headers(self, account: str, deployment: str) -> dict[str, str]:
        if account not in self._tokens:
            self._tokens[account] = IdTokens(Credentials.read(self._credentials(account)), self._client)
        token = await self._tokens[account].token(self._address(deployment))
        return {"Authorization": f"Bearer {token}"}
