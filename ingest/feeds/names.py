"""Names of other pools, made to fit ours: one rule for every feed.

What the pool itself accepted counts for some account. Names that fit stay as they are; the others
keep what fits, and a digest of the whole keeps them apart:

    bitcoincash:qr5x...     qr5x...             the prefix names the coin
    qr5x...+d1024           qr5x...             options of the log-in
    john-doe                john_doe_2b4f61a0
    me@example.org          me_example_org_91c3e0d7
    ab                      ab_5c0f3d12
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

from schemas.names.account_name import good_account_name, is_word_character
from schemas.share import ACCOUNT_NAME_MAX, WORKER_NAME_MAX

# What may be no word character: marks of letters, which are one, are among these.
_NO_WORD: Final = re.compile(r"\W")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DIGEST_CHARS: Final = 8

NO_WORKER: Final = "default"
"""Worker name of a log-in that is an account alone."""


def fit_account_name(account: str) -> str:
    """The account of a log-in, without the prefix of a coin and options after a plus."""
    name = unicodedata.normalize("NFC", account.rpartition(":")[2].partition("+")[0])
    if good_account_name(name):
        return name
    fitting = _NO_WORD.sub(_word_character, name)
    return f"{fitting[: ACCOUNT_NAME_MAX - _DIGEST_CHARS - 1]}_{_digest(name)}"


def fit_worker_name(worker: str) -> str:
    """The worker of a log-in; longer names keep their first 55 characters and a digest."""
    name = unicodedata.normalize("NFC", worker)
    fitting = _CONTROL.sub("_", name)
    if not name.strip():
        return NO_WORKER
    if fitting == name and len(name) <= WORKER_NAME_MAX:
        return name
    return f"{fitting[: WORKER_NAME_MAX - _DIGEST_CHARS - 1]}~{_digest(name)}"


def _word_character(found: re.Match[str]) -> str:
    return found[0] if found.start() and is_word_character(found[0]) else "_"


def _digest(name: str) -> str:
    data = name.encode(errors="surrogatepass")
    return hashlib.blake2s(data, digest_size=_DIGEST_CHARS // 2).hexdigest()
