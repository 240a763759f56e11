"""invoke's tasks. Each is a few lines: find the machine, do the one thing, say what came of it.

Tasks take `--host NAME` where `ccci.toml` describes several. Where no `ccci.toml` is found, the lab is meant.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context

from ccci_host import checkout, config
from ccci_host.cli import Said, task
from ccci_host.errors import ConfigError, UsageError
from ccci_host.progress import say
from ccci_host.verdict import COULD_NOT_RUN

if TYPE_CHECKING:
    from ccci_host.lab import Lab
    from ccci_host.transport.machine import Machine
    from ccci_host.verify import Outcome
    from ccci_host.verify_faults import Row

# What only some tasks need is imported where they need it: each word then pays for its own rooms alone.

HOST = "The host's name in ccci.toml; by default its default_host, or the only one."
JSON = "Print JSON instead of text."
RECIPE = "A recipe's folder (`./shop`: with a `/`), or the name of one in the folders that ccci.toml lists."
DEPLOYER = "stack, or command for the harness that ccci.toml describes; by default the host's."
DEFAULT_RECIPE = f"{RECIPE} By default the host's default_recipe."


def configuration() -> config.Config:
    """What `ccci.toml` says, or the lab's own. Raises `ConfigError` where nothing is configured."""
    path = config.find(Path.cwd())
    if path is None:
        from ccci_host.lab import Lab

        path = Lab.default().config_path
        if not path.exists():
            raise ConfigError(
                "No host is configured, and there is no lab.",
                resolution=f"Write ccci.toml after {config.EXAMPLE}, or make the lab with `invoke lab.up`.",
            )
        say("No ccci.toml here or above: the lab is meant.")
    return config.load(path)


def machine(host: str | None) -> Machine:
    """The machine that `--host` means, reached."""
    from ccci_host.transport import open_machine

    return open_machine(*configuration().select(host))


@task(
    help={
        "host": HOST,
        "check": "Change nothing; exit code 1 says that something would be changed.",
        "diff": "Show what is, or would be, changed.",
        "json": JSON,
        "disable_pruners": "Also end those other pruners that do nothing else; others are left to you.",
    }
)
def provision(
    _: Context,
    host: str | None = None,
    check: bool = False,
    diff: bool = False,
    json: bool = False,
    disable_pruners: bool = False,
) -> Said:
    """Bring the host to what this checkout wants: agent, timer, policy, PAT, swarm; name other pruners."""
    from ccci_host.provision import provision

    with machine(host) as reached:
        report = provision(reached, check=check, disable_pruners=disable_pruners)
    return Said(report.to_text(diff=diff), report.exit_code, report.to_json())


@task(
    interrupted="What it began on the host may still go on. `invoke teardown` removes what came of it.",
    help={
        "recipe": RECIPE,
        "host": HOST,
        "domain": "The app's domain; by default one of its own.",
        "env": "The app's .env; by default made from the recipe's .env.sample.",
        "deployer": DEPLOYER,
        "json": JSON,
    },
)
def deploy(
    _: Context,
    recipe: str,
    host: str | None = None,
    domain: str | None = None,
    env: str | None = None,
    deployer: str | None = None,
    json: bool = False,
) -> Said:
    """Deploy a recipe, by `docker stack deploy` or a harness, and wait until it has converged."""
    from ccci_host.recipes import deploy_recipe

    env_file = Path(env) if env else None
    with machine(host) as reached:
        deployment = deploy_recipe(reached, recipe, domain=domain, env_file=env_file, deployer=deployer)
    services = "\n".join(f"  {service.name}: {service.image}" for service in deployment.services)
    summary = f"{deployment.stack} runs {deployment.recipe} {deployment.recipe_version}"
    return Said(f"{services}\n{summary}.", 0, deployment.model_dump(mode="json"))


