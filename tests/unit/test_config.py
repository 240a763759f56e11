"""The configuration is judged whole, and its example is one that works."""

from pathlib import Path

import pytest

from ccci_host.config import EXAMPLE, Config, find, load
from ccci_host.errors import ConfigError

ROOT = Path(__file__).parents[2]

GOOD = """
[host.ci.incus]
endpoint = "/var/lib/incus/unix.socket"
instance = "ci"

[host.ci.hub]
account = "example"
pat = { env = "CCCI_PAT" }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "ccci.toml"
    path.write_text(text)
    return path


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text))
    return caught.value.details.splitlines()


def test_the_example_is_valid_and_shows_every_key_of_the_host_tables() -> None:
    table = load(ROOT / EXAMPLE).host["ci"]
    text = (ROOT / EXAMPLE).read_text()
    assert table.ssh is not None
    tables = (table, table.incus, table.ssh, table.hub, table.hub.pat, table.prune)
    keys = {name for each in tables for name in type(each).model_fields} - {
        "incus",
        "ssh",
        "hub",
        "pat",
        "prune",
    }
    assert {key for key in keys if key not in text} == set()


def test_the_example_prunes_by_the_defaults(tmp_path: Path) -> None:
    example = load(ROOT / EXAMPLE).host["ci"].prune
    default = load(written(tmp_path, GOOD)).host["ci"].prune
    assert example.model_copy(update={"keep": (), "recipe_roots": ()}) == default


def commented(name: str) -> str:
    """A table that the example has as a comment, as it is without its marks."""
    _, head, rest = (ROOT / EXAMPLE).read_text().partition(f"# [host.ci.{name}]")
    lines = [line.removeprefix("# ") for line in (head + rest.partition("\n\n")[0]).splitlines()]
    return "\n".join(lines)


def test_the_commented_registry_of_the_example_is_valid_too(tmp_path: Path) -> None:
    table = load(written(tmp_path, GOOD + commented("registry"))).host["ci"].registry
    assert table is not None
    assert table.tag_command == ("skopeo", "copy", "docker://{source}", "docker://{target}")


def test_the_commented_harness_of_the_example_is_valid_too(tmp_path: Path) -> None:
    table = load(written(tmp_path, GOOD + commented("command"))).host["ci"].command
    assert table is not None
    assert table.deploy[-1] == ("abra", "app", "deploy", "-n", "-C", "-c", "{domain}")
    assert {name for name in type(table).model_fields if f"{name} = " not in commented("command")} == set()


HARNESS = """
[host.ci.command]
deploy = [["h", "up", "{domain}", "{{braces}}"]]
undeploy = [["h", "down"]]
"""


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("docker://{sorce}", "there is no {sorce}; known are {source}, {target}, and {{ means one brace"),
        ("{{source}", "'{{source}' is no template"),
        ("{source:d}", "'{source:d}' is no template"),
    ],
)
def test_a_tag_command_that_cannot_be_filled_in_is_refused(word: str, problem: str, tmp_path: Path) -> None:
    """It is run at the end of an experiment, which was for nothing then."""
    registry = f"""
