"""Every command there is; `nox -l` is the manual.

All sessions share one environment, `.nox/py3.x`, filled by uv from requirements.lock in seconds and refilled only when
that file changes. Arguments after `--` go to the command behind the session.
"""

import hashlib
import importlib.util
import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

ROOT = Path(__file__).parent
LOCK = ROOT / "requirements.lock"
UV = "uv>=0.13"
BUNDLES = ("agents", "my_agents", "widgets", "analytics", "billing", "dashboard")
CI_PYTHONS = ("3.11", "3.13")
BOTH_PYTHONS = ["tests/functions/shared/plans", "tests/functions/shared/metering", "tests/local/firestore"]
EVERYDAY = [f"tests/{room}" for room in ("contracts", "functions", "local", "benchmarks", "faults", "matrix")]
EVERYDAY += [f"tests/web/test_{what}.py" for what in ("docs_page", "widget_attacks", "widget_browser", "widget_faults")]
# One more than there are cores: tests wait for engines a fifth of their time.
WORKERS = ("-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile", "--no-loadscope-reorder")
DEPLOYED = "3.13"  # The runtime of the cloud functions; tests/infra starts each bundle with it where it is found.

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["tests"]


def uv(session: nox.Session, *args: str) -> None:
    """Run the uv beside nox, which pip puts there on the first call; where there is no pip, the one on the PATH."""
    beside = str(Path(sys.executable).parent)
    if not shutil.which("uv", path=beside) and importlib.util.find_spec("pip"):
        session.log("Fetching uv, which installs everything else …")
        session.run(sys.executable, "-m", "pip", "install", "--quiet", UV, external=True)
    binary = shutil.which("uv", path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if binary is None:
        session.error("Install uv (https://docs.astral.sh/uv/): it fills the environment.")
    session.run(binary, *args, external=True, env=trust())


def trust() -> dict[str, str]:
    """Let uv trust whom this machine trusts, as pip does, so that it works behind a company's proxy too."""
    paths = ssl.get_default_verify_paths()
    known = sys.platform != "linux" or paths.cafile or paths.capath
    return {"UV_SYSTEM_CERTS": "true"} if known and "UV_SYSTEM_CERTS" not in os.environ else {}


def environment(session: nox.Session, python: str = sys.executable) -> str:
    """The path of a Python that has everything in requirements.lock; made on the first call."""
    version = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_python_version())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    home = ROOT / ".nox" / f"py{version}"
    binary = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = home / "lock.sha256"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not (binary.exists() and stamp.exists() and stamp.read_text() == digest):
        session.log(f"Installing the dependencies for Python {version} into {home.relative_to(ROOT)} …")
        if not binary.exists():
            uv(session, "venv", "--quiet", "--clear", "--python", python, str(home))
        uv(session, "pip", "sync", "--python", str(binary), "--require-hashes", str(LOCK))
        stamp.write_text(digest)
    return str(binary)


def run(
    session: nox.Session,
    *args: str,
    python: str | None = None,
    env: dict[str, str] | None = None,
    patience: float | None = 0.3,
) -> None:
    """Run a Python module or script of the project in the shared environment.

    After Ctrl-C it has `patience` seconds to end by itself; None: as long as it needs.
    """
    binary = python or environment(session)
    path = f"{Path(binary).parent}{os.pathsep}{os.environ['PATH']}"
    # A container's image often forbids compiled modules; engines, functions and tests would then compile at every start.
    given = {"PATH": path, "PYTHONDONTWRITEBYTECODE": "", **(env or {})}
    session.run(binary, *args, external=True, env=given, interrupt_timeout=patience)


def front_end(session: nox.Session) -> None:
    """Build the widget when its sources are newer than what is in dist/."""
    run(session, "-m", "infra.web")


