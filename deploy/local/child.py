"""Runs a program that ends when the one who started it ends, as an unprivileged user where asked.

A script of its own (`python child.py --signal INT [--uid N --gid N] -- program args...`) instead of
a `preexec_fn`: nothing runs between fork and exec of a process that may have threads. On Linux it
becomes the program (PR_SET_PDEATHSIG survives exec); elsewhere it stays beside it and watches its
standard input, which the starter holds open and the system closes at the starter's death.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import threading
from typing import NoReturn

PR_SET_PDEATHSIG = 1


def main() -> NoReturn:
    """Never returns: becomes the program, or exits with its code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signal", default="TERM", help="signal on the starter's death")
    parser.add_argument("--starter", type=int, required=True, help="process id of the starter")
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    on_death = signal.Signals[f"SIG{options.signal}"]
    if options.uid is not None:
        os.setgroups([])
        os.setgid(options.gid)
        os.setuid(options.uid)
    if sys.platform == "linux":
        # After setuid, which would clear it.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, on_death)
        if os.getppid() != options.starter:  # died before the line above
            sys.exit(1)
        os.execvp(options.program[0], options.program)  # noqa: S606
    _watch(options.program, on_death)


def _watch(program: list[str], on_death: signal.Signals) -> NoReturn:
    child = subprocess.Popen(program, stdin=subprocess.DEVNULL)  # noqa: S603 - no shell

    def end_with_starter() -> None:
        while os.read(0, 1):
            pass
        child.send_signal(on_death)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda received, _: child.send_signal(received))
    threading.Thread(target=end_with_starter, daemon=True).start()
    sys.exit(child.wait())


if __name__ == "__main__":
    main()
