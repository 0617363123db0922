"""Names of other pools: every log-in that a pool accepts counts for some account, and one only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decode.validate import good_worker
from ingest.feeds.ckpool_lines import parse_line
from ingest.feeds.names import NO_WORKER, fit_account_name, fit_worker_name
from schemas.names.account_name import good_account_name

ADDRESS = "qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy"


@pytest.mark.parametrize(
    ("login", "account"),
    [
        (ADDRESS, ADDRESS),
        (f"bitcoincash:{ADDRESS}", ADDRESS),
        (f"bchtest:{ADDRESS}", ADDRESS),
        (f"{ADDRESS}+d1024", ADDRESS),
        ("harbor_1", "harbor_1"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_prefixes_and_options_are_no_part_of_the_account(login: str, account: str) -> None:
    assert fit_account_name(login) == account


@pytest.mark.parametrize("login", ["john-doe", "me@example.org", "a b", "a/b", "ab", "", "é" * 200])
def test_other_accounts_fit_and_stay_recognisable(login: str) -> None:
    account = fit_account_name(login)
    assert good_account_name(account)
    assert account.startswith(login[:2].replace(" ", "_").replace("/", "_"))


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_names_fit_and_different_ones_stay_apart(first: str, second: str) -> None:
    fitted = fit_account_name(first), fit_account_name(second)
    assert all(map(good_account_name, fitted))
    assert all(map(good_worker, (fit_worker_name(first), fit_worker_name(second))))
    if fitted[0] == fitted[1]:
        assert _bare(first) == _bare(second)


def _bare(login: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFC", login.rpartition(":")[2].partition("+")[0])


def test_workers_of_spaces_are_the_default_one() -> None:
    assert fit_worker_name("   ") == NO_WORKER
    assert fit_worker_name("") == NO_WORKER


def test_composed_and_decomposed_forms_are_one_worker() -> None:
    assert fit_worker_name("café") == fit_worker_name("cafe\u0301")


def test_a_ckpool_line_with_an_odd_login_is_a_share() -> None:
    line = (
        b'{"diff":1,"result":true,"createdate":"1790265931,0",'
        b'"workername":"bitcoincash:%s.rig","username":"bitcoincash:%s"}'
    )
    share = parse_line(line.replace(b"%s", ADDRESS.encode()), source="x")
    assert (share.account_name, share.worker_name) == (ADDRESS, "rig")
