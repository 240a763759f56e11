"""The control of the moved tag: a tag of our own means one image, is deployed, then means another.

Only where the registry is ours can a tag be moved; elsewhere the history says that this was not shown.
"""

import json
import secrets
import subprocess

from ccci_host.config import RegistryTable
from ccci_host.errors import CcciError, CommandFailedError, HostError
from ccci_host.experiments.run import Run
from ccci_host.experiments.single import single
from ccci_host.experiments.stacks import let_go
from ccci_host.recipes import Deployer
from ccci_host.records import Deployment, TagControl
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.registries import manifest_at_registry

TAGGING_SECONDS = 120.0


def control(run: Run, deployer: Deployer) -> None:
    """Deploy the tag, move it, deploy it again."""
    registry = run.machine.config.registry
    if registry is None or registry.versions is None:
        run.write(TagControl(ran=False, problem="the registry is not ours: nobody here can move a tag in it"))
        return
    with run.phase("tag-control"):
        seen = _moved(run, deployer, registry, registry.versions)
    run.write(seen)


def _moved(run: Run, deployer: Deployer, registry: RegistryTable, versions: tuple[str, str]) -> TagControl:
    # A tag a host, so that experiments on two hosts of one registry do not move each other's.
    target = f"{versions[0].rpartition(':')[0]}:ccci-control-{run.machine.name}"
    with single("tag", target, secrets.token_hex(2)) as app:
        run.stacks.add(app.stack)
        try:
            move(registry, versions[0], target)
            before = digest_at_registry(run.machine, target)
            deployer.deploy(run.machine, app)
            move(registry, versions[1], target)
            after = digest_at_registry(run.machine, target)
            ran = digest_that_runs(run.machine, deployer.deploy(run.machine, app), after)
        except CcciError as error:
            return TagControl(ran=False, reference=target, problem=error.brief)
        finally:
            let_go(run.machine, app.stack)
    return TagControl(ran=True, reference=target, digest_before=before, digest_after=after, digest_ran=ran)


def move(registry: RegistryTable, source: str, target: str) -> None:
    """Let the tag `target` mean the image `source`, by the operator's command; raises `CcciError`."""
    fields = {"source": source, "target": target}
    argv = [word.format_map(fields) for word in registry.tag_command or ()]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=TAGGING_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(
            f"The registry's tag_command could not be run for {target}.", details=str(error)
        ) from None
    if done.returncode != 0:
        raise CommandFailedError(
            argv,
            done.returncode,
            done.stdout,
            done.stderr,
            where="this machine",
            resolution="Correct tag_command of the host's registry in ccci.toml.",
        )


def digest_at_registry(machine: Machine, reference: str) -> str:
    """What the registry answers for the tag, asked from the CI host; raises `HostError`."""
    answer = manifest_at_registry(machine, reference)
    if not answer.get("digest"):
        why = answer.get("problem") or f"the registry answered {answer['status']}"
        raise HostError(f"The registry does not say what {reference} means.", details=why)
    return str(answer["digest"])


def digest_that_runs(machine: Machine, deployment: Deployment, wanted: str) -> str | None:
    """The digest of the image of the deployment's task: `wanted` when it is that, else what it is.

    A task of before that was stopped in good order is listed as well, as complete: one that runs goes before.
    The containerd store's image ids are such digests themselves.
    """
    tasks = [task for service in deployment.services for task in service.tasks if task.image_id]
    task = next((task for task in tasks if task.state == "running"), tasks[-1] if tasks else None)
    if task is None:
        return None
    argv = ["docker", "image", "inspect", "--format", "{{json .RepoDigests}}", task.image_id]
    names = json.loads(machine.run_repeatable(argv).check().text) or []
    digests = [str(name).partition("@")[2] for name in names]
    return wanted if wanted in (*digests, task.image_id) else next(iter(digests), None)
