"""The deploy command against a terraform and a gcloud that play a small cloud (tests/standins/cloud_tools.py)."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import bundle, gateways, web
from infra.deploy import SHOWN, main
from infra.plans import NoProject, Settings, Terraform, TerraformFailed
from local.identity.keys import Keyring, write_key_file
from tests.engines import ROOT, Engine, start
from tests.standins import cloud_tools

PROJECT = "linden-dental"
MAKE = [
    "gcloud", "api-gateway", "gateways", "create", "agenthub-streaming", "--api=agenthub", "--api-config=c-1",
    "--enable-streaming", "--display-name=AgentHub, streaming", "--location=us-central1", f"--project={PROJECT}", "--quiet",
]  # fmt: skip


@dataclass
class World:
    """The stand-ins' folder: what was called, and the cloud that they play."""

    folder: Path

    @property
    def calls(self) -> list[list[str]]:
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def verbs(self) -> list[str]:
        """What was done, without the looking."""
        verbs = [call[2] if call[0] == "terraform" else call[3] for call in self.calls]
        return [verb for verb in verbs if verb in ("plan", "apply", "create")]

    @property
    def cloud(self) -> dict[str, Any]:
        cloud: dict[str, Any] = json.loads((self.folder / "cloud.json").read_text())
        return cloud

    def set(self, **values: Any) -> None:
        (self.folder / "cloud.json").write_text(json.dumps({**self.cloud, **values}))

    def forget(self) -> None:
        (self.folder / "calls.jsonl").unlink()


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = start("identity", tmp_path_factory.mktemp("identity"))
    yield engine
    engine.kill()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identity: Engine) -> World:
    web.build_stale()  # While Node.js may still be on the PATH.
    cloud_tools.install(tmp_path, "terraform", "gcloud")
    email = "agenthub-deployer@agenthub-local.iam.gserviceaccount.com"
    token_url = f"http://{identity.address}/token"
    write_key_file(Keyring(identity.data / "keys"), tmp_path / "key.json", email, "agenthub-local", token_url)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # And no real gcloud.
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    for name in ("GOOGLE_CREDENTIALS", "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON", "GOOGLE_OAUTH_ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return World(tmp_path)


def test_the_plan_that_was_shown_is_what_is_applied(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "--project", PROJECT, "--yes"]) == 0
    calls = {call[2]: call for call in world.calls}
    assert list(calls) == ["init", "console", "output", "plan", "apply"]
    assert all(call[1] == f"-chdir={ROOT / 'infra' / 'terraform'}" for call in world.calls)
    assert calls["plan"][3:7] == [
        "-input=false",
        "-detailed-exitcode",
        "-var-file=environments/dev.tfvars",
        f"-var=project_id={PROJECT}",
    ]
    assert calls["apply"][3:] == ["-input=false", calls["plan"][-1].removeprefix("-out=")]
    assert not Path(calls["apply"][-1]).exists(), "a plan holds secret values"
    out = capfd.readouterr().out
    assert "the plan of revision 1" in out
    for line in ("console_url  https://cdn.example/console", "api_url      https://api.example"):
        assert line in out
    for line in ("widget_url   https://cdn.example/v1/widget.js", "chat_url     https://api.example"):
        assert line in out
    assert "next_step    Read docs/deploy.md." in out
    assert re.search(r"Took: login .*, init .*, front end .*, archives .*, plan .*, apply .*; .* in all\.", out)


def test_the_archives_are_this_checkouts(world: World) -> None:
    assert main(["dev", "--project", PROJECT, "--plan-only"]) == 0
    manifest = json.loads((bundle.OUTPUT / "manifest.json").read_text())
    assert {name: manifest[name] for name in bundle.deployments()} == {
        name: bundle.cut(name).name for name in bundle.deployments()
    }
    assert all((bundle.OUTPUT / name).exists() for name in manifest.values())


def test_a_second_run_with_nothing_changed_says_so_and_asks_nothing(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["dev", "--project", PROJECT, "--yes"]) == 0
    assert main(["dev", "--project", PROJECT]) == 0
    assert world.verbs == ["plan", "apply", "plan"]
    out = capfd.readouterr().out
    assert "Nothing has changed" in out
    assert out.count("console_url  https://cdn.example/console") == 2


