"""Settings: a wrong one must be refused with its place and cure, never guessed at."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from verifier import settings
from verifier.errors import InputError
from verifier.settings import PREFIX, Settings


def toml(folder: Path, text: str) -> Path:
    path = folder / "verifier.toml"
    path.write_text(text, "utf-8")
    return path


def from_environment(**values: str) -> Settings:
    return settings.load(None, {PREFIX + name.upper(): value for name, value in values.items()})


def refusal(environment: dict[str, str], config: Path | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        settings.load(config, environment)
    return caught.value


def test_nothing_said_means_the_defaults() -> None:
    """
    A newcomer sets nothing; other programs' variables are none of ours.
    """
    assert settings.load(None, {}) == Settings()
    assert settings.load(None, {"DEADLINE": "1", "VERIFIER": "x", "verifier_deadline": "1"}) == (
        Settings()
    )


def test_the_names_are_those_of_the_contract() -> None:
    """
    Cron lines and unit files out there use them.
    """
    assert {PREFIX + field.name.upper() for field in fields(Settings)} == set(
        "VERIFIER_WAYBACK_URL VERIFIER_IA_ACCESS_KEY VERIFIER_IA_SECRET_KEY VERIFIER_CANARIES "
        "VERIFIER_ALLOW_PRIVATE VERIFIER_CONTACT VERIFIER_PER_HOST VERIFIER_HOST_PAUSE "
        "VERIFIER_CONCURRENCY VERIFIER_DEADLINE VERIFIER_RETRY_PAUSE VERIFIER_SAVE_PAUSE "
        "VERIFIER_POLL_PAUSE VERIFIER_PRESERVE_BUDGET VERIFIER_COPY_DAYS "
        "VERIFIER_NOTIFY VERIFIER_PING_URL VERIFIER_PROCESSES "
        "VERIFIER_SITE_SQL VERIFIER_SITE_PATH".split()
    )


def test_each_setting_is_told_to_whoever_operates_it() -> None:
    """
    A setting that stands in no table is found by nobody.
    """
    manual = (Path(__file__).parents[1] / "docs/operating.md").read_text("utf-8")
    _, _, table = manual.partition("## Settings\n")

    for field in fields(Settings):
        assert f"| `{PREFIX}{field.name.upper()}`" in table.replace("`, `", "` | `"), field.name


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    """
    One run can differ without anybody editing the file.
    """
    path = toml(tmp_path, 'deadline = 20\nhost_pause = 2.5\ncontact = "a@a.example"')

    told = settings.load(path, {"VERIFIER_DEADLINE": "7.5"})

    assert (told.deadline, told.host_pause, told.contact) == (7.5, 2.5, "a@a.example")
    assert told.retry_pause == Settings().retry_pause


def test_values_mean_the_same_in_both_places(tmp_path: Path) -> None:
    """
    A list, a switch and a number are written as each place writes them.
    """
    path = toml(
        tmp_path,
        'canaries = ["https://a.example/", "http://b.example/x"]\n'
        'allow_private = true\nper_host = 3\nsave_pause = 0\nwayback_url = "https://w.example/"',
    )
    in_words = from_environment(
        canaries=" https://a.example/  http://b.example/x ",
        allow_private="1",
        per_host=" 3 ",
        save_pause="0",
        wayback_url=" https://w.example//\n",
    )

    assert settings.load(path, {}) == in_words
    assert in_words.canaries == ("https://a.example/", "http://b.example/x")
    assert in_words.wayback_url == "https://w.example"
    assert (in_words.save_pause, in_words.poll_pause) == (0.0, None)


def test_empty_canaries_switch_the_test_off() -> None:
    """
    A closed network has none; that is a choice, not an error.
    """
    assert from_environment(canaries="").canaries == ()
    assert from_environment().canaries == settings.CANARIES


@pytest.mark.parametrize(
    ("word", "allowed"),
    [
        *((word, True) for word in ("1", "true", "YES", "on")),
        *((word, False) for word in ("0", "False", "no", "off", "")),
    ],
)
def test_a_switch_knows_yes_and_no(word: str, *, allowed: bool) -> None:
    """
    "VERIFIER_ALLOW_PRIVATE=0" must not open the door.
    """
    assert from_environment(allow_private=word).allow_private is allowed


WRONG = [
    ("deadline", "0", "More than zero seconds"),
    ("deadline", "soon", "Zero or more"),
    ("deadline", "-1", "Zero or more"),
    ("host_pause", "nan", "Zero or more"),
    ("retry_pause", "inf", "Zero or more"),
    ("preserve_budget", "", "Zero or more"),
    ("per_host", "0", "From 1 to 10000"),
    ("per_host", "1.5", "From 1 to 10000"),
    ("concurrency", "many", "From 1 to 10000"),
    ("concurrency", "10001", "From 1 to 10000"),
    ("concurrency", "inf", "From 1 to 10000"),
    ("wayback_url", "web.archive.org", "https://"),
    ("wayback_url", "ftp://web.archive.org", "https://"),
    ("wayback_url", "https://", "https://"),
    ("wayback_url", "https://a b", "https://"),
    ("canaries", "https://a.example/ b.example", "https://"),
    ("allow_private", "maybe", "1 or 0"),
    ("contact", "J\u00fcrgen", "ASCII"),
    ("contact", "two\nlines", "ASCII"),
]


@pytest.mark.parametrize(("name", "value", "cure"), WRONG)
def test_a_value_that_makes_no_sense_is_refused_with_its_place_and_cure(
    name: str, value: str, cure: str
) -> None:
    """
    What is said must be obeyed or refused; the message alone must be enough to mend it.
    """
    error = refusal({PREFIX + name.upper(): value})

    assert error.place == PREFIX + name.upper()
    assert cure in error.cure
    assert error.exit_code == 2


@pytest.mark.parametrize(
    "line",
    [
        "deadline = true",
        "deadline = [60]",
        "per_host = 2026-11-22",
        "contact = 5",
        "canaries = 1",
        "canaries = [1]",
        'canaries = ["nonsense"]',
        "wayback_url = false",
        "allow_private = 2",
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_file_and_name(tmp_path: Path, line: str) -> None:
    """
    TOML has types; what can't be meant is not converted.
    """
    path = toml(tmp_path, line)
    error = refusal({}, path)

    assert error.place == f"{path}, {line.partition(' ')[0]}"
    assert error.cure


def test_a_name_with_a_slip_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    """
    A setting that is silently ignored is the worst kind of wrong.
    """
    error = refusal({}, toml(tmp_path, "dead_line = 5"))

    assert "'dead_line'" in error.problem
    assert error.cure == "Did you mean deadline?"
    assert "concurrency" in refusal({}, toml(tmp_path, "zzz = 5")).cure


@pytest.mark.parametrize("content", [b"deadline = ", b"\xff\xfe", b"deadline"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    """
    Half a file must not become half the settings.
    """
    path = tmp_path / "verifier.toml"
    path.write_bytes(content)

    assert "no TOML" in refusal({}, path).problem


def test_a_file_that_is_named_and_missing_is_refused(tmp_path: Path) -> None:
    """
    Who says --config means it.
    """
    error = refusal({}, tmp_path / "nowhere.toml")

    assert error.place.endswith("nowhere.toml")
    assert error.cure == "See --config"
    assert refusal({}, tmp_path).place == str(tmp_path)


@pytest.mark.parametrize("name", ["ia_access_key", "ia_secret_key"])
def test_keys_show_in_no_message(tmp_path: Path, name: str) -> None:
    """
    Messages end in logs, mails and bug reports.
    """
    error = refusal({PREFIX + name.upper(): "se\ncret"})
    in_file = refusal({}, toml(tmp_path, f'{name} = "gehe\u00efm"'))

    assert "se" not in error.problem.split()
    assert "cret" not in str(error)
    assert "gehe" not in str(in_file).replace(str(tmp_path), "")
    assert "hushed" not in repr(from_environment(**{name: "hushed"}))


@pytest.mark.parametrize("path", ["sources", "/sources", "/sources/", "sources/"])
def test_the_path_of_the_site_begins_and_ends_with_a_slash(path: str) -> None:
    """
    Web servers want it written this way and that; links are made of it.
    """
    assert from_environment(site_path=path).site_path == "/sources/"
    assert from_environment(site_path="").site_path == "/"


@pytest.mark.parametrize("path", ["/a//b", "/../x", "https://x.example/", "/a b/", '/"/', "/?x"])
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    """
    It stands in every link of every page.
    """
    assert "/sources/" in refusal({PREFIX + "SITE_PATH": path}).cure