[host.ci.registry]
access_log = "/log"
versions = ["r.example/a:1", "r.example/a:2"]
tag_command = ["copy", "{word}", "{{target}}"]
"""
    [said] = problems(tmp_path, GOOD + registry)
    assert problem in said


@pytest.mark.parametrize(
    "versions",
    [
        ("r.example:5000/a", "r.example:5000/b"),
        ("r.example/a", "r.example/a"),
        ("r.example/a@sha256:1", "r.example/a@sha256:2"),
        ("r.example/a:1", "r.example/b:1"),
    ],
)
def test_a_tag_is_moved_within_a_repository_and_nowhere_else(
    versions: tuple[str, str], tmp_path: Path
) -> None:
    """Of a registry's port the control would make `r.example:ccci-control-ci`, a name at Docker Hub."""
    registry = f"""
[host.ci.registry]
access_log = "/log"
versions = {list(versions)}
tag_command = ["copy", "{{source}}", "{{target}}"]
"""
    [said] = problems(tmp_path, GOOD + registry)
    assert said.endswith("versions must be two images of one repository, each with its tag")


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "a = " + "[" * 20_000, "a = 2026-02-31", "["])
def test_whatever_is_no_toml_is_said_to_be_none(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not valid TOML"):
        load(written(tmp_path, text))


def test_the_home_of_nobody_is_a_problem_of_the_file(tmp_path: Path) -> None:
    more = 'recipes = ["~nobody-at-all/recipes"]\n'
    text = GOOD.replace("[host.ci.hub]", f"[host.ci]\n{more}[host.ci.hub]")
    [said] = problems(tmp_path, text)
    assert (
        said == "host.ci.recipes.0: ~nobody-at-all/recipes: there is no such user, or nobody knows his home"
    )


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (
            'wait = [["x", "{image}"]]',
            "host.ci.command: wait: there is no {image}; known are {recipe}, {domain}",
        ),
        ('wait = [["x", "{stack.__class__}"]]', "wait: there is no {stack.__class__}"),
        ('wait = [["x", "{"]]', "wait: '{' is no template"),
        ('wait = [["x", "{stack:{image}}"]]', "wait: '{stack:{image}}' is no template"),
        ("wait = [[]]", "host.ci.command.wait.0: "),
        ('runs_on = "controller"\nlend_login = true', 'lend_login needs runs_on = "host"'),
        ("timeout_seconds = 0", "host.ci.command.timeout_seconds: "),
    ],
)
def test_a_harness_that_cannot_be_run_is_refused(more: str, problem: str, tmp_path: Path) -> None:
    load(written(tmp_path, GOOD + HARNESS))
    [said] = problems(tmp_path, GOOD + HARNESS + more)
    assert problem in said


def test_a_harness_that_is_chosen_has_to_be_described(tmp_path: Path) -> None:
    chosen = '[host.ci]\ndeployer = "command"\n'
    assert "needs the table command" in problems(tmp_path, chosen + GOOD)[0]
    assert load(written(tmp_path, chosen + GOOD + HARNESS)).host["ci"].deployer == "command"


def test_every_problem_is_in_one_message(tmp_path: Path) -> None:
    seen = problems(
        tmp_path,
        """
        default_host = "other"
        [host.ci]
        disposible = true
        [host.ci.incus]
        endpoint = "https://incus.example.net:8443"
        instance = "not an instance name"
        client_cert = "client.crt"
        colour = "red"
        [host.ci.hub.pat]
        env = "A"
        file = "b"
        [host.ci.prune]
        low_watermark_percent = 90
        young_hours = -1
        recipe_roots = ["recipes"]
        """,
    )
    assert seen == [
        "host.ci.incus.instance: must be a name: letters, digits, hyphens; of an instance a letter first",
        "host.ci.incus.colour: unknown key",
        "host.ci.incus: an https:// endpoint also needs client_key, server_cert",
        "host.ci.hub.account: missing",
        "host.ci.hub.pat: name exactly one source of the PAT: command, file or env",
        "host.ci.prune.young_hours: Input should be greater than 0",
        "host.ci.prune.recipe_roots.0: must be an absolute path on the host",
        "host.ci.prune: low_watermark_percent (90) must be below high_watermark_percent (80)",
        "host.ci.disposible: unknown key",
        "the file: default_host is 'other', and there is no [host.other]",
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('endpoint = "incus.example.net"', "endpoint must be https://HOST:PORT or the absolute path"),
        (
            'endpoint = "http://incus.example.net:8443"',
            "endpoint must be https://HOST:PORT or the absolute path",
        ),
        (
            'endpoint = "https://h:8443/1.0"\nclient_cert="c"\nclient_key="k"\nserver_cert="s"',
            "nothing after it",
        ),
        *(
            (
                f'endpoint = "https://{rest}"\nclient_cert="c"\nclient_key="k"\nserver_cert="s"',
                "nothing after it",
            )
            for rest in ("h", "h:port", "h:99999", "h:8443?x=1", "h:8443#x", "me@h:8443", ":8443")
        ),
        ('endpoint = ""', "at least 1 character"),
        ("endpoint = 3", "valid string"),
    ],
)
def test_an_endpoint_is_of_one_of_two_kinds(tmp_path: Path, line: str, problem: str) -> None:
    text = GOOD.replace('endpoint = "/var/lib/incus/unix.socket"', line)
    assert len(seen := problems(tmp_path, text)) == 1
    assert problem in seen[0]


def test_an_endpoint_may_be_an_address_and_end_in_a_slash(tmp_path: Path) -> None:
    certificates = '\nclient_cert="c"\nclient_key="k"\nserver_cert="s"'
    for url in ("https://[::1]:8443", "https://192.0.2.1:443/", "https://incus.example.net:8443"):
        text = GOOD.replace('"/var/lib/incus/unix.socket"', f'"{url}"{certificates}')
        assert load(written(tmp_path, text)).host["ci"].incus.over_https


