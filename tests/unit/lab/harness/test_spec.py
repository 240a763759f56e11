"""A service of a rendered recipe, as the API takes it."""

import io
import zipfile
from typing import Any

import pytest

from ccci_host.lab.harness import build_archive, commands
from ccci_host.lab.harness.spec import RecipeError, checked, nanoseconds, service_spec

THERE: dict[str, Any] = {
    "networks": {
        "default": {"id": "n0", "name": "s_default"},
        "proxy": {"id": "n1", "name": "proxy"},
    },
    "secrets": {"key": {"id": "s1", "name": "s_key_v1"}},
    "configs": {"conf": {"id": "c1", "name": "s_conf_v2"}},
}
SERVICE: dict[str, Any] = {
    "image": "harbour/guestbook:1.0",
    "command": ["serve", "-v"],
    "entrypoint": ["/entrypoint.sh"],
    "environment": {"TITLE": "a book", "NOBODY_GAVE": None},
    "configs": [{"source": "conf", "target": "/entrypoint.sh", "mode": "365"}],
    "secrets": [{"source": "key"}],
    "networks": {"proxy": None},
    "volumes": [
        {"type": "volume", "source": "data", "target": "/data"},
        {"type": "bind", "source": "/var/run/docker.sock", "target": "/s", "read_only": "true"},
    ],
    "healthcheck": {"test": ["CMD", "true"], "interval": "1m30s", "retries": "3"},
    "deploy": {
        "labels": {"a": "b"},
        "replicas": "2",
        "restart_policy": {"condition": "on-failure", "delay": "1s"},
        "update_config": {"order": "start-first", "failure_action": "rollback"},
    },
}


def test_what_the_recipes_ask_for_is_in_the_spec() -> None:
    spec = service_spec("s", "app", SERVICE, "harbour/guestbook:1.0@sha256:d", THERE)
    container = spec["TaskTemplate"]["ContainerSpec"]
    assert spec["Name"] == "s_app"
    assert spec["Labels"] == {
        "a": "b",
        "com.docker.stack.namespace": "s",
        "com.docker.stack.image": "harbour/guestbook:1.0",
    }
    assert container["Image"] == "harbour/guestbook:1.0@sha256:d"
    assert (container["Command"], container["Args"]) == (["/entrypoint.sh"], ["serve", "-v"])
    assert container["Env"] == ["TITLE=a book"]
    assert container["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 90 * 10**9, "Retries": 3}
    assert [(one["Source"], one["ReadOnly"]) for one in container["Mounts"]] == [
        ("s_data", False),
        ("/var/run/docker.sock", True),
    ]
    [secret], [config] = container["Secrets"], container["Configs"]
    assert (secret["SecretID"], secret["SecretName"]) == ("s1", "s_key_v1")
    assert (secret["File"]["Name"], secret["File"]["Mode"]) == ("key", 0o444)
    assert (config["File"]["Name"], config["File"]["Mode"]) == ("/entrypoint.sh", 0o555)
    assert spec["TaskTemplate"]["Networks"] == [{"Target": "n1", "Aliases": ["app"]}]
    assert spec["TaskTemplate"]["RestartPolicy"] == {"Condition": "on-failure", "Delay": 10**9}
    assert spec["Mode"] == {"Replicated": {"Replicas": 2}}
    assert spec["UpdateConfig"] == {"Parallelism": 1, "Order": "start-first", "FailureAction": "rollback"}


def test_a_bare_service_is_on_the_stacks_own_network() -> None:
    spec = service_spec("s", "app", {"image": "a", "deploy": {"mode": "global"}}, "a:latest", THERE)
    assert spec["TaskTemplate"]["Networks"] == [{"Target": "n0", "Aliases": ["app"]}]
    assert spec["Mode"] == {"Global": {}}
    assert set(spec["TaskTemplate"]["ContainerSpec"]) == {"Image", "Labels"}


@pytest.mark.parametrize("service", [{"image": "a", "ports": []}, {"deploy": {"placement": {}}}])
def test_what_it_does_not_know_is_refused(service: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"does not know (ports|placement)"):
        checked("app", service)


@pytest.mark.parametrize(("said", "meant"), [("1s", 1.0), ("1m0s", 60), ("1h2m", 3720), ("250ms", 0.25)])
def test_durations(said: str, meant: float) -> None:
    assert nanoseconds(said) == meant * 1e9


def test_it_ships_as_one_program_with_what_it_needs() -> None:
    archive = build_archive()
    assert archive == build_archive()
    assert archive.startswith(b"#!")
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    assert {"__main__.py", "harness/words.py", "harness/spec.py", "yaml/__init__.py"} <= set(names)
    assert commands(lend_login=True)["lend_login"] is True
