"""Deploys an environment by one command, because by hand it is five in an order that matters.

`python -m infra.deploy dev --project PROJECT` builds the front end, cuts the archives, lets Terraform plan, asks, applies
that very plan, and prints where everything is and how long each part took. When nothing has changed it says so and asks
nothing. `--streaming` makes the gateway that streams first (infra/gateways.py); once made, it stays.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra import bundle, login, web
from infra.gateways import STREAMING, GatewayRefused, Gateways, require_gcloud
from infra.plans import FOLDER, NoProject, Settings, Terraform, TerraformFailed, UnknownEnvironment

SHOWN = ("console_url", "api_url", "widget_url", "chat_url", "next_step")
"""The outputs that a person needs."""


class NotApplied(Exception):
    """Nothing was applied, and the message says why."""


@dataclass
class Times:
    """How long each part took, in the order in which they began; a part that comes twice counts together."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Count what happens inside, also when it fails."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.monotonic() - begin

    def __str__(self) -> str:
        parts = ", ".join(f"{part} {_duration(seconds)}" for part, seconds in self.seconds.items())
        return f"{parts}; {_duration(sum(self.seconds.values()))} in all"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@dataclass
class Deployment:
    """One run of the command."""

    terraform: Terraform
    plan_only: bool
    yes: bool
    times: Times = field(default_factory=Times)

    def run(self, streaming: bool) -> None:
        """Bring the environment to what this checkout says. Raises what main() catches."""
        self.terraform.require()
        if streaming:
            require_gcloud()
        with self.times.of("login"):
            login.require()
        with self.times.of("init"):
            self.terraform.init()
        with self.times.of("variables"):
            settings = self.terraform.settings()
            applied = self.terraform.outputs()
        _refuse_another(applied, settings)
        self._build()
        # What the state has once, it keeps: without it, functions would send widgets to the gateway that does not stream.
        if streaming or settings.streaming or _installation(applied).get("streaming"):
            require_gcloud()
            if not self._streaming(settings, first=not applied):
                return
        else:
            self._round(settings)
        if not self.plan_only:
            self._tell()

    def _build(self) -> None:
        print("\n→ front end and archives", flush=True)
        with self.times.of("front end"):
            web.build_stale()
        with self.times.of("archives"):
            bundles = [bundle.cut(name) for name in bundle.deployments()]
            for one in bundles:
                bundle.write(one)
            bundle.note(bundles)
        print(f"{len(bundles)} archives in {bundle.OUTPUT.relative_to(bundle.ROOT)}", flush=True)

    def _streaming(self, settings: Settings, *, first: bool) -> bool:
        """A deployment with the gateway that streams; False when the plan alone was wanted and that gateway is missing."""
        gateways = Gateways(settings.project_id, settings.region)
        if first or not self._exists(gateways):
            # The gateway needs a contract, which Terraform makes.
            self._round(settings, streaming="false")
            if self.plan_only:
                print(f"\nAfter that, the gateway {STREAMING} would be made and taken over by a second plan.")
                return False
            if not self._exists(gateways):
                print(f"\n→ making the gateway {STREAMING} in {settings.project_id}; it takes some minutes", flush=True)
                with self.times.of("streaming gateway"):
                    gateways.make_streaming()
        self._check(gateways)
        if self._round(settings, streaming="true"):
            self._check(gateways)
        return True

    def _exists(self, gateways: Gateways) -> bool:
        with self.times.of("streaming gateway"):
            return gateways.streaming_exists()

    def _check(self, gateways: Gateways) -> None:
        with self.times.of("streaming gateway"):
            gateways.require_streaming()

    def _round(self, settings: Settings, **variables: str) -> bool:
        """Plan, ask, apply; whether anything was applied. Raises NotApplied."""
        # A plan holds secret values, so it lives in a folder that only this user can read, and no longer than needed.
        with tempfile.TemporaryDirectory(prefix="agenthub-plan-") as folder:
            file = Path(folder) / "plan"
            with self.times.of("plan"):
                changes = self.terraform.plan(file, **variables)
            if not changes:
                print("\nNothing has changed; there is nothing to apply.", flush=True)
                return False
            if self.plan_only:
                print("\nThat is the plan; nothing was applied.", flush=True)
                return False
            if not self.yes:
                _confirm(settings)
            with self.times.of("apply"):
                self.terraform.apply(file)
        return True

    def _tell(self) -> None:
        outputs = self.terraform.outputs()
        print()
        for name in SHOWN:
            print(f"{name:<12} {outputs.get(name, '')}")


def _installation(applied: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = applied.get("installation", {})
    return found


def _refuse_another(applied: dict[str, Any], settings: Settings) -> None:
    """A state is of one installation: a plan for another would destroy it. Raises NotApplied."""
    before = _installation(applied)
    for name, now in (("project_id", settings.project_id), ("environment", settings.environment)):
        if before.get(name, now) != now:
            raise NotApplied(
                f"Terraform's state here is of {before['environment']} in {before['project_id']}; a plan for "
                f"{settings.environment} in {settings.project_id} would destroy that. Give each a state of its own:\n"
                f"  terraform -chdir=infra/terraform workspace select -or-create {settings.environment}"
            )


def _confirm(settings: Settings) -> None:
    if not sys.stdin.isatty():
        raise NotApplied("Nothing was applied: there is no terminal to ask on. --yes applies without a question.")
    try:
        answer = input(f"\nApply this plan to {settings.environment} in {settings.project_id}? [yes/no] ")
    except (EOFError, KeyboardInterrupt):
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise NotApplied("Nothing was applied.")


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Deploy and say what went wrong; 0 when the environment is as this checkout says, or the plan was shown."""
    parser = argparse.ArgumentParser(
        prog="deploy", description="Bring an environment on Google Cloud up to this checkout."
    )
    parser.add_argument(
        "environment", nargs="?", default="", help="a file of infra/terraform/environments, such as dev"
    )
    parser.add_argument("--project", help="the project's id, unless a file of variables says project_id")
    parser.add_argument("--streaming", action="store_true", help="also make the gateway through which the chat streams")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--yes", action="store_true", help="apply without a question")
    how.add_argument("--plan-only", action="store_true", help="show the plan and apply nothing")
    options = parser.parse_args(arguments)
    variables = {"project_id": options.project} if options.project else {}
    deployment = Deployment(Terraform(options.environment, variables, folder), options.plan_only, options.yes)
    failure: Exception | None = None
    try:
        deployment.run(options.streaming)
    except (
        bundle.UnknownDeployment,
        GatewayRefused,
        login.NotLoggedIn,
        NoProject,
        NotApplied,
        TerraformFailed,
        UnknownEnvironment,
        web.BuildFailed,
    ) as caught:
        failure = caught
    except KeyboardInterrupt:
        failure = NotApplied("Interrupted. Deploy again: it goes on from what is there.")
    if deployment.times.seconds:
        print(f"\nTook: {deployment.times}.", flush=True)
    if failure is not None:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
