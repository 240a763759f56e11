"""An app: a recipe with its domain and its environment, ready to be deployed."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ccci_host.errors import ConfigError, DeployError
from ccci_host.recipes.env_file import EnvFile, parse_env, parse_exports
from ccci_host.recipes.recipe import COMPOSE_FILE, Recipe

NAME_LIMIT = 64
"""Characters that Docker allows for the name of a secret or a config."""
STACK_LIMIT = 45
"""Characters that abra leaves of a domain for a stack's name (read)."""
TOP_LEVEL = "test"
"""RFC 6761 keeps it from ever being somebody's."""
OWN_NAME = re.compile(rf"ccci-[a-z0-9-]+_{TOP_LEVEL}")
"""The name of a stack under a domain of the suite's own, an experiment's or not: see `own_domain`."""


@dataclass(frozen=True, slots=True)
class App:
    """What a deployer needs to know."""

    recipe: Recipe
    domain: str
    stack: str
    env: Mapping[str, str]
    """The environment of the process that deploys: this, and nothing else."""
    compose_files: tuple[str, ...]
    """Paths below the recipe's folder, in their order of merging."""
    modifiers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the comments of the `.env` say of a secret, by the variable of its version."""
    sampled: bool = True
    """Whether the environment was made from `.env.sample`, not by an operator."""
    confined: bool = False
    """Whether its stack is to keep to names of its own: see `confined.check_confined`."""
    notes: tuple[str, ...] = ()
    """What a person might want to know of how it was read."""


def make_app(recipe: Recipe, domain: str | None = None, env_file: Path | None = None) -> App:
    """The app of `recipe` from `env_file`, or from its `.env.sample` and a domain of the suite's own.

    Raises `ConfigError` for an environment that cannot be read, `DeployError` for one that names compose
    files which the recipe lacks.
    """
    exports = parse_exports(recipe.file("abra.sh") or "")
    notes: tuple[str, ...] = ()
    if env_file is None:
        domain = domain or own_domain(recipe)
        sample = recipe.file(".env.sample")
        if sample is None:
            notes = ("It has no .env.sample: DOMAIN and STACK_NAME are all its environment.",)
        text = _with_domain(sample or "", recipe, domain)
        env = parse_env(text, fixed={"DOMAIN": domain, "STACK_NAME": stack_name(domain)}, name=".env.sample")
    else:
        env = _operators(env_file, domain)
        domain = env.values["DOMAIN"]
    # The maintainer decides on the versions of a recipe's configs: abra.sh has the last word (read: abra).
    # What is deployed under which name is not for a recipe to say.
    names = {name: env.values[name] for name in ("DOMAIN", "STACK_NAME")}
    values = {**env.values, **exports, **names}
    return App(
        recipe=recipe,
        domain=domain,
        stack=values["STACK_NAME"],
        env=values,
        compose_files=_compose_files(recipe, values.get("COMPOSE_FILE", "")),
        modifiers=env.modifiers,
        sampled=env_file is None,
        notes=(
            *notes,
            *(f"Left out, no assignment: {line} of the .env." for line in env.not_understood),
        ),
    )


def _with_domain(sample: str, recipe: Recipe, domain: str) -> str:
    """A sample with `domain` where it says `RECIPE.example.com`, as abra fills it in (read).

    To abra a recipe is called by its TYPE; here by its folder, which may be called otherwise.
    """
    said = parse_env(sample, fixed={}, name=".env.sample").values.get("TYPE", "")
    names = {recipe.name, said.partition(":")[0]} - {""}
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<![\w-])(?:{either})\.example\.com", lambda _: domain, sample)


def own_domain(recipe: Recipe, token: str = "") -> str:
    """A domain for an operator who gave none, `ccci-RECIPE.test`; with a token an experiment's.

    That is `ccci-RECIPE--TOKEN.test`, by which experiments know their own stacks (`OWN_STACK`). Either is as
    short as the longest secret or config name of the recipe asks for.
    """
    name = re.sub(r"[^a-z0-9]+", "-", recipe.name.lower()).strip("-") or "recipe"
    fixed = len(f"ccci-.{TOP_LEVEL}") + (len(token) + 2 if token else 0)
    room = max(4, min(STACK_LIMIT, NAME_LIMIT - _longest_suffix(recipe)) - fixed)
    if len(name) > room:
        name = f"{name[: max(1, room - 5)].strip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:4]}"
    return f"ccci-{name}--{token}.{TOP_LEVEL}" if token else f"ccci-{name}.{TOP_LEVEL}"


def stack_name(domain: str) -> str:
    """The stack's name as abra makes it: dots become underscores, 45 characters stay (read)."""
    return domain.replace(".", "_")[:STACK_LIMIT]


def _operators(env_file: Path, domain: str | None) -> EnvFile:
    try:
        text = env_file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The environment file {env_file} cannot be read.", details=str(error)) from None
    fixed = {"DOMAIN": domain, "STACK_NAME": stack_name(domain)} if domain else {}
    env = parse_env(text, fixed=fixed, name=str(env_file))
    if not env.values.get("DOMAIN"):
        raise ConfigError(
            f"{env_file} sets no DOMAIN.",
            resolution="Add a line DOMAIN=…, or name the domain when deploying.",
        )
    # Again, now that the name is known: lines before it may have referred to it.
    named = {"STACK_NAME": env.values.get("STACK_NAME") or stack_name(env.values["DOMAIN"])}
    return parse_env(text, fixed={**fixed, **named}, name=str(env_file))


def _compose_files(recipe: Recipe, setting: str) -> tuple[str, ...]:
    words = [word.strip() for word in setting.split(":")]
    if not words[0]:
        words[0] = COMPOSE_FILE  # `"$COMPOSE_FILE:more.yml"` where no earlier line set it
    files = tuple(dict.fromkeys(Path(word).as_posix() for word in words if word))
    outside = [name for name in files if Path(name).is_absolute() or ".." in Path(name).parts]
    missing = [name for name in files if not (recipe.folder / name).is_file()]
    wrong = outside or missing
    if wrong:
        raise DeployError(
            f"COMPOSE_FILE of {recipe.name} names what the recipe does not hold: {', '.join(wrong)}.",
            details=f"COMPOSE_FILE is {setting or COMPOSE_FILE!r}, the recipe is in {recipe.folder}.",
            resolution="Correct COMPOSE_FILE in the app's environment.",
        )
    return files


def _longest_suffix(recipe: Recipe) -> int:
    """The most characters that a name in the compose files adds behind the stack's name.

    An estimate for choosing a short domain; what counts in the end is what Docker renders.
    """
    longest = 0
    for file in sorted(path for path in recipe.folder.glob("**/*.yml") if path.is_file()):
        for suffix in re.findall(
            r"\$\{?STACK_NAME\}?(_(?:\$\{[^}]*\}|\$\w+|[\w.-])+)", recipe.file(str(file)) or ""
        ):
            plain = re.sub(r"\$\{?\w+(?::?-([^}]*))?\}?", lambda found: found[1] or "v10", suffix)
            longest = max(longest, len(plain))
    return longest
