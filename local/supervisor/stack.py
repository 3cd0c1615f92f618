"""The whole stack as one object: everything starts at once, health is waited for, and everything stops together."""

import asyncio
import importlib.util
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.identity.keys import Keyring, write_key_file
from local.supervisor.addresses import HOST, Addresses, inheritable
from local.supervisor.child import CannotStart, Child, Say
from local.supervisor.environment import (
    allows_faults,
    cards_key,
    dataset,
    for_all,
    for_one,
    uses_real_bigquery,
    uses_stripe,
    warehouse_of,
)
from local.supervisor.health import Health
from local.supervisor.keys import evidence_key, installation_key
from local.supervisor.plan import Deployment, Plan, account

REPOSITORY = Path(__file__).parents[2]
_STOP_SECONDS = 1.2
_READY_SECONDS = 90.0


@dataclass(frozen=True)
class Options:
    """What `local.serve` was asked for. `engines` names those to start; None means all that the tree has."""

    state: Path
    port: int
    project: str
    catalogue: Path
    contract: Path
    root: Path
    engines: frozenset[str] | None = None


class Stack:
    """One running AgentHub."""

    def __init__(self, options: Options, addresses: Addresses, plan: Plan, say: Say) -> None:
        self.options = options
        self.addresses = addresses
        self.plan = plan
        self.say = say
        self.running: list[Deployment] = []
        self.children: list[Child] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._began = time.monotonic()

    async def start(self) -> None:
        """Start everything and return once all that was started answers. Raises CannotStart."""
        self._write_credentials()
        self._write_stack_file()
        engines = self._engines()
        functions = self._functions()
        self.children = [*engines, *functions]
        for child in self.children:
            self._tasks.append(asyncio.create_task(child.run(), name=child.name))
        waiting = [asyncio.create_task(self._announce_engine(child)) for child in engines]
        health = Health(self.credentials, self.addresses.deployment)
        waiting += [asyncio.create_task(self._announce_function(health, engines, d)) for d in self.running]
        try:
            await self._all_or_failure(waiting)
        finally:
            for task in waiting:
                task.cancel()
            await health.aclose()

    async def failure(self) -> None:
        """Run until a child cannot be kept alive. Raises CannotStart."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """End every child within three seconds."""
        await asyncio.gather(*(child.stop(_STOP_SECONDS) for child in self.children))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.stack_file.unlink(missing_ok=True)
        (self.options.state / "functions.json").unlink(missing_ok=True)
        self.addresses.close()

    @property
    def stack_file(self) -> Path:
        """Where other commands find the running stack."""
        return self.options.state / "stack.json"

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    async def _all_or_failure(self, waiting: list[asyncio.Task[None]]) -> None:
        everything = asyncio.gather(*waiting)
        failing = asyncio.create_task(self.failure())
        try:
            both: set[asyncio.Future[Any]] = {everything, failing}
            await asyncio.wait(both, timeout=_READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if failing.done():
                failing.result()
            if not everything.done():
                late = sorted(task.get_name() for task in waiting if not task.done())
                raise CannotStart(f"not ready after {_READY_SECONDS:.0f} s: {', '.join(late)}")
            everything.result()
        finally:
            everything.cancel()
            failing.cancel()
            await asyncio.gather(everything, failing, return_exceptions=True)

    async def _announce_engine(self, child: Child) -> None:
        _name_task(child.name)
        await child.ready()
        self.say(f"  {child.name:<18} ready after {self.seconds:4.1f} s")

    async def _announce_function(self, health: Health, engines: list[Child], deployment: Deployment) -> None:
        _name_task(deployment.name)
        # Nobody answers before the engines do, and asking takes time from them that they need to start.
        for engine in engines:
            await engine.ready()
        address = self.addresses.deployment(deployment.name)
        if problem := await health.wait(deployment):
            self.say(f"  {deployment.name:<18} {problem}  {address}")
        else:
            self.say(f"  {deployment.name:<18} ready after {self.seconds:4.1f} s  {address}")

    def credentials(self, name: str) -> Path:
        """The key file of the account `agenthub-<name>`."""
        return self.options.state / "credentials" / f"{name}.json"

    def _write_credentials(self) -> None:
        """A key file for each account, with our own token server in it."""
        keyring = Keyring(self.options.state / "identity" / "keys")
        token_uri = f"{self.addresses.engine('identity')}/token"
        for name in (*(d.name for d in self.plan.deployments), "gateway", "push", "scheduler"):
            email = account(name, self.options.project)
            write_key_file(keyring, self.credentials(name), email, self.options.project, token_uri)

    def _write_stack_file(self) -> None:
        content: dict[str, Any] = {
            "pid": os.getpid(),
            "project": self.options.project,
            "state": str(self.options.state.resolve()),
            "gateway": self.addresses.public,
            "identity": self.addresses.engine("identity"),
            "credentials": str(self.credentials("scheduler").resolve()),
            "catalogue": str(self.options.catalogue.resolve()),
            "deployments": {d.name: self.addresses.deployment(d.name) for d in self.plan.deployments},
            "firestore": self.addresses.host("firestore"),
            "pubsub": self.addresses.host("pubsub"),
            "bigquery": self.addresses.engine("bigquery"),
            "storage": self.addresses.engine("storage"),
            "model": self.addresses.engine("model"),
        }
        temporary = self.stack_file.with_suffix(".tmp")
        temporary.write_text(json.dumps(content, indent=2), encoding="utf-8")
        temporary.replace(self.stack_file)

    def _wanted(self, engine: str) -> bool:
        """Whether to start this engine of ours; says so where the tree lacks it."""
        if engine in self.addresses.external:
            self.say(f"  {engine:<18} {self.addresses.external[engine]} is used, as the environment says")
            return False
        if engine == "bigquery" and uses_real_bigquery(os.environ):
            self.say(f"  {engine:<18} Google's own is used, as USE_BIGQUERY says")
            return False
        if engine == "cards" and uses_stripe(os.environ):
            self.say(f"  {engine:<18} Stripe's own is used, as STRIPE_API_KEY says")
            return False
        if self.options.engines is not None and engine not in self.options.engines:
            return False
        try:
            found = importlib.util.find_spec(f"local.{engine}.__main__")
        except ModuleNotFoundError:
            found = None
        if found is None:
            self.say(f"  {engine:<18} is not in this tree; started without it")
        return found is not None

    def _engines(self) -> list[Child]:
        state, addresses, options = self.options.state, self.addresses, self.options
        deployed = [f"--address={d.name}={addresses.deployment(d.name)}" for d in self.plan.deployments]
        project = ["--project", options.project]
        identity = ["--identity", addresses.engine("identity")]
        catalogue = ["--catalogue", str(options.catalogue.resolve())]

        def caller(name: str) -> list[str]:
            return [*catalogue, *project, *identity, "--credentials", str(self.credentials(name).resolve()), *deployed]

        warehouse = warehouse_of(os.environ, addresses)
        more: Mapping[str, list[str]] = {
            "identity": [*project, "--mail", str(state / "mail"), "--public-url", addresses.public],
            "firestore": catalogue,
            "pubsub": [*caller("push"), "--min-backoff", "1", *warehouse, "--dataset", dataset(os.environ)],
            "bigquery": [*catalogue, *project, "--dataset", dataset(os.environ)],
            "storage": identity,
            "mail": ["--folder", str(state / "mail")],
            "cards": [
                *("--key", cards_key(self._cards_secret()), "--secret", self._cards_secret()),
                *("--webhook", f"{addresses.public}/api/payments/webhook", "--public-url", f"{addresses.public}/cards"),
            ],
            "model": ["--allow-faults"] if allows_faults(os.environ) else [],
            "scheduler": caller("scheduler"),
        }
        children = []
        for name, extra in more.items():
            if self._wanted(name):
                # The scheduler calls and is not called: it has neither port nor state of its own.
                place = ["--data", str(state / name), "--port", str(addresses.engines.get(name, 0))]
                command = ["-m", f"local.{name}", *(["run"] if name == "scheduler" else place), *extra]
                children.append(self._child(name, command))
        gateway = [
            *("-m", "local.gateway", "--fd", str(inheritable(addresses.gateway))),
            *("--contract", str(options.contract), *project, *identity, "--storage", addresses.engine("storage")),
            *([] if uses_stripe(os.environ) else ["--cards", addresses.engine("cards")]),
            *("--credentials", str(self.credentials("gateway").resolve()), "--public-url", addresses.public, *deployed),
        ]
        children.append(self._child("gateway", gateway, descriptors=[addresses.gateway.fileno()]))
        return children

    def _functions(self) -> list[Child]:
        """The IAM front and a process for each deployment that the tree can start."""
        for deployment in self.plan.deployments:
            if obstacle := deployment.obstacle():
                self.say(f"  {deployment.name:<18} is left out: {obstacle}")
            else:
                self.running.append(deployment)
        if not self.running:
            return []
        state = self.options.state
        own_keys = {"INSTALLATION_KEY": installation_key(state), "EVIDENCE_SIGNING_KEY": evidence_key(state)}
        key = Keyring(self.options.state / "identity" / "keys").secret("webhook-signing").hex()
        environment = {**own_keys, **os.environ}
        shared = for_all(
            self.plan,
            self.addresses,
            self.options.project,
            environment,
            signing_key=key,
            cards_secret=self._cards_secret(),
        )
        root = str(self.options.root.resolve())
        self._keep_environment(shared)
        children = [self._front()]
        for deployment in self.running:
            command = ["-m", "local.supervisor.function", root, deployment.entry_point]
            command += [str(deployment.source.resolve()), str(self.addresses.functions[deployment.name])]
            own = for_one(deployment, self.options.project, self.credentials(deployment.name).resolve())
            children.append(self._child(deployment.name, command, {**shared, **own}, says_ready=False))
        return children

    def _keep_environment(self, shared: Mapping[str, str]) -> None:
        """For commands that run functions in a process of their own: what we gave, readable by this person alone."""
        given = {name: value for name, value in shared.items() if os.environ.get(name) != value}
        given["GOOGLE_APPLICATION_CREDENTIALS"] = str(self.credentials("dashboard-api").resolve())
        temporary = self.options.state / "functions.tmp"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(given, file, indent=2)
        temporary.replace(self.options.state / "functions.json")

    def _cards_secret(self) -> str:
        """What the card service signs with; kept with the state, as its payments are."""
        return f"whsec_{Keyring(self.options.state / 'identity' / 'keys').secret('cards').hex()}"

    def _front(self) -> Child:
        services = [
            {
                "name": deployment.name,
                "fd": inheritable(self.addresses.fronts[deployment.name]),
                "upstream": f"http://{HOST}:{self.addresses.functions[deployment.name]}",
                "audience": self.addresses.deployment(deployment.name),
                "callers": [account(name, self.options.project) for name in deployment.callers],
                "seconds": deployment.timeout,
            }
            for deployment in self.running
        ]
        path = self.options.state / "front.json"
        jwks = f"{self.addresses.engine('identity')}/www.googleapis.com/oauth2/v3/certs"
        path.write_text(json.dumps({"jwks": jwks, "services": services}, indent=2), encoding="utf-8")
        command = ["-m", "local.supervisor.front", "--config", str(path)]
        descriptors = [self.addresses.fronts[d.name].fileno() for d in self.running]
        return self._child("front", command, descriptors=descriptors)

    def _child(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str] | None = None,
        *,
        says_ready: bool = True,
        descriptors: list[int] | None = None,
    ) -> Child:
        return Child(
            name,
            [sys.executable, *command],
            os.environ if environment is None else environment,
            REPOSITORY,
            self.options.state / "logs",
            self.say,
            says_ready=says_ready,
            descriptors=descriptors or (),
        )


def _name_task(name: str) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.set_name(name)
