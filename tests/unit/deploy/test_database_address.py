"""One reading of DATABASE_URL for both drivers."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any
from urllib.parse import unquote

import pytest
from asyncpg.connect_utils import _parse_connect_dsn_and_args
from psycopg.conninfo import conninfo_to_dict

from deploy.settings.database_address import asyncpg_address, psycopg_address
from deploy.settings.overrides import SettingsError
from schemas.session import PINNED


@pytest.mark.parametrize(
    ("given", "asyncpg"),
    [
        (
            "postgresql://u:p%40x@db:5433/pool",
            "postgresql:///pool?user=u&password=p%40x&host=db&port=5433",
        ),
        (
            "postgresql://u@db/pool?connect_timeout=5&keepalives=1&keepalives_idle=30&sslmode=require",
            "postgresql:///pool?user=u&host=db&sslmode=require",
        ),
        (
            "postgresql://u@a:1,b:2/pool?target_session_attrs=read-write&gssencmode=disable",
            "postgresql:///pool?user=u&host=a%2Cb&port=1%2C2&target_session_attrs=read-write",
        ),
        (
            "postgresql:///pool?host=/run/postgresql&channel_binding=prefer&application_name=x",
            "postgresql:///pool?host=%2Frun%2Fpostgresql",
        ),
        ("postgres://db", "postgresql:///?host=db"),
        ("postgresql://u@db/pool?sslmode=&", "postgresql:///pool?user=u&host=db"),
    ],
)
def test_asyncpg_gets_what_it_knows(given: str, asyncpg: str) -> None:
    def parts(url: str) -> dict[str, str | int | None]:
        return dict(conninfo_to_dict(url))

    assert parts(asyncpg_address(given)) == parts(asyncpg)


@pytest.mark.parametrize(
    "parameter",
    [
        *("channel_binding=require", "gssencmode=require", "hostaddr=10.0.0.1"),
        *("require_auth=none", "service=pool", "sslrootcert=system", "replication=database"),
    ],
)
def test_what_asyncpg_cannot_honour_is_refused_by_name(parameter: str) -> None:
    with pytest.raises(SettingsError, match=f"does not know {parameter};"):
        asyncpg_address(f"postgresql://db/pool?{parameter}")


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://u:p@db:5433/pool",
        "postgresql://db",
        "postgresql:///pool?host=/run/postgresql",
        "postgresql://db/pool?options=-c%20work_mem%3D64MB&sslmode=require",
        "postgresql://db/pool?%6fptions=-c%20work_mem%3D64MB",
        "postgresql://u:p?x@db/pool",
        "postgresql://u:p#x@db/pool",
        "postgresql://u:p[x@db/pool",
        "postgresql://u:%2F%3A%40%25@[::1]:5433,b:1/a%20b%2Fc?sslmode=allow",
        "postgresql://u@%2Frun%2Fpostgresql/pool",
        "postgresql://@db/pool#x",
        "postgresql://",
    ],
)
def test_sessions_of_psycopg_start_with_the_pinned_settings(given: str) -> None:
    before, after = dict(conninfo_to_dict(given)), dict(conninfo_to_dict(psycopg_address(given)))
    options = str(after.pop("options"))
    own = before.pop("options", None)
    assert after == before
    for name in PINNED:
        assert f"-c {name}=" in options
    assert own is None or options.endswith(f" {own}")


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ("postgresql://u@db/pool", [("db", 5432)]),
        ("postgresql://u@db:/pool", [("db", 5432)]),
        ("postgresql://u@[::1]/pool", [("::1", 5432)]),
        ("postgresql://u@[fe80::2]:5433/pool", [("fe80::2", 5433)]),
        ("postgresql://u@/pool?host=::1&port=7", [("::1", 7)]),
        ("postgresql://u@[::1]:1,b:2/pool", [("::1", 1), ("b", 2)]),
        ("postgresql://u@a,[::1]/pool?port=7", [("a", 7), ("::1", 7)]),
        ("postgresql://u@a,b/pool", [("a", 5432), ("b", 5432)]),
        ("postgresql://u@a:1,b/pool", [("a", 1), ("b", 5432)]),
        ("postgresql://u@a,b:2/pool", [("a", 5432), ("b", 2)]),
        ("postgresql://u@db/pool?host=other", [("other", 5432)]),
        ("postgresql://u@%2Frun%2Fpg:1/pool", ["/run/pg/.s.PGSQL.1"]),
    ],
)
def test_asyncpg_connects_to_the_hosts_of_libpq(given: str, hosts: list[object]) -> None:
    assert read_by_asyncpg(given)[0] == hosts


@pytest.mark.parametrize("password", ["p?x", "p#x", "p[x]", "p%2Fx", "p%40%3A%25", "%F0%9F%94%91"])
def test_both_drivers_have_the_same_password(password: str) -> None:
    given = f"postgresql://u:{password}@db/pool"
    assert conninfo_to_dict(psycopg_address(given))["password"] == unquote(password)
    assert read_by_asyncpg(given)[1].password == unquote(password)


@pytest.mark.parametrize("address", [psycopg_address, asyncpg_address])
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("postgresql://db:port/pool", "port is no port"),
        ("postgresql://db:99999/pool", "99999 is no port"),
        ("postgresql://db:0/pool", "0 is no port"),
        ("postgresql://a,b,c/pool?port=1,2", "3 hosts and 2 ports"),
        ("postgresql://a/pool?host=a,", "a host of the list is empty"),
        ("postgresql://db/pool?sslmode=on", "sslmode=on is none of disable, allow"),
    ],
)
def test_what_would_fail_at_each_connection_is_refused_at_start(
    given: str, why: str, address: Callable[[str], str]
) -> None:
    with pytest.raises(SettingsError, match=f"^DATABASE_URL: {why}"):
        address(given)


def read_by_asyncpg(url: str) -> tuple[Any, Any]:
    """Hosts, and the other parameters, as its own parser has them."""
    missing = dict.fromkeys(signature(_parse_connect_dsn_and_args).parameters)
    found = _parse_connect_dsn_and_args(**{**missing, "dsn": asyncpg_address(url)})
    return found[0], found[1]
