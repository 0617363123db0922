"""Settings: found in the rooms' configurations, read from the environment, refused in one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.access import refuse_open_api
from deploy.overrides import SettingsError, apply, as_text, documented, parse
from deploy.settings import all_settings, load
from deploy.wiring_aggregator import publisher_config
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
    kinds = {"timedelta": timedelta, "tuple[str, ...]": tuple[str, ...], "bool": bool}
    kinds |= {"int": int, "float": float, "dict[ShareResult, float]": dict[ShareResult, float]}
    shown = [setting for setting in all_settings() if setting.type_name in kinds]
    assert {setting.type_name for setting in shown} == set(kinds)
    for setting in shown:
        text = as_text(setting.default)
        assert parse(setting.variable, text, kinds[setting.type_name]) == setting.default


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


def test_off_loopback_a_key_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHGAUGE_HOST", "0.0.0.0")
    with pytest.raises(SettingsError, match="set HASHGAUGE_INTERNAL_API_KEY"):
        refuse_open_api(load())
    monkeypatch.setenv("HASHGAUGE_INTERNAL_API_KEY", "k")
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
