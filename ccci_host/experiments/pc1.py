"""PC1: the prune is conservative. What runs on the host, what it would do, and that a lease holds it back."""

from ccci_host.errors import CcciError
from ccci_host.experiments import agent_words
from ccci_host.experiments.options import Options
from ccci_host.experiments.redeploy import chosen, deploy, recipe_record, tear_down
from ccci_host.experiments.run import Run
from ccci_host.experiments.session import session
from ccci_host.journal import Journal
from ccci_host.recipes import App, Deployer
from ccci_host.transport.machine import Machine
from ccci_host.witnesses import agent, pruners, ticks

PRETENDED_PERCENT = 99.0
"""A disk so full that the agent would delete all that its policy lets go."""


def verify_pc1(machine: Machine, journal: Journal, options: Options) -> None:
    """Audit, then a run under a lease, with a sweep in its middle, then plans under pretended pressure."""
    deployer, app = chosen(machine, options)
    expected = agent_words.expected_files(machine.config.prune)
    with session(machine, journal, options, reboots=False, agent_needed=False) as run:
        run.write(pruners.look(machine, "start"))
        run.write(agent.look(machine, expected, "start"))
        if run.lease is None:
            return  # without an agent there is nothing to protect a deploy, and nothing more to ask
        run.write(recipe_record(run, deployer, app))
        try:
            _run_under_lease(run, app, deployer)
            run.lease.release()
            run.write(agent_words.plan(machine, "end"))
            run.write(agent_words.plan(machine, "end", pretend_percent=PRETENDED_PERCENT))
            if machine.config.disposable:
                run.write(agent_words.sweep(machine, "end", "nothing"))
            run.write(ticks.look(machine, "end"))
        except CcciError as error:
            run.problem = str(error)


def _run_under_lease(run: Run, app: App, deployer: Deployer) -> None:
    """What a normal run is: a deploy and a teardown. A sweep comes in between, and must wait."""
    run.stacks.add(app.stack)
    deploy(run, app, deployer, "deploy", 1)
    run.look("deployed", 1)
    run.write(pruners.look(run.machine, "deployed"))  # a recipe may bring its own
    run.write(agent_words.sweep(run.machine, "deployed", "lease"))
    tear_down(run, app, deployer, "teardown", 1)
    run.write(agent_words.sweep(run.machine, "torn-down", "lease"))
    run.look("torn-down", 1)
