"""The control of the broken pin: it must fail to deploy, although an older image is in the store."""

import secrets
from typing import Literal

from ccci_host.errors import CcciError, DeployError
from ccci_host.experiments.run import Run
from ccci_host.experiments.single import single
from ccci_host.experiments.stacks import let_go
from ccci_host.recipes import Deployer, tasks_with_containers
from ccci_host.records import Deployment, PinControl
from ccci_host.witnesses.registries import manifest_at_registry


def control(run: Run, deployer: Deployer, deployment: Deployment) -> None:
    """Deploy one image of the recipe under a digest that no registry has."""
    cached = next((service.image for service in deployment.services if service.digest), None)
    if cached is None:
        run.write(
            PinControl(ran=False, problem="no service's spec carries a digest, so no image is known by one")
        )
        return
    reference = f"{cached.partition('@')[0]}@sha256:{secrets.token_hex(32)}"
    with run.phase("pin-control"):
        seen = _tried(run, deployer, reference, cached)
    run.write(seen)


def _tried(run: Run, deployer: Deployer, reference: str, cached: str) -> PinControl:
    with single("pin", reference, secrets.token_hex(2)) as app:
        run.stacks.add(app.stack)
        outcome: Literal["refused", "ran", "unclear"] = "ran"
        said = ""
        try:
            deployer.deploy(run.machine, app)
        except DeployError as error:
            outcome, said = "refused", _told(error)
        except CcciError as error:
            outcome, said = "unclear", _told(error)
        started = _started(run, app.stack)
        let_go(run.machine, app.stack)  # else it is tried again and again
    return PinControl(
        ran=True,
        reference=reference,
        cached=cached,
        outcome=outcome,
        registry_status=manifest_at_registry(run.machine, reference).get("status"),
        started=started,
        error=said,
    )


def _told(error: CcciError) -> str:
    """What was seen, without our own advice."""
    return "\n".join(part for part in (error.brief, error.details) if part)


def _started(run: Run, stack: str) -> tuple[str, ...] | None:
    try:
        return tasks_with_containers(run.machine, stack)
    except CcciError:
        return None
