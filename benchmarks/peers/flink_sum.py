"""Apache Flink: the sum of difficulty per account, worker, result and minute, in PostgreSQL."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.load.e2e_load import Servers
from deploy.local.cache import cached_folder
from deploy.local.maven import gather_jars, java

SOURCES: Final = Path(__file__).parent / "flink"
VERSION: Final = "Apache Flink 2.2"
TIMEOUT_S: Final = 300
# Where Flink's own start script opens Java to its serializers, as far as this job needs it.
_FLAGS: Final = (
    "-Xms1g",
    "-Xmx2g",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.time=ALL-UNNAMED",
)
_COMPILER: Final = "org.eclipse.jdt.internal.compiler.batch.Main"
_CREATE: Final = """
create table if not exists flink_sums (
    bucket timestamp, account_name text, worker_name text, result text, difficulty float8,
    primary key (bucket, account_name, worker_name, result)
)
"""


def program() -> Path:
    """The folder with Flink's jars and the compiled job, filled on first use (150 MB)."""
    return cached_folder("flink", [SOURCES / "pom.xml", SOURCES / "Sums.java"], _build)


def _build(folder: Path) -> None:
    gather_jars(SOURCES / "pom.xml", folder)
    compiler = [java(), "-cp", f"{folder}/*", _COMPILER, "-source", "17", "-target", "17"]
    source = str(SOURCES / "Sums.java")
    subprocess.run([*compiler, "-cp", _class_path(folder), "-d", str(folder), source], check=True)


def _class_path(folder: Path) -> str:
    return ":".join(map(str, [folder, *sorted(folder.glob("*.jar"))]))


def flink_seconds(servers: Servers, topic: str) -> float:
    """Sum the whole topic into the empty table `flink_sums`; the seconds from the first task at
    work to the end of the job, by when every row is committed."""
    folder = program()
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(_CREATE)
        connection.execute("truncate flink_sums")
        connection.execute("checkpoint")
    with TemporaryDirectory(prefix="flink-") as scratch:
        _configure(Path(scratch), servers, topic)
        logging = f"-Dlog4j2.configurationFile={SOURCES / 'log4j2.properties'}"
        command = [java(), *_FLAGS, logging, "-cp", _class_path(folder), "Sums", scratch]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, timeout=TIMEOUT_S, text=True, check=False
        )
    began_ms = re.search(r"^(\d+) .* switched from INITIALIZING to RUNNING", done.stdout, re.M)
    ended_ms = re.search(r"^(\d+) Job .* to FINISHED", done.stdout, re.M)
    if began_ms is None or ended_ms is None:
        raise RuntimeError(f"Flink did not finish: {done.stdout[-2_000:]}")
    return (int(ended_ms[1]) - int(began_ms[1])) / 1_000


def _configure(folder: Path, servers: Servers, topic: str) -> None:
    database = conninfo_to_dict(servers.database_url)
    values = {
        "folder": str(folder),
        "topic": topic,
        "bootstrap_servers": servers.bootstrap_servers,
        "address": f"{database['host']}:{database['port']}",
        "database": database["dbname"],
        "user": database["user"],
        "password": database["password"],
    }
    for name in ("config.yaml", "sums.sql"):
        (folder / name).write_text((SOURCES / name).read_text().format_map(values))
