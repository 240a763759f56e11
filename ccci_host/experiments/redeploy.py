"""deploy → teardown → [reboot] → redeploy, as often as asked, then the controls.

`verify-pc3` is the same as `reboot-and-redeploy` without the reboot, and with the controls of masking. The
experiment does and writes; what it means is for the checks.
"""

import secrets

from ccci_host.errors import CcciError, UsageError
from ccci_host.experiments import broken_pin, eviction, moved_tag, preflight, quota
from ccci_host.experiments.agent_words import expected_files
from ccci_host.experiments.options import Options
from ccci_host.experiments.own import own_app
from ccci_host.experiments.reboot import plant_token, reboot
from ccci_host.experiments.run import Run
from ccci_host.experiments.session import session
from ccci_host.journal import Journal
from ccci_host.progress import doing, say
from ccci_host.recipes import App, Deployer, deployer_of, find_recipe
from ccci_host.records import Deployed, Deployment, Phase, RecipeChosen, StoreSeen, TornDown
from ccci_host.transport.machine import Machine
from ccci_host.witnesses import agent, credential, interface, manifests


def verify_pc3(machine: Machine, journal: Journal, options: Options) -> None:
    """Redeploy without a reboot, with every control."""
    _experiment(machine, journal, options, reboots=False)


def reboot_and_redeploy(machine: Machine, journal: Journal, options: Options) -> None:
    """Redeploy after a reboot, graceful or by force."""
    _experiment(machine, journal, options, reboots=True)


def _experiment(machine: Machine, journal: Journal, options: Options, *, reboots: bool) -> None:
    """Raises what keeps it from beginning, the first deploy included; what comes later is judged."""
    deployer, app = chosen(machine, options)
    with session(machine, journal, options, reboots=reboots) as run:
        run.write(recipe_record(run, deployer, app))
        if options.cycles > 1:  # one is always tried: that Docker Hub refuses a deploy is a finding
            quota.make_sure(run, deployer.service_images(run.machine, app))
        with doing("listening to the interface while nothing is done"):
            run.write(interface.noise(machine))
        run.stacks.add(app.stack)
        first = deploy(run, app, deployer, "deploy", 1)
        try:
            for cycle in range(1, options.cycles + 1):
                if options.cycles > 1:
                    say(f"Cycle {cycle} of {options.cycles}")
                deployment = first if cycle == 1 else deploy(run, app, deployer, "deploy", cycle)
                store = _rest_of_cycle(run, app, deployer, cycle, deployment, reboots=reboots)
            run.pause("controls")
            if not reboots:
                broken_pin.control(run, deployer, deployment)
                moved_tag.control(run, deployer)
            eviction.control(run, app, deployer, deployment, store)
        except CcciError as error:
            # From here on a failure is a finding about the host, and the checks are asked for it.
            run.problem = str(error)


def chosen(machine: Machine, options: Options) -> tuple[Deployer, App]:
    """The deployer and the app that the options name; raises before the host is touched."""
    deployer = deployer_of(machine, options.deployer)
    if options.cycles < 1:
        raise UsageError("At least one cycle is needed.")
    if options.boot_timeout <= 0:
        raise UsageError(
            "The machine needs time to boot.",
            details=f"It would get {options.boot_timeout:g} s, and be left behind while it still boots.",
            resolution="Give --boot-timeout a number of seconds above 0, or leave it out.",
        )
    word = options.recipe or machine.config.default_recipe
    if word is None:
        raise UsageError(
            "Which recipe is to be deployed?",
            resolution="Name one with --recipe, or set default_recipe of the host in ccci.toml.",
        )
    recipe = find_recipe(word, machine.config.recipes)
    return deployer, own_app(recipe, secrets.token_hex(2))


def recipe_record(run: Run, deployer: Deployer, app: App) -> RecipeChosen:
    """The recipe as it is about to be deployed."""
    return RecipeChosen(
        recipe=app.recipe.name,
        version=app.recipe.version,
        deployer=deployer.name,
        stack=app.stack,
        domain=app.domain,
        images=deployer.images(run.machine, app),
    )


def deploy(run: Run, app: App, deployer: Deployer, phase: Phase, cycle: int) -> Deployment:
    """Deploy, counted; the deployment is in the history when it converged."""
    with run.phase(phase, cycle), run.counted(phase, cycle):
        deployment = deployer.deploy(run.machine, app)
    run.write(Deployed(phase=phase, cycle=cycle, deployment=deployment))
    return deployment


def tear_down(run: Run, app: App, deployer: Deployer, phase: Phase, cycle: int) -> None:
    """Tear down, and say what went."""
    with run.phase(phase, cycle):
        removal = deployer.teardown(run.machine, app)
    run.write(TornDown(phase=phase, cycle=cycle, removal=removal))


def _rest_of_cycle(
    run: Run, app: App, deployer: Deployer, cycle: int, deployment: Deployment, *, reboots: bool
) -> StoreSeen | None:
    """From the first deploy's looks to the last teardown's; hands back the last look at the store."""
    store = run.look("deployed", cycle)
    if store is not None:
        references = tuple(dict.fromkeys(service.image for service in deployment.services))
        run.write(manifests.look(run.machine, references, store, cycle))
    run.pause("teardown")
    tear_down(run, app, deployer, "teardown", cycle)
    token = plant_token(run.machine) if reboots else ""
    run.look("torn-down", cycle)
    if reboots:
        run.pause("reboot")
        preflight.make_sure_again(run)
        with run.phase("reboot", cycle):
            reboot(run, cycle, token)
        run.look("rebooted", cycle)
        if deployer.name == "command":  # which may log in anew before it deploys
            run.write(credential.look(run.machine, "rebooted", cycle))
    if run.pause("redeploy"):
        run.look("paused", cycle)
    deploy(run, app, deployer, "redeploy", cycle)
    run.look("redeployed", cycle)
    if reboots:  # nobody has helped the machine since it came up
        run.write(agent.look(run.machine, expected_files(run.machine.config.prune), "redeployed", cycle))
        run.write(credential.look(run.machine, "redeployed", cycle))
    tear_down(run, app, deployer, "final-teardown", cycle)
    return run.look("finally-torn-down", cycle)