@task(
    help={
        "recipe": "As for `deploy`, with the same --domain or --env; or a stack of our own, `ccci-…_test`.",
        "stack": "What is named is a stack, whoever deployed it: its services, secrets and volumes go.",
        "host": HOST,
        "domain": "The app's domain, as given to `deploy`.",
        "env": "The app's .env, as given to `deploy`.",
        "deployer": DEPLOYER,
        "json": JSON,
    },
)
def teardown(
    _: Context,
    recipe: str,
    stack: bool = False,
    host: str | None = None,
    domain: str | None = None,
    env: str | None = None,
    deployer: str | None = None,
    json: bool = False,
) -> Said:
    """Remove a recipe's stack with its services, volumes, secrets, configs and networks; never an image."""
    from ccci_host.recipes import teardown_recipe, teardown_stack

    if stack and (domain or env or deployer):
        raise UsageError(
            "--domain, --env and --deployer belong to a recipe.", resolution="Leave them out with --stack."
        )
    env_file = Path(env) if env else None
    with machine(host) as reached:
        if stack:
            removal = teardown_stack(reached, recipe)
        else:
            removal = teardown_recipe(reached, recipe, domain=domain, env_file=env_file, deployer=deployer)
    gone = "\n".join(f"  removed {kind} {name}" for kind, name in removal.removed)
    left = "\n".join(f"  still there: {kind} {name}: {why}" for kind, name, why in removal.left)
    summary = f"{removal.stack} could not be removed whole." if left else f"{removal.stack} is gone."
    text = "\n".join(part for part in (gone, left, summary) if part)
    return Said(text, 1 if left else 0, removal.model_dump(mode="json"))


@task(
    help={
        "apply": "Delete now what the policy allows, exactly as the timer's tick would.",
        "explain": "Tell of this image alone: a reference, or the beginning of its id.",
        "adopt": "Note that this image of unknown origin can be pulled again, once its registry says so.",
        "host": HOST,
        "json": JSON,
    }
)
def prune(
    _: Context,
    apply: bool = False,
    explain: str = "",
    adopt: str = "",
    host: str | None = None,
    json: bool = False,
) -> Said:
    """Say of every image on the host what would become of it now, and why. Changes nothing by itself."""
    from ccci_host import prune as pruning

    if sum(map(bool, (apply, explain, adopt))) > 1:
        raise UsageError(
            "--apply, --explain and --adopt ask for three different things.", resolution="Give one of them."
        )
    with machine(host) as reached:
        if adopt:
            done = pruning.adopt(reached, adopt)
        elif apply:
            done = pruning.sweep(reached)
        else:
            done = pruning.plan(reached, explain)
    return Said(done.text, done.exit_code, done.value)


EVIDENCE = (
    "The folder that keeps the runs' folders; by default machine-docs/evidence, and machine-docs/faults "
    "for faults."
)
CYCLES = (
    "How often deploy, teardown and redeploy are gone through; by default once. More are begun only where "
    "the account has pulls enough left."
)
FAULTS = (
    "On a disposable host: inject faults, one run each, and see that a check detects each. Without a value "
    "all of them; or some by name, with commas (docs/verification.md lists them)."
)
FAULT_ROOMS = ("ccci_host.lab.faults",)
"""Where faults live besides `ccci_host.faults`."""
PAUSE = "Wait for Enter before one of: teardown, redeploy, controls."
PAUSE_OR_REBOOT = PAUSE.replace("redeploy", "reboot, redeploy")
PUT_RIGHT = "What the run had made was removed, or is named above."
EXPERIMENT = {
    "host": HOST,
    "recipe": DEFAULT_RECIPE,
    "deployer": DEPLOYER,
    "evidence": EVIDENCE,
    "json": JSON,
}


