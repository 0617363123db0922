"""`DATABASE_URL`, read once for both drivers: psycopg (libpq) and asyncpg.

libpq knows more parameters than asyncpg, which hands whatever it does not know to the server as a
setting, where the connection fails. So the address is taken apart here, by libpq, and put together
anew: what asyncpg has is passed on, what only shapes a libpq connection is left out, and what would
change what people rely on (a required channel binding, a service file) is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from deploy.settings.overrides import SettingsError
from schemas.session import PINNED

_SAME: Final = frozenset(
    {
        "host",
        "port",
        "user",
        "password",
        "passfile",
        "sslmode",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslrootcert",
        "sslcrl",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
        "options",
    }
)
# They tune a libpq connection, or name it; the API has settings of its own for these.
_LEFT_OUT: Final = frozenset(
    {
        "application_name",
        "fallback_application_name",
        "client_encoding",
        "connect_timeout",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "tcp_user_timeout",
        "sslsni",
        "sslcompression",
    }
)
# Parameter → the values under which asyncpg does the same.
_HARMLESS: Final[Mapping[str, frozenset[str]]] = {
    "channel_binding": frozenset({"prefer", "disable"}),
    "gssencmode": frozenset({"prefer", "disable"}),
    "sslnegotiation": frozenset({"postgres"}),
    "load_balance_hosts": frozenset({"disable"}),
    "replication": frozenset({"false", "off", "0"}),
}

# libpq takes the system's own authorities; asyncpg would look for a file of that name.
_ONLY_LIBPQ: Final = frozenset({("sslrootcert", "system")})
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

# What `psycopg_address` adds, as it stands in a message about an address.
PINS_IN_AN_ADDRESS: Final = re.compile(r"/?[?&]options=-c%20timezone%3DUTC%20[\w%.\-~]*")


def psycopg_address(url: str) -> str:
    """`url` with the session settings that our statements rely on; those of its own go after."""
    found = _read(url)
    user, password = found.pop("user", ""), found.pop("password", "")
    who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    # Host and port are parameters: they may be lists, and folders of sockets.
    host = found.pop("host", "")
    base = f"postgresql://{who}@/" if who else "postgresql:///"
    database = quote(found.pop("dbname", ""), safe="")
    pins = " ".join(f"-c {name}={_escaped(value)}" for name, value in PINNED.items())
    own = found.pop("options", "")
    found = ({"host": host} if host else {}) | found
    found["options"] = f"{pins} {own}" if own else pins
    return f"{base}{database}?{urlencode(found, quote_via=quote, safe='')}"


def asyncpg_address(url: str) -> str:
    """The same server for asyncpg. SettingsError names a parameter that it cannot honour."""
    found = _read(url)
    database = found.pop("dbname", "")
    for name, value in list(found.items()):
        if name in _SAME and (name, value) not in _ONLY_LIBPQ:
            continue
        if name not in _LEFT_OUT and value not in _HARMLESS.get(name, frozenset()):
            raise SettingsError(
                f"DATABASE_URL: the API's driver does not know {name}={value}; leave it out"
            )
        del found[name]
    hosts = found.get("host", "").split(",")
    if hosts != [""]:
        found["host"] = ",".join(f"[{host}]" if _is_ipv6(host) else host for host in hosts)
    if "," in (ports := found.get("port", "")):
        found["port"] = ",".join(port or "5432" for port in ports.split(","))
    return f"postgresql:///{quote(database, safe='')}?{urlencode(found, quote_via=quote)}"


def _read(url: str) -> dict[str, str]:
    """Name → value as libpq has it, without what is empty. SettingsError for what libpq would
    refuse at each connection, and for lists that the drivers read in two ways."""
    found = {name: str(value) for name, value in conninfo_to_dict(url).items() if value}
    hosts, ports = found.get("host", "").split(","), found.get("port", "").split(",")
    if ports == [""] * len(ports):
        found.pop("port", None)
    for port in filter(None, ports):
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise SettingsError(f"DATABASE_URL: {port} is no port")
    if len(ports) not in (1, len(hosts)):
        raise SettingsError(f"DATABASE_URL: {len(hosts)} hosts and {len(ports)} ports")
    if len(hosts) > 1 and "" in hosts:
        raise SettingsError("DATABASE_URL: a host of the list is empty")
    mode = found.get("sslmode", "prefer")
    if mode not in _SSL_MODES:
        raise SettingsError(f"DATABASE_URL: sslmode={mode} is none of {', '.join(_SSL_MODES)}")
    return found


def _is_ipv6(host: str) -> bool:
    return ":" in host and not host.startswith("/")


def _escaped(value: str) -> str:
    """As libpq's `options` wants spaces and backslashes."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
