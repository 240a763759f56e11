from ccci_host.lab.hub.registries import DOCKER_HUB, Directory


def test_docker_hub_answers_under_its_three_names() -> None:
    directory = Directory(())
    assert set(directory.host_names) == {"registry-1.docker.io", "auth.docker.io", "index.docker.io"}
    assert directory.of_host("registry-1.docker.io:443") is DOCKER_HUB
    assert directory.of_host("AUTH.docker.io") is DOCKER_HUB
    assert directory.of_host("ghcr.io") is None


def test_other_registries_have_tokens_of_their_own_and_no_budget() -> None:
    registry = Directory(("ghcr.io",)).of_host("ghcr.io")
    assert registry is not None
    assert registry.realm == "https://ghcr.io/token"
    assert not registry.metered
    assert DOCKER_HUB.realm == "https://auth.docker.io/token"
