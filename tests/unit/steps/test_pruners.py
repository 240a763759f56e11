from ccci_host.facts.pruner import Audit, Pruner
from ccci_host.facts.pruners import PRUNERS
from ccci_host.steps.operations import RunCommand
from ccci_host.steps.pruners import STEP
from tests.unit.steps.facts_of import facts, wanted

TIMER = Pruner(
    "unit", "x.service", "docker image prune", True, "`disable x`.", (("systemctl", "disable", "x"),)
)
DROP_IN = Pruner("unit", "docker.service", "docker image prune", True, "Take it out.")
ASLEEP = Pruner("container", "gc", "docker-gc", False, "`docker stop gc`.", (("docker", "stop", "gc"),))


def test_none_is_said_where_all_could_be_looked_at() -> None:
    plan = STEP.plan(facts(), wanted())

    assert (plan.problems, plan.changes) == ((), ())
    assert plan.why == "no unit, cron line, container or service removes images"


def test_an_active_one_is_a_problem_with_its_remedy_and_is_left_alone() -> None:
    plan = STEP.plan(facts({PRUNERS: Audit((TIMER, ASLEEP), ())}), wanted())

    assert plan.problems == ("unit x.service: docker image prune. `disable x`.",)
    assert plan.changes == ()
    assert plan.warnings == ("container gc (inactive): docker-gc",)


def test_it_is_disabled_when_that_is_asked_for_where_a_command_can() -> None:
    plan = STEP.plan(facts({PRUNERS: Audit((TIMER, DROP_IN, ASLEEP), ())}), wanted(disable_pruners=True))

    assert [change.operation for change in plan.changes] == [RunCommand(("systemctl", "disable", "x"))]
    assert plan.problems == (
        "unit docker.service: docker image prune. `--disable-pruners` leaves it to you. Take it out.",
    )
    assert plan.why == "2 competing pruners on the host, 1 of them left to you"


def test_where_a_command_can_end_all_nothing_is_left() -> None:
    plan = STEP.plan(facts({PRUNERS: Audit((TIMER,), ())}), wanted(disable_pruners=True))

    assert (plan.problems, plan.why) == ((), "1 competing pruner on the host")


def test_a_shell_script_that_ends_one_is_told_in_words() -> None:
    stop = (("sh", "-c", "exec sed …", "sh", "/etc/crontab", "3", "5f"),)
    line = Pruner("cron", "/etc/crontab line 3", "docker rmi", True, "Comment out line 3.", stop)

    (change,) = STEP.plan(facts({PRUNERS: Audit((line,), ())}), wanted(disable_pruners=True)).changes

    assert change.operation == RunCommand(stop[0])
    assert change.what == "cron /etc/crontab line 3: docker rmi: Comment out line 3."


def test_what_could_not_be_looked_at_is_a_problem() -> None:
    plan = STEP.plan(facts({PRUNERS: Audit((), ("systemd units: no bus",))}), wanted())

    assert plan.why == "competing pruners cannot be ruled out"
    assert plan.problems == ("could not look for pruners: systemd units: no bus",)
