"""Arguments and options of `feed` and `import`, which read the same pool software."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

INCOMPLETE: Final = 3
"""Exit code: something was not read, or will not be counted; the summary says what."""

CkpoolDirectory = Annotated[
    Path,
    typer.Argument(
        help="ckpool's log directory, with its {height} folders (ckpool must run with -L)."
    ),
]

BtcpoolServers = Annotated[str, typer.Argument(help="host:port of the pool's own Kafka.")]
BtcpoolAccounts = Annotated[
    Path | None, typer.Option(help="JSON file that maps user ids to account names.")
]
BtcpoolShareTopic = Annotated[str, typer.Option(help="btcpool's topic of shares.")]
BtcpoolEventTopic = Annotated[str, typer.Option(help="btcpool's topic of worker names.")]
BTCPOOL_SHARES: Final = "BtcShare"
BTCPOOL_EVENTS: Final = "BtcCommonEvents"

MiningcorePool = Annotated[str, typer.Option(help="Only this pool id (default: all).")]