def verified(
    tasks: Sequence[str],
    reach: Callable[[], AbstractContextManager[Machine]],
    evidence: str | None = None,
    **wishes: Any,
) -> Said:
    """Run the experiments called `tasks` on one host, one after the other, and say what they showed."""
    from ccci_host.experiments.options import PAUSES, Options
    from ccci_host.keyboard import require_keyboard, wait_for_enter
    from ccci_host.verify import closing, overall, verify_all

    pause = wishes.get("pause_before")
    pauses = [point for point in PAUSES if point != "reboot" or "reboot-and-redeploy" in tasks]
    if pause not in (None, *pauses):
        raise UsageError(
            f"There is no pause before {pause!r}.", resolution=f"Choose from {', '.join(pauses)}."
        )
    if pause is not None:
        require_keyboard()
    options = Options(task="", argv=tuple(sys.argv[1:]), wait_for_person=wait_for_enter, **wishes)
    root = Path(evidence) if evidence else None
    if len(tasks) == 1:
        (outcome,) = verify_all(reach, tasks, options, root=root)
        return Said("\n".join(outcome.lines()), outcome.exit_code, outcome.value)
    outcomes = verify_all(reach, tasks, options, root=root, listener=tell)
    return Said(closing(outcomes), overall(outcomes).exit_code, [outcome.value for outcome in outcomes])


def tried(names: str, host: str | None, evidence: str | None) -> Said:
    """Try faults on the host, or on every disposable one, and say what each came to."""
    from ccci_host import fault_table
    from ccci_host.faults import all_faults
    from ccci_host.lab.faults import renew_pulls
    from ccci_host.verify_faults import Matrix, chosen, disposable_hosts, require_rows, try_faults

    hosts = [host] if host else disposable_hosts(configuration())
    faults = chosen(all_faults(*FAULT_ROOMS), split_on_commas(names))
    root = Path(evidence) if evidence else None
    rows: list[Row] = []

    def tell_row(row: Row) -> None:
        """Keep it as soon as its run has ended."""
        say(row.line())
        fault_table.record([row])

    for name in hosts:
        with machine(name) as reached:
            rows += try_faults(
                reached, faults, root=root, before_each=partial(renew_pulls, reached), listener=tell_row
            )
    require_rows(rows, faults, hosts)
    matrix = Matrix(tuple(rows), whole=not names)
    return Said("\n".join(matrix.lines()), matrix.exit_code, matrix.value)


def tell(outcome: Outcome) -> None:
    """Say what one experiment showed, as soon as it has ended."""
    for line in outcome.lines():
        say(line)


@task(interrupted=PUT_RIGHT, help=EXPERIMENT)
def verify_pc1(
    _: Context,
    host: str | None = None,
    recipe: str | None = None,
    deployer: str | None = None,
    evidence: str | None = None,
    json: bool = False,
) -> Said:
    """PC1, conservative prune: only the agent deletes images on the host, and only as it should."""
    return verified(["verify-pc1"], partial(machine, host), evidence, recipe=recipe, deployer=deployer)


@task(interrupted=PUT_RIGHT, help=EXPERIMENT)
def verify_pc2(
    _: Context,
    host: str | None = None,
    recipe: str | None = None,
    deployer: str | None = None,
    evidence: str | None = None,
    json: bool = False,
) -> Said:
    """PC2, retained and authenticated: the node's own pulls carry the account."""
    return verified(["verify-pc2"], partial(machine, host), evidence, recipe=recipe, deployer=deployer)


@task(interrupted=PUT_RIGHT, help={**EXPERIMENT, "cycles": CYCLES, "pause_before": PAUSE})
def verify_pc3(
    _: Context,
    host: str | None = None,
    recipe: str | None = None,
    deployer: str | None = None,
    cycles: int = 1,
    pause_before: str | None = None,
    evidence: str | None = None,
    json: bool = False,
) -> Said:
    """PC3, proven: deploy, teardown and redeploy download no layer."""
    return verified(
        ["verify-pc3"],
        partial(machine, host),
        evidence,
        recipe=recipe,
        deployer=deployer,
        cycles=cycles,
        pause_before=pause_before,
    )


