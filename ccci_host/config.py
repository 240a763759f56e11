"""`ccci.toml`: which hosts there are, how to reach them, what is allowed on them.

Validated whole: every problem of the file is in one message, an unknown key is a problem.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ccci_host.errors import ConfigError

FILE_NAME = "ccci.toml"
ENVIRONMENT_VARIABLE = "CCCI_CONFIG"
EXAMPLE = "docs/ccci.example.toml"


def _expanded(value: Any) -> Any:
    return Path(value).expanduser() if isinstance(value, str) else value


UserPath = Annotated[Path, BeforeValidator(_expanded)]
"""A path on the machine that runs the suite; `~` is the user's home."""


class Table(BaseModel):
    """A table of the file: frozen, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class IncusTable(Table):
    """`[host.NAME.incus]`: the Incus server and the instance on it."""

    endpoint: str = Field(min_length=1, description="A unix socket's path, or https://HOST:8443")
    instance: str = Field(min_length=1)
    project: str = "default"
    client_cert: UserPath | None = None
    client_key: UserPath | None = None
    server_cert: UserPath | None = None

    @property
    def over_https(self) -> bool:
        """Whether the server is reached over the network rather than through its unix socket."""
        return self.endpoint.startswith("https://")

    @model_validator(mode="after")
    def _https_is_pinned(self) -> "IncusTable":
        missing = [
            name for name in ("client_cert", "client_key", "server_cert") if getattr(self, name) is None
        ]
        if self.over_https and missing:
            raise ValueError(f"an https:// endpoint also needs {', '.join(missing)}")
        if not self.over_https and not self.endpoint.startswith("/"):
            raise ValueError("endpoint must be https://HOST:PORT or the absolute path of a unix socket")
        return self


class SshTable(Table):
    """`[host.NAME.ssh]`: the faster way in. Without it, commands go through Incus."""

    address: str | None = Field(
        default=None, description="When absent, the instance's own address as Incus knows it"
    )
    port: int = Field(default=22, ge=1, le=65535)
    user: Literal["root"] = "root"
    key: UserPath


class PatTable(Table):
    """Where the PAT comes from: exactly one of a command, a file, an environment variable."""

    command: tuple[str, ...] | None = Field(default=None, min_length=1)
    file: UserPath | None = None
    env: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _exactly_one(self) -> "PatTable":
        if sum(source is not None for source in (self.command, self.file, self.env)) != 1:
            raise ValueError("name exactly one source of the PAT: command, file or env")
        return self


class HubTable(Table):
    """`[host.NAME.hub]`: the Docker Hub account that pulls are made with."""

    account: str = Field(min_length=1)
    pat: PatTable
    docker_config: str = Field("/root/.docker/config.json", description="The deploying user's, on the host")


class PruneTable(Table):
    """`[host.NAME.prune]`: the retention policy. See docs/prune-policy.md."""

    high_watermark_percent: int = Field(default=80, ge=1, le=99)
    low_watermark_percent: int = Field(default=70, ge=1, le=99)
    young_hours: float = Field(default=72, gt=0)
    idle_after_days: float | Literal["never"] = 30
    keep: tuple[str, ...] = ()
    recipe_roots: tuple[str, ...] = ()
    timer: str = Field(default="hourly", min_length=1, description="systemd calendar expression")

    @model_validator(mode="after")
    def _watermarks_are_ordered(self) -> "PruneTable":
        if self.low_watermark_percent >= self.high_watermark_percent:
            raise ValueError("low_watermark_percent must be below high_watermark_percent")
        if self.idle_after_days != "never" and self.idle_after_days <= 0:
            raise ValueError('idle_after_days must be above 0, or "never"')
        return self


class RegistryTable(Table):
    """`[host.NAME.registry]`: a registry that is ours, and so can be a witness and take a moved tag."""

    access_log: UserPath = Field(description="JSON lines, as docs/lab.md describes them")
    push_layout: UserPath | None = Field(
        default=None, description="Folder through which controls publish images"
    )


class HostTable(Table):
    """`[host.NAME]`: one CI machine."""

    incus: IncusTable
    ssh: SshTable | None = None
    hub: HubTable
    prune: PruneTable = Field(default_factory=PruneTable)
    registry: RegistryTable | None = None
    recipes: tuple[UserPath, ...] = Field((), description="Folders here that hold recipes")
    default_recipe: str | None = Field(
        default=None, description="The recipe of an experiment that names none"
    )
    canary: str | None = Field(None, description="Image that the eviction control may remove")
    disposable: bool = False
    allow_reboot: bool = False


class Config(Table):
    """The whole file."""

    default_host: str | None = None
    host: dict[str, HostTable] = Field(min_length=1)

    def select(self, name: str | None) -> tuple[str, HostTable]:
        """The host called `name`, or the default one; raises `ConfigError` when that is none or several."""
        wanted = name or self.default_host or (next(iter(self.host)) if len(self.host) == 1 else None)
        known = ", ".join(sorted(self.host))
        if wanted is None:
            raise ConfigError(
                "Which host is meant?",
                details=f"The configuration knows {known}.",
                resolution="Name one with --host, or set default_host in ccci.toml.",
            )
        if wanted not in self.host:
            raise ConfigError(
                f"The configuration has no host called {wanted!r}.",
                details=f"It knows {known}.",
                resolution=f"Use one of these, or add a [host.{wanted}] table.",
            )
        return wanted, self.host[wanted]


def find(start: Path) -> Path | None:
    """The configuration file: `CCCI_CONFIG`, or the nearest `ccci.toml` in `start` or above it; or None."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return Path(named).expanduser()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def load(path: Path) -> Config:
    """The configuration in the file at `path`; raises `ConfigError` with every problem of it."""
    try:
        raw = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(
            f"There is no configuration file at {path}.",
            resolution=f"Create it from {EXAMPLE}, or unset {ENVIRONMENT_VARIABLE}.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read.", details=str(error)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{path} is not valid TOML.", details=str(error), resolution=f"Compare it with {EXAMPLE}."
        ) from None
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        problems = [f"{_place(item['loc'])}: {_message(item)}" for item in error.errors(include_url=False)]
        raise ConfigError(
            f"{path} has {len(problems)} problem{'s' if len(problems) > 1 else ''}.",
            details="\n".join(problems),
            resolution=f"Mend them; {EXAMPLE} explains every key.",
        ) from None


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the file"


def _message(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        return "unknown key"
    if item["type"] == "missing":
        return "missing"
    return str(item["msg"]).removeprefix("Value error, ")