@nox.session
def serve(session: nox.Session) -> None:
    """The whole platform on localhost:8000, with real local engines; state in .agenthub/."""
    front_end(session)
    run(session, "-m", "local.serve", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Every test, in parallel, with the linters and type checks; in CI what stands on the interpreter on both Pythons.

    There the other Python runs plans, metering and the local Firestore, and the evaluation client is tried. Every bundle
    is started, imported whole and called under the deployed one in any case (tests/infra).
    """
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = {v: path for v in CI_PYTHONS if v != here and (path := interpreter(v))}
    if here != DEPLOYED and DEPLOYED in found:
        environment(session, found[DEPLOYED])  # The bundles are started with it.
    if os.environ.get("CI"):
        evaluation(session)  # Its one test is skipped where the client is not installed.
    front_end(session)
    lint(session)
    types(session)
    for version, python in {here: sys.executable, **(found if os.environ.get("CI") else {})}.items():
        session.log(f"The tests on Python {version}; -- PATH or -- -k WORD picks some.")
        binary = environment(session, python)
        picked = session.posargs or ([] if version == here else BOTH_PYTHONS)
        run(session, "-m", "pytest", *WORKERS, *picked, python=binary)


@nox.session
def everyday(session: nox.Session) -> None:
    """What to run before a commit: the tests without a whole stack, of each two cases drawn anew every day."""
    front_end(session)
    lint(session)
    types(session)
    run(
        session,
        "-m",
        "pytest",
        *WORKERS,
        "--cases",
        "2",
        *(session.posargs or EVERYDAY),
        env={"HYPOTHESIS_EXAMPLES": os.environ.get("HYPOTHESIS_EXAMPLES", "10")},
    )


def interpreter(version: str) -> str | None:
    """A Python of this version that really starts; a pyenv shim may be a name only."""
    path = shutil.which(f"python{version}")
    if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
        return path
    return None


@nox.session
def story(session: nox.Session) -> None:
    """Play the whole story over HTTP, from sign-up to the paid invoice, against a running stack or one of its own."""
    front_end(session)
    run(session, "-m", "tests.e2e.story", *session.posargs)


@nox.session
def stripe(session: nox.Session) -> None:
    """Send every request of ours to Stripe's own mock, built with the Go of this machine (some minutes the first time)."""
    mock = "tests/functions/billing/test_stripes_own_mock.py"
    run(session, "-m", "pytest", "-rs", mock, *session.posargs, env={"STRIPE_MOCK": "build"})


@nox.session
def smoke(session: nox.Session) -> None:
    """Play the story on a deployed system as far as HTTP leads: nox -s smoke -- URL --email EMAIL; cleans up after itself."""
    run(session, "-m", "tests.e2e.smoke", *session.posargs, patience=120)


@nox.session
def demo(session: nox.Session) -> None:
    """Fill a workspace of the running stack with 90 days of believable life: nox -s demo -- --seed 7 --days 90."""
    run(session, "-m", "local.life", *session.posargs)


@nox.session
def tick(session: nox.Session) -> None:
    """Fire a schedule now: nox -s tick -- billing-close --at 2027-01-01T00:10Z."""
    run(session, "-m", "local.scheduler", "tick", *session.posargs)


@nox.session
def operator(session: nox.Session) -> None:
    """Make a person an operator, here or in a Google Cloud project: nox -s operator -- EMAIL [--project PROJECT [--revoke]]."""
    if any(argument.partition("=")[0] == "--project" for argument in session.posargs):
        run(session, "-m", "infra.people", *session.posargs)
    else:
        run(session, "-m", "local.identity", "operator", *session.posargs)


@nox.session
def deploy(session: nox.Session) -> None:
    """Build, plan, ask, apply to a Google Cloud project: nox -s deploy -- dev --project PROJECT [--streaming]."""
    # Terraform that is killed while it stops leaves a locked state.
    run(session, "-m", "infra.deploy", *session.posargs, patience=None)


@nox.session
def openapi(session: nox.Session) -> None:
    """Write api-gateway.yaml from the routes in the code, and the guide's table of what each role may do."""
    run(session, "-m", "infra.openapi", "--write")
    run(session, "-m", "infra.roles", "--write")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, banned imports, and the walls between the folders."""
    run(session, "-m", "ruff", "check", ".")
    run(session, "-m", "ruff", "format", "--check", ".")
    run(session, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    run(session, "-m", "mypy")


@nox.session
def bundle(session: nox.Session) -> None:
    """Cut the archive of each deployment into dist/bundles, reproducibly."""
    run(session, "-m", "infra.bundle", *session.posargs)


@nox.session
def terraform(session: nox.Session) -> None:
    """infra/terraform: format, validity, and plans of both environments with mocked providers; no cloud, no login."""
    if shutil.which("terraform") is None:
        how = "Terraform 1.11 or later is missing: https://developer.hashicorp.com/terraform/install"
        if os.environ.get("CI"):
            session.error(how)
        session.skip(how)
    source, work = ROOT / "infra" / "terraform", ROOT / ".nox" / "terraform" / "infra"
    session.run("terraform", f"-chdir={source}", "fmt", "-check", "-diff", "-recursive", external=True)
    # On a copy: the state, the lock and the backend of who deploys from this checkout are not ours to touch.
    lock = work / "terraform" / ".terraform.lock.hcl"
    kept = lock.read_bytes() if lock.exists() else b""
    shutil.rmtree(work, ignore_errors=True)
    left_out = shutil.ignore_patterns(".terraform*", "*.tfstate*", "backend.tf", "*.auto.tfvars", "terraform.tfvars")
    shutil.copytree(source, work / "terraform", ignore=left_out)
    shutil.copy(ROOT / "infra" / "catalogue.yaml", work)
    shutil.copy(ROOT / "api-gateway.yaml", work.parent)
    command = ("terraform", f"-chdir={work / 'terraform'}")
    env = {"TF_DATA_DIR": str(work.parent / "data"), "TF_IN_AUTOMATION": "true"}
    init = (*command, "init", "-backend=false", "-input=false")
    if kept:
        lock.write_bytes(kept)
    try:
        session.run(*init, external=True, env=env, silent=True)
    except nox.command.CommandFailed:
        # A lock made with providers from elsewhere does not fit; without one there is nothing else to try.
        if not kept:
            raise
        lock.unlink()
        session.run(*init, external=True, env=env, silent=True)
    session.run(*command, "validate", external=True, env=env)
    session.run(*command, "test", external=True, env=env)


@nox.session
def checkov(session: nox.Session) -> None:
    """checkov over Terraform and containers, in an environment of its own; every exception has its reason beside it."""
    command = ("tool", "run", "--python", "3.11", "checkov@3.3.30", "--skip-download", "--compact", "--quiet")
    for name in ("dev", "prod"):
        values = f"infra/terraform/environments/{name}.tfvars"
        uv(session, *command, "--framework", "terraform", "--directory", "infra/terraform", "--var-file", values)
    excepted = (
        "CKV_K8S_14,CKV_K8S_43",  # Which image, by tag or digest, the kustomization says, and who runs the cluster.
        "CKV_K8S_35",  # The cloud gives secrets as variables too, and shared/config reads settings nowhere else.
        "CKV_DOCKER_7",  # The base image's tag stands in the argument PYTHON_IMAGE, which checkov does not read.
    )
    uv(
        session, *command, "--framework", "kubernetes", "dockerfile", "--directory", "infra/containers",
        "--skip-check", ",".join(excepted),
    )  # fmt: skip


@nox.session
def cost(session: nox.Session) -> None:
    """What conversations and an idle month cost on Google Cloud: nox -s cost -- --turns 8."""
    run(session, "-m", "infra.cost", *session.posargs)


@nox.session
def drill(session: nox.Session) -> None:
    """Compare a restored database with the archive of invoices: nox -s drill -- --project P --database NEW."""
    run(session, "-m", "infra.drill", *session.posargs)


@nox.session
def replay(session: nox.Session) -> None:
    """Publish dead letters again: nox -s replay -- SUBSCRIPTION --project P [--dry-run]."""
    run(session, "-m", "infra.replay", *session.posargs)


@nox.session
def rebuild(session: nox.Session) -> None:
    """Make a day's figures anew out of the warehouse: nox -s rebuild -- WORKSPACE DAY --project P --environment E."""
    run(session, "-m", "infra.rebuild", *session.posargs)


def evaluation(session: nox.Session) -> str:
    """The path of a Python with the evaluation client, whose google-genai is older than the functions'; made at need."""
    home, wanted = ROOT / ".nox" / "evals", (ROOT / "pyproject.toml").read_bytes()
    binary, stamp = home / ("Scripts" if os.name == "nt" else "bin") / "python", home / "pyproject.sha256"
    digest = hashlib.sha256(wanted).hexdigest()
    if not (binary.exists() and stamp.exists() and stamp.read_text() == digest):
        session.log("Installing the evaluation client, about 560 MB, into .nox/evals …")
        uv(session, "venv", "--quiet", "--clear", "--python", sys.executable, str(home))
        uv(session, "pip", "install", "--quiet", "--python", str(binary), "--group", "evals")
        stamp.write_text(digest)
    return str(binary)


@nox.session
def evals(session: nox.Session) -> None:
    """Let a model judge an agent's answers to its test cases: nox -s evals -- AGENT --url URL --project P [--case CASE]."""
    # Without this the client's package litellm fetches a list of prices at every start.
    env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    run(session, "-m", "infra.evals", *session.posargs, python=evaluation(session), env=env)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks, or those that are named: nox -s bench -- turn cold_start --check; options go to each."""
    front_end(session)
    given = session.posargs
    first = next((place for place, word in enumerate(given) if word.startswith("-")), len(given))
    names = given[:first] or sorted(p.stem for p in (ROOT / "benchmarks").glob("[a-z]*.py"))
    failed = []
    for name in names:
        try:
            run(session, "-m", f"benchmarks.{name}", *given[first:])
        except CommandFailed:
            failed.append(name)
    if failed:
        session.error(f"Failed, or with --check missed an aim: {', '.join(failed)}")


@nox.session
def screenshots(session: nox.Session) -> None:
    """The pictures of README and guides, from the demo's data; -- --all FOLDER takes every page for a pair of eyes."""
    front_end(session)
    run(session, "-m", "tests.web.screenshots", *session.posargs)


@nox.session
def torture(session: nox.Session) -> None:
    """Kill consumers, closes and turns while they work, a hundred thousand events long; exits with 1 when a nano differs."""
    run(session, "-m", "tests.faults.torture", *session.posargs, patience=10)


@nox.session
def conformance(session: nox.Session) -> None:
    """Google's own client tests against fresh local Firestore and Pub/Sub engines."""
    run(session, "-m", "tests.conformance", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve the dependency groups into requirements.lock and each bundle's requirements.txt."""
    targets = [("dev", LOCK)] + [(name, ROOT / "functions" / name / "requirements.txt") for name in BUNDLES]
    targets += [(name, ROOT / "infra" / "containers" / f"{name}.txt") for name in ("edge", "local")]
    for group, target in targets:
        uv(
            session, "pip", "compile", "pyproject.toml", "--group", group, "--output-file", str(target), "--universal",
            "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-emit-index-url", "--quiet",
            *session.posargs,
        )  # fmt: skip


@nox.session
def containers(session: nox.Session) -> None:
    """Check the containers: the cluster against Kubernetes' own schemas, Compose where docker-compose is."""
    run(session, "-m", "infra.containers.kubernetes", "--check")
    folder = ROOT / "infra" / "containers"
    files = [str(path) for path in sorted((folder / "cluster").glob("*.yaml")) if path.name != "kustomization.yaml"]
    # In an environment of its own: nothing else needs the schemas.
    uv(
        session, "tool", "run", "--python", sys.executable, "--from", "kubernetes-validate==1.37.0",
        "kubernetes-validate", "--strict", "--quiet", *files,
    )  # fmt: skip
    if shutil.which("kubectl"):
        session.run("kubectl", "kustomize", str(folder / "cluster"), external=True, silent=True)
    for compose in (["docker", "compose"], ["docker-compose"]):
        if not shutil.which(compose[0]):
            continue
        if subprocess.run([*compose, "version"], capture_output=True, check=False).returncode == 0:
            session.run(*compose, "-f", str(folder / "compose.yaml"), "config", "--quiet", external=True)
            return
    session.log("No docker-compose here: compose.yaml was not checked by it.")
