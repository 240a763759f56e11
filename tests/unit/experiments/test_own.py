"""Under which name an experiment deploys."""

from pathlib import Path

import pytest

from ccci_host.errors import CcciError, RefusedError
from ccci_host.experiments import Options, own, redeploy
from ccci_host.experiments.own import own_app
from ccci_host.experiments.single import single
from ccci_host.recipes import Recipe
from ccci_host.witnesses.strangers import OWN_STACK
from tests.fakes import FakeExecutor
from tests.unit.machines import fake_machine, host_table


def a_recipe(folder: Path, exports: str = "") -> Recipe:
    (folder / "shop").mkdir()
    (folder / "shop" / "compose.yml").write_text("services: {}")
    (folder / "shop" / "abra.sh").write_text(exports)
    return Recipe("shop", folder / "shop", "1")


def test_a_recipe_that_names_a_stack_is_deployed_under_the_experiments_name(tmp_path: Path) -> None:
    a_recipe(tmp_path, "export STACK_NAME=shop_example_com DOMAIN=shop.example.com\n")
    machine = fake_machine(FakeExecutor(), host_table(recipes=[str(tmp_path)]))
    _, app = redeploy.chosen(machine, Options(task="verify-pc3", recipe="shop"))
    assert OWN_STACK.fullmatch(app.stack)
    assert app.env["STACK_NAME"] == app.stack
    assert app.confined


def test_a_control_is_confined_too() -> None:
    with single("pin", "nginx:1", "beef") as app:
        assert app.stack == "ccci-pin--beef_test"
        assert app.confined


@pytest.mark.parametrize("domain", ["shop.example.com", "ccci-shop.test", "ccci-shop--beef.test.org"])
def test_a_name_that_may_be_somebody_elses_is_refused(
    domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "own_domain", lambda recipe, token: domain)
    with pytest.raises(RefusedError, match=domain.replace(".", "_")):
        own_app(a_recipe(tmp_path), "beef")


def test_a_control_that_finds_no_room_here_is_an_error_and_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CcciError, match="cannot be written"), single("pin", "nginx:1", "beef"):
        raise AssertionError("it began")
