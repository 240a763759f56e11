"""The lab's ccci.toml is one that the suite takes, with both ways to each instance."""

import sys
from pathlib import Path

from ccci_host.config import load
from ccci_host.lab.configuration import Description
from ccci_host.lab.keys import Keys


def described(tmp_path: Path) -> Description:
    return Description(
        socket=tmp_path / "incus" / "unix.socket",
        https="https://127.0.0.1:8443",
        project="ccci-lab",
        keys=Keys(tmp_path / "keys"),
        account="ccci",
        pat_file=tmp_path / 'a "quoted" file',
        access_log=tmp_path / "access.jsonl",
        recipes=tmp_path / "recipes",
        default_recipe="small",
        versions=("harbour/canary:1.0", "harbour/canary:1.1"),
        tag_command=(sys.executable, "-m", "tag", "{target}", "{source}"),
    )


def test_every_instance_is_a_host_by_both_ways(tmp_path: Path) -> None:
    file = tmp_path / "ccci.toml"
    file.write_text(described(tmp_path).render(["aside", "classic"]))
    config = load(file)
    ways = ("", "-remote", "-unlent")
    assert set(config.host) == {f"{name}{way}" for name in ("aside", "classic") for way in ways}
    assert config.select(None)[0] == "classic"
    local, remote = config.host["classic"], config.host["classic-remote"]
    assert not local.incus.over_https
    assert local.ssh is None
    assert remote.incus.over_https
    assert remote.ssh is not None
    for host in (local, remote):
        assert (host.incus.instance, host.incus.project) == ("classic", "ccci-lab")
        assert host.hub.pat.file == tmp_path / 'a "quoted" file'
        assert host.disposable
        assert host.allow_reboot


def test_the_harness_of_the_lab_is_configured_with_its_remedy_and_without(tmp_path: Path) -> None:
    file = tmp_path / "ccci.toml"
    file.write_text(described(tmp_path).render(["classic"]))
    config = load(file)
    tables = [config.host[name].command for name in ("classic", "classic-remote", "classic-unlent")]
    assert [table.lend_login for table in tables if table] == [True, True, False]
    assert {config.host[name].deployer for name in config.host} == {"stack"}


def test_without_classic_the_first_instance_is_the_default(tmp_path: Path) -> None:
    file = tmp_path / "ccci.toml"
    file.write_text(described(tmp_path).render(["containerd", "mine"]))
    assert load(file).select(None)[0] == "containerd"
