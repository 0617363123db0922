"""An address that cannot be listened on is one line, whatever the reason."""

from __future__ import annotations

import pytest

from deploy.commands.failures import explain
from deploy.process.listening import ListenError, listen


def listen_error(host: str, port: int) -> tuple[str, int] | None:
    with pytest.raises(ListenError) as caught:
        listen(host, port, port_from="--port")
    return explain(caught.value)


def test_a_taken_port_names_what_sets_it() -> None:
    with listen("127.0.0.1", 0, port_from="--port") as first:
        first.listen()
        port = first.getsockname()[1]
        line = f"port {port} on 127.0.0.1 is taken: choose another one with --port"
        assert listen_error("127.0.0.1", port) == (line, 1)


def test_an_address_of_another_machine_is_no_taken_port() -> None:
    line = "cannot listen on 203.0.113.5, port 1: Cannot assign requested address"
    assert listen_error("203.0.113.5", 1) == (line, 1)


def test_a_name_that_nobody_knows_is_one_line() -> None:
    found = listen_error("nobody.invalid", 1)
    assert found is not None
    assert found[0].startswith("cannot listen on nobody.invalid, port 1: ")