def test_without_a_terminal_nothing_is_applied_unless_yes(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "--project", PROJECT]) == 1
    assert world.verbs == ["plan"]
    assert "no terminal to ask on" in capfd.readouterr().err


@pytest.mark.parametrize(("answer", "code", "applied"), [("yes", 0, True), ("no", 1, False), ("", 1, False)])
def test_on_a_terminal_the_person_is_asked(world: World, answer: str, code: int, applied: bool) -> None:
    person, terminal = pty.openpty()
    command = [sys.executable, "-m", "infra.deploy", "dev", "--project", PROJECT]
    with subprocess.Popen(command, cwd=ROOT, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(person, f"{answer}\n".encode())
        out, err = process.communicate(timeout=60)
    os.close(person)
    os.close(terminal)
    assert f"Apply this plan to dev in {PROJECT}? [yes/no]" in out.decode()
    assert (process.returncode, "apply" in world.verbs) == (code, applied), err.decode()


def test_a_plan_alone_asks_and_applies_nothing(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "--project", PROJECT, "--plan-only"]) == 0
    assert world.verbs == ["plan"]
    assert "nothing was applied" in capfd.readouterr().out


def test_the_project_may_stand_in_a_file(world: World) -> None:
    world.set(variables={**world.cloud["variables"], "project_id": PROJECT})
    assert main(["dev", "--yes"]) == 0
    assert world.verbs == ["plan", "apply"]
    assert not any(argument.startswith("-var=project_id") for call in world.calls for argument in call)


def test_without_a_project_nothing_is_planned(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dev"]) == 1
    assert world.verbs == []
    assert "In which project? Say --project PROJECT" in capfd.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["staging"]])
