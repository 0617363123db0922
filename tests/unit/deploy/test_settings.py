"""Settings: found in the rooms' configurations, read from the environment, refused in one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.settings.open_api import refuse_open_api
from deploy.settings.overrides import SettingsError, apply, as_text, documented, parse
from deploy.settings.sections import is_tuning
from deploy.settings.settings import all_settings, load
from deploy.wiring.aggregator import publisher_config
from query_api.config import ApiConfig, DatabaseConfig
from schemas.share import ShareResult


@dataclass(frozen=True, slots=True)
class Inner:
    # How long.
    span: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Outer:
    address: str
    # A reason
    # on two lines.
    count: int = 3
    names: tuple[str, ...] = ()
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("count is below 0")


def test_fields_are_read_by_their_names() -> None:
    changed = apply(
        "outer",
        Outer("x"),
        {
            "HASHGAUGE_OUTER__COUNT": "7",
            "HASHGAUGE_OUTER__NAMES": '["a", "b"]',
            "HASHGAUGE_OUTER__INNER__SPAN": "PT5M",
            "HASHGAUGE_OTHER__COUNT": "1",
        },
    )
    assert changed == Outer("x", 7, ("a", "b"), Inner(timedelta(minutes=5)))


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HASHGAUGE_OUTER__COUNT", "many", "HASHGAUGE_OUTER__COUNT: Input should be a valid int"),
        ("HASHGAUGE_OUTER__COUNT", "-1", "count is below 0"),
        ("HASHGAUGE_OUTER__NAMES", "[", "not valid JSON"),
    ],
)
def test_a_bad_value_is_named(variable: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        apply("outer", Outer("x"), {variable: value})


def test_the_reason_is_the_comment_above_the_field() -> None:
    settings = {setting.variable: setting for setting in documented("outer", Outer)}
    assert settings["HASHGAUGE_OUTER__COUNT"].reason == "A reason on two lines."
    assert settings["HASHGAUGE_OUTER__INNER__SPAN"].reason == "How long."
    assert "HASHGAUGE_OUTER__ADDRESS" not in settings, "it has no default: it is wired"


def test_every_setting_has_its_reason() -> None:
    assert [setting.variable for setting in all_settings() if not setting.reason] == []


def test_a_default_is_shown_as_it_may_be_written() -> None:
    kinds = {"duration, as P3D or PT15M": timedelta, "true | false": bool}
    kinds |= {"whole number": int, "number": float, "JSON object": dict[ShareResult, float]}
    shown = [
        setting
        for setting in all_settings()
        if setting.takes in kinds and setting.default is not None
    ]
    assert {setting.takes for setting in shown} == set(kinds)
    for setting in shown:
        text = as_text(setting.default)
        assert parse(setting.variable, text, kinds[setting.takes]) == setting.default


def test_choices_are_shown() -> None:
    takes = {setting.variable: setting.takes for setting in all_settings()}
    assert takes["HASHGAUGE_LOG_FORMAT"] == "auto | json | console"
    assert takes["HASHGAUGE_KAFKA_CA_FILE"] == "path"
    assert not [text for text in takes.values() if "Literal" in text or "[" in text]


def test_tuning_is_apart() -> None:
    assert is_tuning("HASHGAUGE_INTAKE__FLUSH_INTERVAL_S")
    assert not is_tuning("HASHGAUGE_RETENTION__KEEP_MINUTES")
    assert not is_tuning("DATABASE_URL")


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHGAUGE_TRACES_ENDPOINT", "")
    monkeypatch.setenv("HASHGAUGE_PORT", "")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "")
    monkeypatch.setenv("HASHGAUGE_API__ACCESS__KRATOS__URL", "")
    settings = load()
    assert (settings.traces_endpoint, settings.port, settings.kafka_bootstrap_servers) == (
        None,
        8080,
        None,
    )
    api = settings.configured("api", ApiConfig(DatabaseConfig(url="postgresql://x/y")))
    assert api.access.kratos.url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HASHGAUGE_PORT", "tcp://10.96.0.7:80"),
        ("HASHGAUGE_SERVICE_HOST", "10.96.0.7"),
        ("HASHGAUGE_SERVICE_PORT", "80"),
        ("HASHGAUGE_SERVICE_PORT_HTTP", "80"),
        ("HASHGAUGE_PORT_80_TCP", "tcp://10.96.0.7:80"),
        ("HASHGAUGE_PORT_80_TCP_ADDR", "10.96.0.7"),
        ("HASHGAUGE_RW_SERVICE_HOST", "10.96.0.9"),
        ("HASHGAUGE_RW_PORT", "tcp://10.96.0.9:5432"),
        ("HASHGAUGE_RW_PORT_5432_TCP_PROTO", "tcp"),
    ],
)
def test_links_of_kubernetes_are_no_settings(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert load().port == 8080


def test_a_port_that_is_no_link_is_still_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHGAUGE_RW_PORT", "5432")
    with pytest.raises(SettingsError, match="HASHGAUGE_RW_PORT is no setting"):
        load()


def test_an_address_of_another_kind_of_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "host=somewhere password=hidden")
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: it must begin with postgresql://$"):
        load()


def test_an_address_that_libpq_cannot_read_shows_no_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hid%den@[db/x")
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: libpq cannot read it; [^%]*$"):
        load()


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("DATABASE_URL", "it must begin with postgresql://"),
        ("HASHGAUGE_INTERNAL_API_KEY", "it is empty"),
        ("HASHGAUGE_TELEGRAM_TOKEN", "it is empty"),
    ],
)
def test_an_empty_secret_is_refused(
    variable: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "")
    with pytest.raises(SettingsError, match=f"^{variable}: {words}"):
        load()
    monkeypatch.delenv(variable)
    (tmp_path / variable.lower()).write_text("\n")
    monkeypatch.setenv("HASHGAUGE_SECRETS_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match=f"^{variable}: {words}"):
        load()


def test_a_secret_inside_a_room_may_be_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "HASHGAUGE_API__PEOPLE__INVITATIONS__SECRET"
    file = tmp_path / variable.lower()
    monkeypatch.setenv("HASHGAUGE_SECRETS_DIR", str(tmp_path))

    def secret() -> str | None:
        config = load().configured("api", ApiConfig(DatabaseConfig("postgresql://")))
        return config.people.invitations.secret

    assert secret() is None
    file.write_text("a secret\n")
    assert secret() == "a secret"
    monkeypatch.setenv(variable, "of the environment")
    assert secret() == "of the environment"
    file.write_text("\n")
    with pytest.raises(SettingsError, match=f"^{variable}: it is empty"):
        load()
    file.rename(tmp_path / "hashgauge_api__people__invitation__secret")
    with pytest.raises(SettingsError, match=r"PEOPLE__INVITATION__SECRET"):
        load()


def test_every_setting_has_one_name() -> None:
    variables = [setting.variable for setting in all_settings()]
    assert len(variables) == len(set(variables))
    assert "HASHGAUGE_INTAKE__FLUSH_INTERVAL_S" in variables


def test_a_setting_that_begins_like_a_wired_one_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHGAUGE_INTAKE__CLOCK_TOLERANCE_S", "3")
    load()
    monkeypatch.setenv("HASHGAUGE_INTAKE__CLOCK", "records")
    with pytest.raises(SettingsError, match="HASHGAUGE_INTAKE__CLOCK is no setting"):
        load()


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHGAUGE_INTAKE__FLUSH_INTERVALL_S", "1")
    with pytest.raises(SettingsError, match="did you mean HASHGAUGE_INTAKE__FLUSH_INTERVAL_S"):
        load()


def test_the_publisher_asks_for_silent_sources_as_the_leader_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HASHGAUGE_FIGURES__STATUS__RATE_SPAN_S", "900")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    assert publisher_config(load()).rate_span_s == 900


def test_without_a_key_nothing_starts_unless_a_person_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SettingsError, match="set HASHGAUGE_INTERNAL_API_KEY"):
        refuse_open_api(load())
    monkeypatch.setenv("HASHGAUGE_OPEN_ACCESS", "true")
    refuse_open_api(load())
    monkeypatch.setenv("HASHGAUGE_HOST", "0.0.0.0")
    with pytest.raises(SettingsError, match="reachable from outside"):
        refuse_open_api(load())


def test_a_key_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHGAUGE_INTERNAL_API_KEY", "k" * 31)
    with pytest.raises(SettingsError, match="fewer than 32 characters"):
        refuse_open_api(load())
    monkeypatch.setenv("HASHGAUGE_INTERNAL_API_KEY", "k" * 32)
    refuse_open_api(load())


def test_secrets_are_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "database_url").write_text("postgresql://file/x\n")
    (tmp_path / "hashgauge_internal_api_key").write_text("from-file")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("HASHGAUGE_SECRETS_DIR", str(tmp_path))
    settings = load()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://file/x"
    assert settings.internal_api_key is not None
    assert settings.internal_api_key.get_secret_value() == "from-file"


def test_the_environment_goes_before_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "database_url").write_text("postgresql://file/x")
    monkeypatch.setenv("HASHGAUGE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://environment/x")
    settings = load()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://environment/x"


def test_a_missing_folder_of_secrets_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHGAUGE_SECRETS_DIR", "/no/such/folder")
    with pytest.raises(SettingsError, match="HASHGAUGE_SECRETS_DIR=/no/such/folder is no folder"):
        load()