@task(interrupted=PUT_RIGHT, help={**EXPERIMENT, "faults": FAULTS}, optional=["faults"])
def verify(
    _: Context,
    host: str | None = None,
    recipe: str | None = None,
    deployer: str | None = None,
    faults: str | bool | None = None,
    evidence: str | None = None,
    json: bool = False,
) -> Said:
    """PC1, PC2 and PC3, one after the other; or, with --faults, whether faults make them fail."""
    if faults:
        if recipe or deployer:
            raise UsageError(
                "Each fault chooses its recipe and its deployer.",
                resolution="Leave --recipe and --deployer out with --faults.",
            )
        return tried(faults if isinstance(faults, str) else "", host, evidence)  # a bare flag is True
    from ccci_host.verify import VERIFY

    return verified(VERIFY, partial(machine, host), evidence, recipe=recipe, deployer=deployer)


@task(
    interrupted=PUT_RIGHT,
    help={
        **EXPERIMENT,
        "forced_stop": "Stop the machine by force instead of asking it to shut down.",
        "boot_timeout": "Seconds that the machine may take until it is ready again; by default 300.",
        "cycles": CYCLES,
        "pause_before": PAUSE_OR_REBOOT,
    },
)
def reboot_and_redeploy(
    _: Context,
    host: str | None = None,
    recipe: str | None = None,
    deployer: str | None = None,
    forced_stop: bool = False,
    cycles: int = 1,
    pause_before: str | None = None,
    boot_timeout: int = 300,
    evidence: str | None = None,
    json: bool = False,
) -> Said:
    """Deploy, tear down, reboot the machine, redeploy: the layers must come from the local store."""
    return verified(
        ["reboot-and-redeploy"],
        partial(machine, host),
        evidence,
        recipe=recipe,
        deployer=deployer,
        forced_stop=forced_stop,
        cycles=cycles,
        pause_before=pause_before,
        boot_timeout=float(boot_timeout),
    )


@task(
    interrupted="It changes nothing.",
    help={"run": "The folder of a run, or its name below machine-docs/evidence.", "json": JSON},
)
def analyze(_: Context, run: str, json: bool = False) -> Said:
    """Compute a run's verdict again, from its history alone."""
    from ccci_host.verify import analyze

    folder = Path(run) if Path(run).is_dir() else checkout.EVIDENCE / run
    analysis = analyze(folder)
    code = analysis.outcome.exit_code if analysis.confirmed else COULD_NOT_RUN
    return Said("\n".join(analysis.lines()), code, analysis.outcome.value)


@task(
    help={
        "check": "Write nothing; exit code 1 says that something is missing, or is not signed yet.",
        "host": HOST,
        "json": JSON,
    }
)
def sign_off(_: Context, check: bool = False, host: str | None = None, json: bool = False) -> Said:
    """Write to machine-docs/STATUS-2pc.md that all is done, or say everything that is missing."""
    from ccci_host.sign_off import look, sign_off

    with machine(host) as reached:
        done = sign_off(look(reached), check=check)
    return Said("\n".join(done.lines()), done.exit_code, done.value)


@task(help={"host": HOST, "json": JSON})
def status(_: Context, host: str | None = None, json: bool = False) -> Said:
    """How it stands: the last runs, the sign-off, and whether the deferred pull-through cache stays so."""
    from ccci_host import deferred, machine_docs
    from ccci_host.sign_off import look, sign_off

    with machine(host) as reached:
        now = look(reached)
        signed = sign_off(now, check=True)
        conditions = deferred.conditions(reached)
        runs = machine_docs.latest(machine_docs.runs(checkout.MACHINE_DOCS), now.place)
    lines = [
        *(f"{name}: {item.verdict}: {item.reason}" for name, item in runs),
        *signed.lines(),
        *(line for condition in conditions for line in condition.lines()),
        deferred.conclusion(conditions),
    ]
    value = {
        "runs": {name: item.verdict for name, item in runs},
        "sign_off": signed.value,
        "deferred_cache": [condition.value for condition in conditions],
    }
    return Said("\n".join(lines), 0, value)


