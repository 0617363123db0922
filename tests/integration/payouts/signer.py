"""The other machine: the only place with a key. A program of its own, with a library of its own.

python signer.py descriptor SEED_FILE      prints the public descriptor (makes the seed first)
python signer.py sign SEED_FILE < PSBT     prints the signed PSBT
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path

_PATH = "m/84h/1h/0h"


class Signer:
    """Runs this file as the separate program that it is."""

    def __init__(self, seed_file: Path) -> None:
        self._seed_file = seed_file

    @cached_property
    def descriptor(self) -> str:
        return self._run("descriptor", "")

    def sign(self, psbt: str) -> str:
        return self._run("sign", psbt)

    def _run(self, command: str, text: str) -> str:
        program = [sys.executable, __file__, command, str(self._seed_file)]
        answer = subprocess.run(program, input=text, capture_output=True, text=True, check=True)
        return answer.stdout.strip()


def _main(command: str, seed_file: Path) -> None:
    from embit import bip32, psbt
    from embit.networks import NETWORKS

    if not seed_file.exists():
        seed_file.write_bytes(os.urandom(32))
    root = bip32.HDKey.from_seed(seed_file.read_bytes(), version=NETWORKS["regtest"]["xprv"])
    if command == "descriptor":
        account = root.derive(_PATH).to_public()
        fingerprint = root.my_fingerprint.hex()
        print(f"wpkh([{fingerprint}/84h/1h/0h]{account.to_base58()}/<0;1>/*)")
        return
    found = psbt.PSBT.from_string(sys.stdin.read())
    if not found.sign_with(root):
        sys.exit("nothing in it is for this key")
    print(found.to_string())


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