def test_an_unknown_environment_is_answered_with_those_there_are(
    world: World, capfd: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 1
    assert "there are: dev, prod." in capfd.readouterr().err
    assert world.calls == []


def test_without_terraform_it_says_where_to_get_it(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    (world.folder / "bin" / "terraform").unlink()
    assert main(["dev", "--project", PROJECT]) == 1
    assert "Terraform 1.11 or later is missing: https://" in capfd.readouterr().err


def test_without_a_login_it_says_how_to_log_in(
    world: World, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(world.folder / "empty"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    assert main(["dev", "--project", PROJECT]) == 1
    assert "gcloud auth application-default login" in capfd.readouterr().err
    assert world.calls == []


def test_a_login_that_is_no_longer_accepted_is_none(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    key = json.loads((world.folder / "key.json").read_text())
    (world.folder / "key.json").write_text(json.dumps({**key, "client_email": "gone@example.com"}))
    assert main(["dev", "--project", PROJECT]) == 1
    assert "gcloud auth application-default login" in capfd.readouterr().err


def test_a_failed_plan_is_a_failed_deploy(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    world.set(plan_fails=True)
    assert main(["dev", "--project", PROJECT, "--yes"]) == 1
    told = capfd.readouterr()
    assert "terraform plan failed" in told.err
    assert "Took: " in told.out
    assert world.verbs == ["plan"]


def test_a_state_of_another_installation_is_never_planned_over(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "--project", PROJECT, "--yes"]) == 0
    world.forget()
    assert main(["dev", "--project", "oak-dental", "--yes"]) == 1
    assert f"is of dev in {PROJECT}" in capfd.readouterr().err
    world.set(variables={**world.cloud["variables"], "environment": "prod"})
    assert main(["prod", "--project", PROJECT, "--yes"]) == 1
    assert "workspace select -or-create prod" in capfd.readouterr().err
    assert world.verbs == []


def test_an_interrupted_apply_is_waited_for(world: World) -> None:
    """Killed, Terraform would leave a locked state that does not know what was made."""
    world.set(apply_waits=True)
    command = [sys.executable, "-m", "infra.deploy", "dev", "--project", PROJECT, "--yes"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert any(line == "applying\n" for line in process.stdout)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (world.folder / "state_written").exists()
    assert process.returncode == 1
    assert "terraform apply failed" in err


def test_streaming_is_made_once_after_the_contract_and_then_taken_over(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["dev", "--project", PROJECT, "--streaming", "--yes"]) == 0
    assert world.verbs == ["plan", "apply", "create", "plan", "apply"]
    first, second = (call for call in world.calls if call[2] == "plan")
    assert "-var=streaming=false" in first
    assert "-var=streaming=true" in second
    assert [call for call in world.calls if "create" in call] == [MAKE]
    assert "chat_url     https://streaming.example" in capfd.readouterr().out


def test_streaming_once_made_stays_and_is_checked_after_each_apply(world: World) -> None:
    assert main(["dev", "--project", PROJECT, "--streaming", "--yes"]) == 0
    world.forget()
    world.set(revision=2)
    assert main(["dev", "--project", PROJECT, "--yes"]) == 0
    assert world.verbs == ["plan", "apply"]
    assert world.cloud["applied"] == {"revision": 2, "streaming": True}
    assert world.calls[-2][:5] == ["gcloud", "api-gateway", "gateways", "describe", "agenthub-streaming"]
    assert "--format=json" in world.calls[-2]
    assert main(["dev", "--project", PROJECT]) == 0, "nothing has changed, so nothing is asked"


def test_streaming_said_by_the_variables_needs_no_option(world: World) -> None:
    world.set(variables={**world.cloud["variables"], "project_id": PROJECT, "streaming": True})
    assert main(["dev", "--yes"]) == 0
    assert world.verbs == ["plan", "apply", "create", "plan", "apply"]


def test_a_gateway_that_was_left_half_made_is_waited_for_and_not_made_again(world: World) -> None:
    assert main(["dev", "--project", PROJECT, "--yes"]) == 0
    made = {"state": "CREATING", "effectiveStreamingMode": "EFFECTIVE_STREAMING_MODE_ENABLED"}
    world.set(gateways={**world.cloud["gateways"], "agenthub-streaming": made})
    world.forget()
    assert main(["dev", "--project", PROJECT, "--streaming", "--yes"]) == 0
    assert world.verbs == ["plan", "apply"]


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("EFFECTIVE_STREAMING_MODE_DISABLED", "does not stream (EFFECTIVE_STREAMING_MODE_DISABLED)"),
        (None, "gcloud does not show effectiveStreamingMode"),
    ],
)
def test_a_gateway_that_does_not_stream_is_not_taken_over(
    world: World, capfd: pytest.CaptureFixture[str], mode: str | None, said: str
) -> None:
    world.set(gateway_mode=mode)
    assert main(["dev", "--project", PROJECT, "--streaming", "--yes"]) == 1
    assert said in capfd.readouterr().err
    assert world.verbs == ["plan", "apply", "create"]
    assert world.cloud["applied"]["streaming"] is False


def test_a_streaming_gateway_that_was_lost_is_made_by_gcloud_and_not_by_terraform(world: World) -> None:
    assert main(["dev", "--project", PROJECT, "--streaming", "--yes"]) == 0
    world.set(gateways={"agenthub": world.cloud["gateways"]["agenthub"]})
    world.forget()
    assert main(["dev", "--project", PROJECT, "--yes"]) == 0
    assert world.verbs == ["plan", "apply", "create", "plan", "apply"]


def test_a_plan_alone_makes_no_gateway(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "--project", PROJECT, "--streaming", "--plan-only"]) == 0
    assert world.verbs == ["plan"]
    assert "agenthub-streaming would be made" in capfd.readouterr().out


def test_streaming_without_gcloud_is_refused_before_anything_else(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    (world.folder / "bin" / "gcloud").unlink()
    assert main(["dev", "--project", PROJECT, "--streaming", "--yes"]) == 1
    assert "Streaming needs gcloud" in capfd.readouterr().err
    assert world.calls == []


@pytest.mark.parametrize(
    ("verb", "says", "said"),
    [
        ("create", "unrecognized arguments: --enable-streaming", "gcloud components update"),
        (
            "create",
            "PERMISSION_DENIED: no",
            "could not make the gateway agenthub-streaming:\nERROR: (gcloud) PERMISSION_DENIED",
        ),
        ("describe", "You do not currently have an active account selected.", "active account"),
    ],
)
def test_what_gcloud_refuses_is_told(
    world: World, capfd: pytest.CaptureFixture[str], verb: str, says: str, said: str
) -> None:
    assert main(["dev", "--project", PROJECT, "--yes"]) == 0
    world.set(gcloud_refuses={verb: says})
    assert main(["dev", "--project", PROJECT, "--streaming", "--yes"]) == 1
    assert said in capfd.readouterr().err


@pytest.mark.skipif(shutil.which("terraform") is None, reason="needs Terraform, but no provider")
class TestTerraformItself:
    """Real Terraform over a module without providers: that it reads the variables as Terraform.settings expects."""

    @pytest.fixture
    def terraform(self, tmp_path: Path) -> Terraform:
        types = {"environment": "string", "project_id": "string", "region": "string", "streaming": "bool"}
        blocks = [f'variable "{name}" {{ type = {type_} }}' for name, type_ in types.items() if name != "region"]
        blocks.append('variable "region" {\n  default = "us-central1"\n  validation {\n'
                      '    condition     = var.region != "mars"\n    error_message = "No gateway on mars."\n  }\n}')  # fmt: skip
        (tmp_path / "main.tf").write_text("\n".join([*blocks, 'output "installation" { value = var.environment }']))
        (tmp_path / "environments").mkdir()
        (tmp_path / "environments" / "dev.tfvars").write_text('environment = "dev"\nstreaming = true\n')
        terraform = Terraform("dev", folder=tmp_path)
        terraform.require()
        terraform.init()
        return terraform

    def test_a_file_that_terraform_loads_itself_counts(self, terraform: Terraform) -> None:
        (terraform.folder / "here.auto.tfvars").write_text('/* ours */ project_id = "linden-dental" # the test\n')
        assert terraform.settings() == Settings("dev", "linden-dental", "us-central1", True)

    def test_no_file_and_no_option_is_no_project(self, terraform: Terraform) -> None:
        with pytest.raises(NoProject):
            terraform.settings()

    def test_a_value_that_a_validation_refuses_is_told(self, terraform: Terraform) -> None:
        variables = {"project_id": "linden-dental", "region": "mars"}
        with pytest.raises(TerraformFailed, match="No gateway on mars"):
            Terraform("dev", variables, terraform.folder).settings()

    def test_a_plan_says_whether_there_is_anything_to_do(self, terraform: Terraform, tmp_path: Path) -> None:
        ours = Terraform("dev", {"project_id": "linden-dental"}, terraform.folder)
        assert ours.outputs() == {}
        assert ours.plan(tmp_path / "plan")
        ours.apply(tmp_path / "plan")
        assert ours.outputs() == {"installation": "dev"}
        assert not ours.plan(tmp_path / "plan")


def test_the_gateway_that_gcloud_makes_is_the_one_that_terraform_takes_over() -> None:
    source = (ROOT / "infra" / "terraform" / "gateway.tf").read_text()
    api = source.partition('resource "google_api_gateway_api" "main" {')[2].partition("\n}\n")[0]
    main_gateway = source.partition('resource "google_api_gateway_gateway" "main" {')[2].partition("\n}\n")[0]
    streaming = source.partition('resource "google_api_gateway_gateway" "streaming" {')[2].partition("\n}\n")[0]
    assert f'api_id       = "{gateways.API}"' in api
    assert f'gateway_id   = "{gateways.MAIN}"' in main_gateway
    assert f'gateway_id   = "{gateways.STREAMING}"' in streaming
    assert f'display_name = "{gateways.DISPLAY_NAME}"' in streaming


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_person_is_told_is_an_output(name: str) -> None:
    assert f'output "{name}" {{' in (ROOT / "infra" / "terraform" / "outputs.tf").read_text()