@task(help={"store": "The image store of the lab's host: classic (the default) or containerd."})
def demo(_: Context, store: str = "classic") -> Said:
    """Everything, on the lab: make it, provision its host, verify PC1 to PC3, reboot and redeploy."""
    from ccci_host.lab import Lab
    from ccci_host.provision import provision
    from ccci_host.transport import open_machine
    from ccci_host.verify import VERIFY

    lab = Lab.default()
    lab.up([store])
    reach = partial(open_machine, *config.load(lab.config_path).select(store))
    with reach() as reached:
        say(provision(reached).to_text())
    return verified((*VERIFY, "reboot-and-redeploy"), reach)


@task(name="up", help={"stores": "Image stores, with commas: classic (the default), containerd."})
def lab_up(_: Context, stores: str = "classic") -> Said:
    """Make or mend the lab, and start it."""
    from ccci_host.lab import Lab

    lab = Lab.default()
    lab.up(split_on_commas(stores))
    return lab_said(lab)


@task(name="status", help={"json": JSON})
def lab_status(_: Context, json: bool = False) -> Said:
    """Say what there is of the lab, and change nothing."""
    from ccci_host.lab import Lab

    return lab_said(Lab.default())


@task(name="shell", help={"name": "The instance; by default classic."})
def lab_shell(_: Context, name: str = "classic") -> Said:
    """Open a root shell in an instance of the lab."""
    from ccci_host.lab import Lab

    Lab.default().shell(name)
    return Said("")


@task(name="down", help={"purge": "Remove everything that the lab made, its caches included."})
def lab_down(_: Context, purge: bool = False) -> Said:
    """Stop the lab."""
    from ccci_host.lab import Lab

    Lab.default().down(purge=purge)
    return Said("The lab is gone." if purge else "The lab is stopped; its state is kept.")


@task(
    name="publish",
    help={
        "images": "References to publish stand-ins for, with commas.",
        "recipe": "A recipe whose images are all published.",
        "env": "The app's .env for --recipe; it may name more compose files.",
        "name": "The instance whose Docker reads the recipe; by default classic.",
    },
)
def lab_publish(
    _: Context, images: str = "", recipe: str = "", env: str | None = None, name: str = "classic"
) -> Said:
    """Publish stand-ins for public images, so that a recipe can be deployed as it stands."""
    from ccci_host.lab import Lab
    from ccci_host.lab.publishing import publish_images, publish_recipe
    from ccci_host.recipes import find_recipe
    from ccci_host.transport import open_machine

    if not (images or recipe):
        raise UsageError(
            "What is to be published?", resolution="Name images with --images, or a recipe with --recipe."
        )
    lab = Lab.default()
    lab.up(())
    published = list(publish_images(lab, split_on_commas(images)))
    if recipe:
        host, table = config.load(lab.config_path).select(name)
        with open_machine(host, table) as reached:
            found = find_recipe(recipe, table.recipes)
            published += publish_recipe(lab, reached, found, Path(env) if env else None)
    return Said("\n".join(["Published:", *(f"  {reference}" for reference in published)]))


@task(name="limit", help={"pulls": "How many manifests, in Docker Hub's window of six hours."})
def lab_limit(_: Context, pulls: int = 0) -> Said:
    """Let the lab's account pull more than Docker Hub's 200, or fewer, until the next `lab.up`."""
    from ccci_host.lab import Lab

    if pulls < 1:
        raise UsageError(
            "How many pulls is the lab's account to have?",
            resolution="Say --pulls 1000, for one. `invoke lab.up` brings Docker Hub's own limit back.",
        )
    hub = Lab.default().hub
    payer = f"account:{hub.account}"
    hub.control.set_limit(payer, pulls)
    left = hub.control.buckets()[payer]["remaining"]
    return Said(f"The account {hub.account} may pull {pulls} manifests in six hours; {left} are left.")


