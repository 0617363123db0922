"""Where the command `hashgauge` begins: Ctrl-C ends it quietly even while it is being loaded."""

from __future__ import annotations

import signal


def main() -> None:
    # Loading takes half a second; the default of Python would be a traceback out of it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from deploy.cli import app

    signal.signal(signal.SIGINT, signal.default_int_handler)
    app()


if __name__ == "__main__":
    main()