def test_what_is_of_the_wrong_kind_is_told_in_the_files_own_words(tmp_path: Path) -> None:
    seen = problems(
        tmp_path,
        """
        [host.ci]
        recipes = "~/recipes"
        [host.ci.incus]
        endpoint = "/var/lib/incus/unix.socket"
        instance = "ci"
        [host.ci.hub]
        account = "example"
        pat = "not-a-real-pat"
        [host.ci.prune]
        keep = ["nginx:*", "sha256:a97f*", "app@sha256:abc"]
        """,
    )

    whole = "a digest is whole (sha256: and 64 digits), and no pattern"
    assert seen == [
        "host.ci.hub.pat: must be a table",
        f"host.ci.prune.keep.1: has 'sha256:a97f*': {whole}",
        f"host.ci.prune.keep.2: has 'app@sha256:abc': {whole}",
        "host.ci.recipes: must be a list, in brackets",
    ]


@pytest.mark.parametrize(
    ("given", "path"), [("~/key", Path.home() / "key"), ("/key", Path("/key")), ("key", Path("HERE/key"))]
)
def test_a_path_starts_at_home_at_the_root_or_at_the_file(tmp_path: Path, given: str, path: Path) -> None:
    table = load(written(tmp_path, GOOD + f'[host.ci.ssh]\nkey = "{given}"')).host["ci"].ssh
    assert table is not None
    assert table.key == Path(str(path).replace("HERE", str(tmp_path)))


def test_an_empty_path_is_no_path(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD + '[host.ci.ssh]\nkey = ""') == ["host.ci.ssh.key: must not be empty"]


@pytest.mark.parametrize("value", ['"never"', "0.5", "400"])
def test_idle_after_days_may_be_never(tmp_path: Path, value: str) -> None:
    load(written(tmp_path, GOOD + f"[host.ci.prune]\nidle_after_days = {value}"))


@pytest.mark.parametrize("value", ['"soon"', "0", "-1", "true", "inf", "nan"])
def test_idle_after_days_is_no_other_word(tmp_path: Path, value: str) -> None:
    assert problems(tmp_path, GOOD + f"[host.ci.prune]\nidle_after_days = {value}") == [
        'host.ci.prune.idle_after_days: must be a number of days above 0, or "never"'
    ]


@pytest.mark.parametrize("line", ['disposable = "yes"', "disposable = 1", 'allow_reboot = "true"'])
def test_a_permission_is_given_by_true_alone(tmp_path: Path, line: str) -> None:
    assert len(problems(tmp_path, f"[host.ci]\n{line}\n{GOOD}")) == 1


def test_a_file_that_is_missing_malformed_or_unreadable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no configuration file at"):
        load(tmp_path / "ccci.toml")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        load(written(tmp_path, "[host"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "ccci.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "ccci.toml")


def test_no_host_at_all_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, "") == ["host: missing"]
    assert len(problems(tmp_path, "[host]")) == 1


def config(*names: str, default: str | None = None) -> Config:
    table = {"incus": {"endpoint": "/s", "instance": "i"}, "hub": {"account": "a", "pat": {"env": "P"}}}
    return Config.model_validate({"default_host": default, "host": dict.fromkeys(names, table)})


def test_a_host_is_chosen_by_name_by_default_or_because_there_is_but_one() -> None:
    assert config("a", "b").select("b")[0] == "b"
    assert config("a", "b", default="b").select(None)[0] == "b"
    assert config("a").select(None)[0] == "a"


def test_a_host_that_is_not_there_or_not_said_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no host called 'c'"):
        config("a", "b").select("c")
    with pytest.raises(ConfigError, match="Which host is meant"):
        config("a", "b").select(None)


def test_the_file_is_searched_upwards_unless_the_environment_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CCCI_CONFIG", raising=False)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find(below) is None
    path = written(tmp_path, GOOD)
    assert find(below) == path
    monkeypatch.setenv("CCCI_CONFIG", "~/elsewhere.toml")
    assert find(below) == Path.home() / "elsewhere.toml"
    monkeypatch.setenv("CCCI_CONFIG", "~nobody-at-all/ccci.toml")
    assert find(below) == Path("~nobody-at-all/ccci.toml"), "which `load` then says is not there"
