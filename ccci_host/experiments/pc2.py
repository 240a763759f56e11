"""PC2: the images are retained and the pulls authenticated. The login, and who pays for a cold pull."""

import secrets

from ccci_host.errors import CcciError, RefusedError
from ccci_host.experiments import canary, eviction
from ccci_host.experiments.options import Options
from ccci_host.experiments.redeploy import chosen, deploy, recipe_record, tear_down
from ccci_host.experiments.removal import remove_image
from ccci_host.experiments.run import Run
from ccci_host.experiments.session import session
from ccci_host.experiments.single import single
from ccci_host.experiments.stacks import let_go
from ccci_host.journal import Journal
from ccci_host.recipes import App, Deployer
from ccci_host.records import ColdPullControl, Deployed, Deployment, StoredImage, StoreSeen
from ccci_host.transport.machine import Machine
from ccci_host.witnesses import credential
from ccci_host.witnesses.buckets import BucketsWitness
from ccci_host.witnesses.registries import ask, split_reference


def verify_pc2(machine: Machine, journal: Journal, options: Options) -> None:
    """Look at the login, deploy the recipe, then let the swarm pull one image cold."""
    deployer, app = chosen(machine, options)
    with session(machine, journal, options, reboots=False) as run:
        run.write(credential.look(machine, "start"))
        run.stacks.add(app.stack)
        run.write(recipe_record(run, deployer, app))
        try:
            deployment, store = _run(run, app, deployer)
            _cold_pull(run, deployer, deployment, store)
        except CcciError as error:
            # A login that Docker Hub refuses makes deploys fail: that is for the checks to say.
            run.problem = str(error)
        run.write(credential.look(machine, "end"))


def _run(run: Run, app: App, deployer: Deployer) -> tuple[Deployment, StoreSeen | None]:
    deployment = deploy(run, app, deployer, "deploy", 1)
    run.look("deployed", 1)
    tear_down(run, app, deployer, "teardown", 1)
    return deployment, run.look("torn-down", 1)


def _cold_pull(run: Run, deployer: Deployer, deployment: Deployment, store: StoreSeen | None) -> None:
    """Remove what may be removed, and have it pulled again by the swarm."""
    try:
        reference, images = _candidate(run, deployment, store)
    except RefusedError as error:
        run.write(ColdPullControl(ran=False, problem=error.brief))
        return
    removed: list[str] = []
    try:
        for image in images:
            removed += remove_image(run.machine, image)
    except CcciError as error:
        run.write(ColdPullControl(ran=False, removed=tuple(removed), problem=str(error)))
        raise
    run.look("evicted")
    name = _as_people_name_it(reference)
    again: Deployment | None = None
    problem: str | None = None
    with single("pull", name, secrets.token_hex(2)) as app:
        run.stacks.add(app.stack)
        with run.phase("cold-pull"), run.counted("cold-pull"):
            try:
                again = deployer.deploy(run.machine, app)
            except CcciError as error:
                # An image that is no server does not converge, and is pulled all the same.
                problem = str(error)
        run.look("cold-pulled")
        let_go(run.machine, app.stack)
    if again is not None:
        run.write(Deployed(phase="cold-pull", cycle=0, deployment=again))
    tasks = [task for service in again.services for task in service.tasks] if again else []
    run.write(
        ColdPullControl(
            ran=True,
            reference=name,
            removed=tuple(removed),
            private=_is_private(run, name),
            task_image_id=tasks[0].image_id if tasks else "",
            problem=problem,
        )
    )


def _as_people_name_it(reference: str) -> str:
    """`reference` by its tag; by its digest where it has no tag, since its name alone would mean `latest`."""
    name = reference.partition("@")[0]
    return name if ":" in name.rpartition("/")[2] else reference


def _candidate(
    run: Run, deployment: Deployment, store: StoreSeen | None
) -> tuple[str, tuple[StoredImage, ...]]:
    """The image to pull cold, and what of it is in the store and must go first.

    Raises `RefusedError` where there is none.
    """
    table = run.machine.config
    if store is None or store.problem is not None:
        raise RefusedError("the image store could not be read, so no image could be chosen")
    if table.disposable:
        return _of_recipe(deployment, store)
    if table.canary is None:
        raise RefusedError("the host is not disposable and its configuration names no canary image")
    if split_reference(table.canary)[0] != "docker.io":
        raise RefusedError(f"the canary {table.canary} is not on Docker Hub")
    quota = BucketsWitness().look(run.machine, "torn-down", 1)
    run.write(quota)
    if not eviction.enough(quota):
        raise RefusedError(eviction.TOO_LITTLE)
    return table.canary, canary.images_of(run, table.canary, store)


def _of_recipe(deployment: Deployment, store: StoreSeen) -> tuple[str, tuple[StoredImage, ...]]:
    services = tuple(one for one in deployment.services if split_reference(one.image)[0] == "docker.io")
    chosen = eviction.choose(deployment.model_copy(update={"services": services}), store)
    if chosen is None:
        raise RefusedError("no image of the recipe is from Docker Hub and has layers of its own")
    return chosen.reference, (chosen.image, *chosen.companions)


def _is_private(run: Run, reference: str) -> bool:
    registry, repository, tag = split_reference(reference)
    said = ask(
        run.machine,
        anonymous_pulls=[{"registry": registry, "repository": repository, "reference": tag}],
    )
    found = said.get("anonymous_pulls") or [{}]
    return bool(found[0].get("refused")) or found[0].get("status") in (401, 403)
