"""Names of other pools, made to fit ours."""

from __future__ import annotations

import hashlib

from schemas.share import WORKER_NAME_MAX


def fit_worker_name(worker: str) -> str:
    """Names above the limit stay apart: their first 55 characters and a digest of the whole."""
    if len(worker) <= WORKER_NAME_MAX:
        return worker
    digest = hashlib.blake2s(worker.encode(errors="replace"), digest_size=4).hexdigest()
    return f"{worker[: WORKER_NAME_MAX - 9]}~{digest}"
