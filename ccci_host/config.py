"""`ccci.toml`: which hosts there are, how to reach them, what is allowed on them.

Validated whole: every problem of the file is in one message, an unknown key is a problem.
"""

import math
import os
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from ccci_host.agent.policy import keep_pattern
from ccci_host.errors import ConfigError

FILE_NAME = "ccci.toml"
ENVIRONMENT_VARIABLE = "CCCI_CONFIG"
EXAMPLE = "docs/ccci.example.toml"

_INSTANCE_NAME = "^[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
_HOST_NAME = "^[A-Za-z0-9_-]+$"


def _expanded(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str):
        return value
    if not value:
        raise ValueError("must not be empty")
    try:
        return (info.context or Path.cwd()) / Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{value}: there is no such user, or nobody knows his home") from None


def _on_the_host(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("must be an absolute path on the host")
    return value


def _days_or_never(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value == "never" or (is_number and 0 < value < math.inf):
        return value
    raise ValueError('must be a number of days above 0, or "never"')


UserPath = Annotated[Path, BeforeValidator(_expanded)]
"""A path on the machine that runs the suite: `~` is the user's home, a relative one starts at the file."""

HostPath = Annotated[str, AfterValidator(_on_the_host)]
"""An absolute path on the CI host."""

Word = Annotated[str, Field(min_length=1)]
Keep = Annotated[Word, AfterValidator(keep_pattern)]
Flag = Annotated[bool, Field(strict=True)]
Percent = Annotated[int, Field(strict=True, ge=1, le=99)]
DaysOrNever = Annotated[float | Literal["never"], BeforeValidator(_days_or_never)]


class Table(BaseModel):
    """A table of the file: frozen, strict about its keys, and with every problem of it in one error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[str]:  # noqa: ARG003 - for tables that have any
        """What is wrong with the table as a whole, whether or not its single values are right."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _judged_whole(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        problems: list[InitErrorDetails] = []
        table: Self | None = None
        try:
            table = handler(raw)
        except ValidationError as error:
            problems += [
                InitErrorDetails(
                    type=PydanticCustomError(item["type"], "{said}", {"said": item["msg"]}),
                    loc=item["loc"],
                    input=item["input"],
                )
                for item in error.errors(include_url=False)
            ]
        if isinstance(raw, Mapping):
            problems += [
                InitErrorDetails(
                    type=PydanticCustomError("contradiction", "{said}", {"said": said}), input=raw
                )
                for said in cls.contradictions(raw)
            ]
        if problems:
            raise ValidationError.from_exception_data(cls.__name__, problems)
        assert table is not None  # noqa: S101 - without problems the handler has returned it
        return table


class IncusTable(Table):
    """`[host.NAME.incus]`: the Incus server and the instance on it."""

    endpoint: Word = Field(description="A unix socket's absolute path, or https://HOST:8443")
    instance: str = Field(pattern=_INSTANCE_NAME, description="A name as Incus allows it")
    project: Word = "default"
    client_cert: UserPath | None = None
    client_key: UserPath | None = None
    server_cert: UserPath | None = None

    @property
    def over_https(self) -> bool:
        """Whether the server is reached over the network rather than through its unix socket."""
        return self.endpoint.startswith("https://")

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[str]:
        """An endpoint of neither kind, or an https:// one that pins nothing."""
        endpoint = raw.get("endpoint")
        if not isinstance(endpoint, str) or not endpoint:
            return
        missing = [name for name in ("client_cert", "client_key", "server_cert") if not raw.get(name)]
        if endpoint.startswith("https://"):
            if missing:
                yield f"an https:// endpoint also needs {', '.join(missing)}"
            if not _is_host_and_port(endpoint):
                yield "endpoint must be https://HOST:PORT, with nothing after it"
        elif not endpoint.startswith("/"):
            yield "endpoint must be https://HOST:PORT or the absolute path of a unix socket"


def _is_host_and_port(url: str) -> bool:
    """Whether `url` names a host and a port, and nothing more."""
    try:
        parts = urlsplit(url)
        return (
            bool(parts.hostname and parts.port)
            and url.rstrip("/").endswith(f":{parts.port}")
            and not parts.username
        )
    except ValueError:  # the port is no number, or none that there is
        return False


class SshTable(Table):
    """`[host.NAME.ssh]`: the faster way in. Without it, commands go through Incus."""

    address: Word | None = Field(
        default=None, description="When absent, the instance's own address as Incus knows it"
    )
    port: int = Field(default=22, strict=True, ge=1, le=65535)
    user: Literal["root"] = "root"
    key: UserPath


class PatTable(Table):
    """Where the PAT comes from: exactly one of a command, a file, an environment variable."""

    command: tuple[Word, ...] | None = Field(default=None, min_length=1)
    file: UserPath | None = None
    env: Word | None = None

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[str]:
        """No source, or several."""
        if sum(name in raw for name in cls.model_fields) != 1:
            yield "name exactly one source of the PAT: command, file or env"


class HubTable(Table):
    """`[host.NAME.hub]`: the Docker Hub account that pulls are made with."""

    account: Word
    pat: PatTable
    docker_config: HostPath = Field(
        default="/root/.docker/config.json", description="The deploying user's, on the host"
    )


class PruneTable(Table):
    """`[host.NAME.prune]`: the retention policy. See docs/prune-policy.md."""

    high_watermark_percent: Percent = 80
    low_watermark_percent: Percent = 70
    young_hours: float = Field(default=72, strict=True, gt=0, allow_inf_nan=False)
    idle_after_days: DaysOrNever = 30
    keep: tuple[Keep, ...] = ()
    recipe_roots: tuple[HostPath, ...] = ()
    timer: Word = Field(default="hourly", description="systemd calendar expression")

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[str]:
        """Watermarks in the wrong order."""
        low, high = (
            raw.get(name, cls.model_fields[name].default)
            for name in ("low_watermark_percent", "high_watermark_percent")
        )
        if isinstance(low, int) and isinstance(high, int) and low >= high:
            yield f"low_watermark_percent ({low}) must be below high_watermark_percent ({high})"


TAG_FIELDS = ("source", "target")
"""What the command that moves a tag may name in braces."""


class RegistryTable(Table):
    """`[host.NAME.registry]`: a registry that is ours, and so can be a witness and take a moved tag."""

    access_log: UserPath = Field(description="JSON lines, as docs/hub.md describes them")
    versions: tuple[Word, Word] | None = Field(
        default=None, description="Two images of one repository, between which a control moves a tag"
    )
    tag_command: Annotated[tuple[Word, ...], Field(min_length=1)] | None = Field(
        default=None, description="Run here: lets the tag {target} mean what the image {source} is"
    )

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[str]:
        """One of the two that make a tag move, braces that name nothing, and images of two repositories."""
        versions = raw.get("versions")
        if (versions is None) != (raw.get("tag_command") is None):
            yield "versions and tag_command move a tag together; give both or none"
        yield from _no_templates("tag_command", raw.get("tag_command"), TAG_FIELDS)
        names = [str(name).rpartition(":") for name in _lists(versions)]
        untagged = any(not colon or "/" in tag or "@" in repository for repository, colon, tag in names)
        if untagged or len({repository for repository, _, _ in names}) > 1:
            yield "versions must be two images of one repository, each with its tag"


FIELDS = ("recipe", "domain", "stack", "folder", "env_file")
"""What a command of a harness may name in braces."""

Commands = tuple[Annotated[tuple[Word, ...], Field(min_length=1)], ...]


class CommandTable(Table):
    """`[host.NAME.command]`: the deployer `command`, a harness that is not ours. See docs/recipes.md."""

    runs_on: Literal["host", "controller"] = "host"
    deploy: Annotated[Commands, Field(min_length=1)]
    wait: Commands = ()
    undeploy: Annotated[Commands, Field(min_length=1)]
    clean_up: Commands = Field(default=(), description="Run once the stack's containers are gone")
    environment: dict[Word, str] = Field(default={}, description="Beside the environment that is there")
    timeout_seconds: float = Field(default=600, strict=True, gt=0, allow_inf_nan=False)
    lend_login: Flag = Field(default=False, description="Add the login to requests that carry none")

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[str]:
        """Braces that name nothing, and a login that is to be lent where it does not lie."""
        for name in ("deploy", "wait", "undeploy", "clean_up"):
            words = [word for command in _lists(raw.get(name)) for word in _lists(command)]
            yield from _no_templates(name, words, FIELDS)
        if raw.get("lend_login") is True and raw.get("runs_on") == "controller":
            yield 'lend_login needs runs_on = "host": the login lies there'


def _no_templates(name: str, words: Any, fields: Sequence[str]) -> Iterator[str]:
    """What is wrong with `words` under the key `name`, which may name `fields` in braces and nothing else."""
    for word in filter(lambda word: isinstance(word, str), _lists(words)):
        try:
            named = {field for _, field, _, _ in string.Formatter().parse(word) if field is not None}
            unknown = sorted(named - set(fields))
            if not unknown:
                word.format_map(dict.fromkeys(fields, ""))
        except (ValueError, LookupError) as error:  # of a field within a field's format
            yield f"{name}: {word!r} is no template: {error}"
            continue
        for field in unknown:
            known = ", ".join(f"{{{each}}}" for each in fields)
            yield f"{name}: there is no {{{field}}}; known are {known}, and {{{{ means one brace"


def _lists(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


class HostTable(Table):
    """`[host.NAME]`: one CI machine."""

    incus: IncusTable
    ssh: SshTable | None = None
    hub: HubTable
    prune: PruneTable = Field(default_factory=PruneTable)
    registry: RegistryTable | None = None
    recipes: tuple[UserPath, ...] = Field(default=(), description="Folders here that hold recipes")
    default_recipe: Word | None = Field(
        default=None, description="The recipe of an experiment that names none"
    )
    deployer: Literal["stack", "command"] = Field(
        default="stack", description="What deploys where --deployer names none"
    )
    command: CommandTable | None = None
    canary: Word | None = Field(default=None, description="Image that the eviction control may remove")
    label: str | None = Field(default=None, min_length=1, description="What the evidence calls this host")
    disposable: Flag = False
    allow_reboot: Flag = False

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[str]:
        """A harness that is chosen and not described."""
        if raw.get("deployer") == "command" and raw.get("command") is None:
            yield 'deployer = "command" needs the table command, which says how it deploys'


class Config(Table):
    """The whole file."""

    default_host: str | None = None
    host: dict[Annotated[str, Field(pattern=_HOST_NAME)], HostTable] = Field(min_length=1)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[str]:
        """A default host that is not there."""
        wanted, hosts = raw.get("default_host"), raw.get("host")
        if isinstance(wanted, str) and isinstance(hosts, Mapping) and wanted not in hosts:
            yield f"default_host is {wanted!r}, and there is no [host.{wanted}]"

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


def at_home(word: str) -> Path:
    """The path that `word` means, `~` being somebody's home; as it stands where nobody knows whose."""
    return Path(os.path.expanduser(word))  # noqa: PTH111 - Path's own raises there


def find(start: Path) -> Path | None:
    """The configuration file: `CCCI_CONFIG`, or the nearest `ccci.toml` in `start` or above it; or None."""
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return at_home(named)
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
    except (ValueError, RecursionError) as error:  # a number of 5000 digits is no TOMLDecodeError
        raise ConfigError(
            f"{path} is not valid TOML.", details=str(error), resolution=f"Compare it with {EXAMPLE}."
        ) from None
    try:
        return Config.model_validate(raw, context=path.absolute().parent)
    except ValidationError as error:
        problems = [f"{_place(item['loc'])}: {_message(item)}" for item in error.errors(include_url=False)]
        raise ConfigError(
            f"{path} has {len(problems)} problem{'s' if len(problems) > 1 else ''}.",
            details="\n".join(problems),
            resolution=f"Mend them; {EXAMPLE} explains every key.",
        ) from None


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the file"


_MEANS = {
    "extra_forbidden": "unknown key",
    "missing": "missing",
    "tuple_type": "must be a list, in brackets",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "string_pattern_mismatch": "must be a name: letters, digits, hyphens; of an instance a letter first",
}
"""Pydantic's kinds of errors whose own words speak of Python."""


def _message(item: Any) -> str:
    return _MEANS.get(item["type"], str(item["msg"]).removeprefix("Value error, "))
