"""What the doctor says of settings alone."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from deploy.checks.doctor import Level, check_proxies, check_secrets
from deploy.settings.settings import Settings
from schemas.sealing import new_sealing_key


@pytest.mark.parametrize(
    ("trusted", "level"),
    [
        ("127.0.0.1", Level.OK),
        ("127.0.0.1,172.30.213.1", Level.OK),
        ("10.1.2.0/24, ::1", Level.OK),
        ("", Level.OK),
        ("unix:", Level.OK),
        ("*", Level.WARN),
        ("127.0.0.1,172.16.0.0/12", Level.WARN),
        ("10.0.0.0/8", Level.WARN),
        ("fd00::/64", Level.WARN),
        ("0.0.0.0/0", Level.WARN),
    ],
)
def test_who_may_name_clients_is_narrow(trusted: str, level: Level) -> None:
    assert check_proxies(trusted).level is level


def test_secrets_are_sealed_or_it_says_so() -> None:
    assert check_secrets(Settings()).level is Level.WARN
    sealed = Settings().model_copy(update={"sealing_keys": SecretStr(new_sealing_key())})
    assert check_secrets(sealed).level is Level.OK
