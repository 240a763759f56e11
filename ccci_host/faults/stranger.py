"""A stranger's stack, which runs on the host beside every fault and must not notice any of them."""

import json
from types import TracebackType
from typing import Self

from ccci_host.experiments.interrupts import PUTTING_BACK, postponed
from ccci_host.faults.scratch import make_image
from ccci_host.progress import doing
from ccci_host.recipes import teardown
from ccci_host.records import StrangersSeen
from ccci_host.transport.machine import Machine
from ccci_host.waiting import wait_until
from ccci_host.witnesses.strangers import WITNESS

STACK = "stranger"
IMAGE = "stranger-image:1"
COMPOSE = {
    "version": "3.8",
    "services": {"web": {"image": IMAGE, "volumes": ["data:/data"]}},
    "volumes": {"data": {}},
}
STARTING = 60.0


class Stranger:
    """The stack; a context manager, within which it runs."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._image = ""

    def __enter__(self) -> Self:
        try:
            with doing("starting a stranger's stack"):
                self._image = make_image(self._machine, IMAGE)
                argv = ["docker", "stack", "deploy", "--detach=true", "--resolve-image", "never"]
                compose = json.dumps(COMPOSE).encode()
                self._machine.executor.run([*argv, "--compose-file", "-", STACK], input=compose).check()
                self._wait()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def look(self) -> StrangersSeen:
        """The stack now, once its container runs."""
        self._wait()
        return WITNESS.look(self._machine, "start", 0)

    def differences(self, before: StrangersSeen, *, renewed: bool) -> list[str]:
        """What of the stack is not as it was; where containers were `renewed`, new ones are no difference."""
        now = self.look()
        problem = before.problem or now.problem
        if problem:
            return [f"the stranger's stack could not be looked at: {problem}"]
        told = []
        was, are = ({one.name: one.spec for one in seen.states} for seen in (before, now))
        if was != are:
            told.append(f"the stranger's services had the specs {was} and have {are}")
        if not set(before.volumes) <= set(now.volumes):
            told.append(f"the stranger's volumes were {before.volumes} and are {now.volumes}")
        if not renewed:
            then, after = (
                {one.id: (one.started_at, one.restarts, one.state) for one in seen.containers if one.service}
                for seen in (before, now)
            )
            if then != after:
                told.append(f"the stranger's containers were {then} and are {after}")
        kept = self._machine.executor.run(["docker", "image", "inspect", "--format", "{{.Id}}", IMAGE])
        if kept.text != self._image:
            told.append("the stranger's image is gone")
        return told

    def _remove(self) -> None:
        """Remove what was begun of it; a wish to stop waits for that."""
        with postponed(PUTTING_BACK):
            if self._image:
                teardown(self._machine, STACK)
                self._machine.executor.run(["docker", "image", "rm", IMAGE]).check()

    def _wait(self) -> None:
        argv = ["docker", "service", "ls", "--filter", f"name={STACK}_web", "--format", "{{.Replicas}}"]
        wait_until(
            lambda: self._machine.executor.run(argv).text == "1/1" or None,
            what="the stranger's service to run",
            timeout=STARTING,
        )
