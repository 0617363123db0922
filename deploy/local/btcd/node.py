"""One btcd on a private chain (regtest or simnet), as a direct child; loopback only."""

from __future__ import annotations

import base64
import json
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from deploy.local.btcd.binary import btcd
from deploy.local.errors import LocalStackError
from deploy.local.process import end, free_port, spawn

START_TIMEOUT_S: Final = 30.0
_RPC_TIMEOUT_S: Final = 30.0

# What every node is started with. The cache of 10 MB makes it 38 MB large instead of 140.
# --rejectnonstd is what main nets do: without it regtest accepts dust and what is not final yet.
# --norelaypriority is left out: with it a transaction without any fee is accepted.
_FLAGS: Final = (
    *("--nolisten", "--nodnsseed", "--txindex", "--notls"),
    *("--rejectnonstd", "--utxocachemaxsize=10"),
)

Chain = Literal["regtest", "simnet"]

MINING_ADDRESS: Final[dict[Chain, str]] = {
    "regtest": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "simnet": "sb1qw508d6qejxtdg4y5r3zarvary0c5xw7krxe8se",
}
"""The example key of BIP 173, for blocks whose coins nobody needs."""


class BtcdNode:
    """A node to mine on, kill and start again; its address stays.

    On regtest btcd deletes its chain at every start: keep `raw_blocks()` and `submit()` them, or
    run simnet, which keeps its chain and (like regtest) forgets its mempool. Gone when the process
    that started it ends.
    """

    def __init__(
        self, data_dir: Path, *, mining_address: str = "", chain: Chain = "regtest"
    ) -> None:
        self._data = data_dir.absolute()
        self._chain: Chain = chain
        self.mining_address = mining_address or MINING_ADDRESS[chain]
        """Whom the next start mines for."""
        self._port = free_port()
        self._user, self._password = "hashgauge", secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def rpc_url(self) -> str:
        """As `BITCOIND_RPC_URL` takes it."""
        return f"http://{self._user}:{self._password}@127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    @property
    def log_path(self) -> Path:
        return self._data / "btcd.log"

    def start(self) -> None:
        """Start, and wait until it answers (0.1 to 0.3 s)."""
        if self.running:
            return
        self._data.mkdir(parents=True, exist_ok=True)
        program = [
            *(str(btcd()), f"--{self._chain}", *_FLAGS, f"--configfile={self._data}/none"),
            *(f"--datadir={self._data}/data", f"--logdir={self._data}/logs"),
            *(f"--rpclisten=127.0.0.1:{self._port}", f"--miningaddr={self.mining_address}"),
            *(f"--rpcuser={self._user}", f"--rpcpass={self._password}"),
        ]
        with self.log_path.open("ab") as log:
            self._process = spawn(program, log=log)
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Shut down cleanly; the mempool is lost all the same."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: simnet comes back without its newest blocks."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze: connections stay open and nothing answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def call(self, method: str, *params: Any) -> Any:
        """One RPC for whoever drives this node (mining, reorganising); amounts are Decimal.

        LocalStackError with the node's own text if it refuses.
        """
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}",
            json.dumps({"jsonrpc": "1.0", "id": 0, "method": method, "params": params}).encode(),
            {"Content-Type": "application/json", "Authorization": self._authorization()},
        )
        with urllib.request.urlopen(request, timeout=_RPC_TIMEOUT_S) as response:  # noqa: S310
            answer = json.load(response, parse_float=Decimal)
        if answer["error"]:
            raise LocalStackError(f"btcd {method}: {answer['error']['message']}")
        return answer["result"]

    def mine(self, count: int = 1) -> list[str]:
        """The hashes of `count` new blocks, which hold what the mempool held."""
        hashes: list[str] = self.call("generate", count)
        return hashes

    def raw_blocks(self) -> list[str]:
        """Every block from height 1 on, for `submit`."""
        height = self.call("getblockcount")
        return [
            self.call("getblock", self.call("getblockhash", n), 0) for n in range(1, height + 1)
        ]

    def submit(self, blocks: list[str]) -> None:
        """Blocks in the order of their heights; those it knows already do no harm."""
        for block in blocks:
            self.call("submitblock", block)

    def _authorization(self) -> str:
        return "Basic " + base64.b64encode(f"{self._user}:{self._password}".encode()).decode()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self.resume()
            end(self._process, number)
            self._process = None

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self.call("getblockcount")
            except (urllib.error.URLError, ConnectionError):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise LocalStackError(f"btcd did not start: see {self.log_path}") from None
                time.sleep(0.05)
            else:
                return
