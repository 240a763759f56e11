"""A recipe that was written for real images, deployed with stand-ins under their names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccci_host.errors import UsageError
from ccci_host.lab import Lab
from ccci_host.lab.publishing import publish_images, publish_recipe
from ccci_host.recipes import STACK, Recipe, find_recipe, make_app
from ccci_host.transport import Machine, open_machine
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live

COMPOSE = """\
version: "3.8"

services:
  app:
    image: registry.example.net/team/shop:${SHOP_VERSION:-4.2}
    entrypoint: ["/app/entrypoint.sh"]
    configs:
      - source: entrypoint
        target: /app/entrypoint.sh
        mode: 0755
    environment:
      - PORT=3000
    read_only: true
    tmpfs:
      - /tmp
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:3000/health"]
      interval: 2s
      retries: 3

  wrapped:
    image: shop-proxy:3
    entrypoint: /wrapper-entrypoint.sh
    configs:
      - source: wrapper
        target: /wrapper-entrypoint.sh
        mode: 0755

  worker:
    image: registry.example.net/team/shop:${SHOP_VERSION:-4.2}
    command: ["sh", "-c", "manage migrate && manage work"]
    entrypoint: []
    init: true

  db:
    image: shop-db:17
    command: ["postgres", "-c", "max_connections=10"]
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U shop && odd-probe --deep"]
      interval: 2s
      retries: 3

configs:
  entrypoint:
    name: ${STACK_NAME}_entrypoint_${ENTRYPOINT_VERSION}
    file: entrypoint.sh.tmpl
    template_driver: golang
  wrapper:
    name: ${STACK_NAME}_wrapper_${WRAPPER_VERSION}
    file: wrapper.sh
"""
ENTRYPOINT = """\
#!/usr/bin/env bash
set -eu
prepare-assets --for "{{ env "PORT" }}"
exec shopd serve
"""
WRAPPER = """\
#!/bin/sh
set -e
/docker-entrypoint.sh proxyd "$@"
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with own_instance("publishing") as config:
        machine = open_machine("publishing", config.host["publishing"])
        try:
            yield machine
        finally:
            machine.close()


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    folder = tmp_path / "shop"
    folder.mkdir()
    texts = {
        "compose.yml": COMPOSE,
        "entrypoint.sh.tmpl": ENTRYPOINT,
        "wrapper.sh": WRAPPER,
        ".env.sample": "TYPE=shop\nTIMEOUT=60\nDOMAIN=shop.example.com\n",
        "abra.sh": "export ENTRYPOINT_VERSION=v1\nexport WRAPPER_VERSION=v1\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return find_recipe(str(folder), ())


def test_a_public_recipe_runs_on_stand_ins(machine: Machine, recipe: Recipe) -> None:
    images = publish_recipe(Lab.default(), machine, recipe)
    assert set(images) == {"registry.example.net/team/shop:4.2", "shop-proxy:3", "shop-db:17"}
    app = make_app(recipe)
    try:
        deployment = STACK.deploy(machine, app)
        assert all(service.digest for service in deployment.services)
    finally:
        removal = STACK.teardown(machine, app)
    assert removal.left == ()


def test_publishing_again_changes_no_digest() -> None:
    references = ["registry.example.net/team/shop:4.3", "shop-db:18"]
    first = publish_images(Lab.default(), references)
    assert publish_images(Lab.default(), references) == first
    assert len(set(first.values())) == 2


def test_a_digest_cannot_be_played() -> None:
    with pytest.raises(UsageError, match="names a digest"):
        publish_images(Lab.default(), ["shop-db@sha256:" + 64 * "0"])
