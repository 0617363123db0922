"""Secrets at rest: sealed with the first key, opened with any, never shown by an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sealing import SEALED, Seal, SealedError, new_sealing_key

OLD, NEW = new_sealing_key(), new_sealing_key()
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(text)
def test_what_was_sealed_is_opened(secret: str) -> None:
    stored = Seal((NEW,)).seal(secret)
    assert stored.startswith(SEALED)
    assert len(secret) < 8 or secret not in stored
    assert Seal((NEW,)).open(stored) == secret


def test_keys_are_changed_one_after_another() -> None:
    stored = Seal((OLD,)).seal("whsec_x")
    both = Seal((NEW, OLD))
    assert both.open(stored) == "whsec_x"
    with pytest.raises(SealedError):
        Seal((NEW,)).open(stored)
    assert Seal((NEW,)).open(both.seal(both.open(stored))) == "whsec_x"


def test_what_was_stored_before_there_were_keys_is_read() -> None:
    assert Seal().seal("whsec_x") == "whsec_x"
    assert Seal((NEW,)).open("whsec_x") == "whsec_x"


@pytest.mark.parametrize("stored", [SEALED, SEALED + "x", SEALED + "gAAAA", SEALED + "ä"])
def test_what_is_damaged_is_refused(stored: str) -> None:
    for seal in (Seal(), Seal((NEW,))):
        with pytest.raises(SealedError):
            seal.open(stored)


@pytest.mark.parametrize(
    "key", ["x", "", "ä" * 44, NEW[:-4]], ids=["short", "none", "letters", "cut"]
)
def test_no_key_is_shown_by_what_refuses_it(key: str) -> None:
    with pytest.raises(ValueError, match="32 bytes") as refused:
        Seal((key,))
    assert key == "" or key not in str(refused.value)
