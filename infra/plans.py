"""Runs Terraform for one environment, so that each of its commands gets the same variables and is never cut short."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "terraform"


class TerraformFailed(Exception):
    """Terraform is missing or said no; the message says which, and what may help."""


class UnknownEnvironment(Exception):
    """There is no such file in environments/; the message names those that there are."""


class NoProject(Exception):
    """Neither the command line nor a file says in which project this environment is."""


@dataclass(frozen=True)
class Settings:
    """What the variables say after Terraform has put files, environment and command line together."""

    environment: str
    project_id: str
    region: str
    streaming: bool


@dataclass(frozen=True)
class Terraform:
    """Terraform in one folder with one environment's variables; `variables` win over every file."""

    environment: str
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path = FOLDER

    def require(self) -> None:
        """Make sure that Terraform and the environment exist. Raises TerraformFailed or UnknownEnvironment."""
        known = sorted(path.stem for path in (self.folder / "environments").glob("*.tfvars"))
        if self.environment not in known:
            raise UnknownEnvironment(
                f"There is no environment {self.environment or 'without a name'}; there are: {', '.join(known)}. "
                "Another one is another file in infra/terraform/environments."
            )
        if shutil.which("terraform") is None:
            raise TerraformFailed(
                "Terraform 1.11 or later is missing: https://developer.hashicorp.com/terraform/install"
            )

    def init(self) -> None:
        """Fetch the providers and open the state. Raises TerraformFailed."""
        if self._show("init", "-input=false"):
            raise TerraformFailed("terraform init failed; what it said stands above.")

    def settings(self) -> Settings:
        """The variables that matter here, by Terraform's own reading. Raises NoProject or TerraformFailed."""
        pairs = ", ".join(f"{name} = var.{name}" for name in (known.name for known in fields(Settings)))
        done = self._ask("console", *self._variables({}), stdin=f"jsonencode({{{pairs}}})\n")
        answer = done.stdout.strip().rpartition("\n")[2]
        if answer == "(known after apply)":
            raise NoProject(
                'In which project? Say --project PROJECT, or write project_id = "PROJECT" into '
                f"environments/{self.environment}.tfvars or terraform.tfvars. The project's id is meant, not its name."
            )
        if done.returncode or "Error:" in done.stderr:
            raise TerraformFailed(f"Terraform does not accept the variables:\n{done.stderr}")
        return Settings(**json.loads(json.loads(answer)))

    def outputs(self) -> dict[str, Any]:
        """The outputs of the last apply, by name; none before the first. Raises TerraformFailed."""
        done = self._ask("output", "-json")
        if done.returncode:
            raise TerraformFailed(f"terraform output failed:\n{done.stderr}")
        return {name: output["value"] for name, output in json.loads(done.stdout).items()}

    def plan(self, file: Path, **variables: str) -> bool:
        """Show the plan and leave it in `file`; whether there is anything to do. Raises TerraformFailed."""
        options = ("-input=false", "-detailed-exitcode", *self._variables(variables), f"-out={file}")
        code = self._show("plan", *options)
        if code not in (0, 2):
            raise TerraformFailed(
                'terraform plan failed; what it said stands above. In a project where an API "has not been used", first:\n'
                "  gcloud services enable serviceusage.googleapis.com cloudresourcemanager.googleapis.com --project=PROJECT"
            )
        return code == 2

    def apply(self, file: Path) -> None:
        """Do what the plan in `file` says, and nothing else. Raises TerraformFailed."""
        if self._show("apply", "-input=false", str(file)):
            raise TerraformFailed(
                "terraform apply failed; what it said stands above. What it had done is in the state: deploy again, and it "
                "goes on from there."
            )

    def _variables(self, more: Mapping[str, str]) -> Iterator[str]:
        yield f"-var-file=environments/{self.environment}.tfvars"
        for name, value in {**self.variables, **more}.items():
            yield f"-var={name}={value}"

    def _command(self, verb: str, options: Sequence[str]) -> list[str]:
        return ["terraform", f"-chdir={self.folder}", verb, *options]

    def _ask(self, verb: str, *options: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = self._command(verb, ("-no-color", *options))
        return subprocess.run(command, input=stdin, capture_output=True, text=True, env=_environment(), check=False)

    def _show(self, verb: str, *options: str) -> int:
        """Run before the person's eyes and return the exit code.

        Ctrl-C reaches Terraform by the terminal, and it then stops in an orderly way. We wait for that: killed, it would
        leave a locked state that does not know what was made.
        """
        print(f"\n→ terraform {verb}", flush=True)
        with subprocess.Popen(self._command(verb, options), stdin=subprocess.DEVNULL, env=_environment()) as process:
            while True:
                try:
                    return process.wait()
                except KeyboardInterrupt:
                    print("Waiting for Terraform to stop …", flush=True)


def _environment() -> dict[str, str]:
    # Terraform's advice about its own next command would be wrong here.
    return {**os.environ, "TF_IN_AUTOMATION": "true"}