@task(name="replay-incident", help={"json": JSON})
def lab_replay_incident(_: Context, json: bool = False) -> Said:
    """Play ten nights of recipe runs under four ways of pruning, on both stores; write it into docs."""
    from ccci_host.lab import Lab
    from ccci_host.lab.replay import record, replay

    campaigns = replay(Lab.default())
    table = record(campaigns, checkout.DOCS)
    return Said(table, 0, [asdict(campaign) for campaign in campaigns])


def split_on_commas(words: str) -> list[str]:
    """The words of a list with commas."""
    return [word.strip() for word in words.split(",") if word.strip()]


def lab_said(lab: Lab) -> Said:
    """The lab's status, for both a person and `--json`."""
    status = lab.status()
    guests = [f"  {guest.name}: {guest.status}, {guest.store} store" for guest in status.guests]
    lines = [
        *guests,
        f"Incus: {status.daemon}. Docker Hub's stand-in: {status.hub}.",
        f"Configuration: {status.config or 'none yet'}.",
    ]
    return Said("\n".join(lines), 0, asdict(status))


QUICK_TESTS_FIRST = ("tests/test_linters.py", "tests/unit", "tests/contract", "tests/live")
SIDE_BY_SIDE = ("--dist", "loadscope", "--no-loadscope-reorder")
"""Each process of the tests has a lab of its own, and live tests mostly wait: tests/conftest.py."""


@task(
    help={
        "unit": "Only the tests that need no lab.",
        "only": "A pytest expression (-k) that picks tests.",
        "jobs": "Processes to run them in, each with a lab of its own; by default 3.",
    }
)
def test(_: Context, unit: bool = False, only: str = "", jobs: int = 3) -> Said:
    """Run every test, those against the lab's real parts and those in a browser included."""
    from ccci_host.lab import Lab, packages

    lab = Lab.default()
    was_up = lab.status().hub == "up"
    if not unit:
        packages.ensure(lab.settings.logs / "apt-get.log", packages.FOR_TESTS)
    argv = [
        *(sys.executable, "-m", "pytest"),
        *QUICK_TESTS_FIRST,
        *("-n", str(jobs), *SIDE_BY_SIDE),
        *(["-m", "not live"] if unit else []),
        *(["-k", only] if only else []),
    ]
    done = subprocess.run(argv, cwd=checkout.ROOT, check=False)
    if not (unit or was_up):
        lab.down()
    return Said("", 0 if done.returncode == 0 else 1)


@task(
    help={
        "only": "Only these measurements, with commas.",
        "record": "Also write the table into docs/operations.md, in place of the one there.",
        "json": JSON,
    }
)
def benchmark(_: Context, only: str = "", record: bool = False, json: bool = False) -> Said:
    """Measure what things cost, on the lab, and print each figure beside its budget."""
    from ccci_host.lab import Lab
    from ccci_host.lab.benchmark import measure_all
    from ccci_host.lab.benchmark import record as write_down

    measured = measure_all(Lab.default(), split_on_commas(only))
    if record:
        write_down(measured.figures, checkout.DOCS)
    return Said(measured.to_text(), 0, [asdict(figure) for figure in measured.figures])


namespace = Collection(
    demo,
    provision,
    deploy,
    teardown,
    prune,
    verify,
    verify_pc1,
    verify_pc2,
    verify_pc3,
    reboot_and_redeploy,
    analyze,
    sign_off,
    status,
    benchmark,
    test,
)
namespace.add_collection(
    Collection("lab", lab_up, lab_status, lab_shell, lab_publish, lab_limit, lab_replay_incident, lab_down)
)
