"""Holds an answer against the document's sample: names, JSON types, formats and enums."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

FORMATS = {
    "uuid": (UUID, UUID),
    # The document's samples of payments show Go's name of the format in place of a time.
    "date-time in whole seconds": (re.compile(rf"{SECONDS.pattern}(07:00)?"), SECONDS),
    "date": (re.compile(r"\d{4}-\d\d-\d\d"),) * 2,
    "duration": (re.compile(r"P(T?\d+[DWHM])"),) * 2,
    "whole number in a string": (re.compile(r"\d+"),) * 2,
    "decimal with two digits": (re.compile(r"\d+\.00"), re.compile(r"\d+\.\d\d")),
    "decimal string": (re.compile(r"\d+\.\d+"), re.compile(r"\d+(\.\d+)?")),
    "64 hex digits": (re.compile(r"[0-9a-f]{64}"),) * 2,
    "watcher token": (re.compile(r"hfwl_[0-9a-f]{64}"),) * 2,
    "referrer code": (re.compile(r"hfrc_[A-Z0-9]{8}"),) * 2,
    "code of a Telegram invite": (re.compile(r"(?=.*\d)[A-Za-z0-9]{24}"),) * 2,
}
"""Name → what a sample of the format looks like, what an answer must look like. The first that
fits the sample counts."""

USER_STATUSES = {"active", "pending", "inactive"}
ROLES = {"owner", "admin", "viewer", "accountant", "treasurer"}
PAYMENTS = {
    "reward",
    "payout",
    "profit_sharing",
    "virtual_mining_transfer",
    "virtual_mining_reward",
    "transfer",
}
ENUMS = {
    ("status", "active"): USER_STATUSES,
    ("status", "pending"): USER_STATUSES,
    ("status", "stable"): {"stable", "unavailable", "off", "removed"},
    ("behavior", "hardware"): {"hardware", "boundary"},
    ("behavior", "boundary"): {"boundary"},
    ("type", "reward"): PAYMENTS,
    ("type", "profit_sharing"): {"profit_sharing", "referral"},
    ("type", "platform"): {"platform", "pool", "operator", "miner"},
    ("type", "miner"): {"platform", "pool", "operator", "miner"},
    ("currency", "BTC"): {"BTC"},
    ("language", "en"): {"en", "ru"},
    ("roles", "admin"): ROLES,
    ("roles", "owner"): ROLES,
    ("extra_permissions", "accountant"): {"accountant"},
}
"""The document's enums, by the name of the field and the value that its sample has."""


def differences(sample: Any, answer: Any, *, nullable: frozenset[str]) -> list[str]:
    """Each place where the answer is not as its sample, with the reason."""
    return list(_differences(sample, answer, "", "", nullable))


def _differences(
    sample: Any, answer: Any, path: str, name: str, nullable: frozenset[str]
) -> Iterator[str]:
    if answer is None and name in nullable:
        return
    if _kind(sample) != _kind(answer) and (_kind(sample), _kind(answer)) != ("number", "int"):
        yield f"{path}: {_kind(answer)} in place of {_kind(sample)}"
    elif isinstance(sample, dict):
        yield from _members(sample, answer, path, nullable)
    elif isinstance(sample, list):
        if not answer:
            yield f"{path}: an empty list shows nothing"
        for i, item in enumerate(answer):
            yield from _differences(sample[0], item, f"{path}[{i}]", name, nullable)
    elif isinstance(sample, str):
        yield from _text(sample, answer, path, name)


def _members(
    sample: dict[str, Any], answer: dict[str, Any], path: str, nullable: frozenset[str]
) -> Iterator[str]:
    if sample and all(UUID.fullmatch(key) for key in sample):
        first = next(iter(sample.values()))
        if not answer:
            yield f"{path}: an empty object shows nothing"
        for key, item in answer.items():
            if not UUID.fullmatch(key):
                yield f"{path}.{key}: is no uuid"
            yield from _differences(first, item, f"{path}.{key}", "", nullable)
        return
    for key, item in sample.items():
        if key not in answer:
            yield f"{path}.{key}: missing"
        else:
            yield from _differences(item, answer[key], f"{path}.{key}", key, nullable)


def _text(sample: str, answer: str, path: str, name: str) -> Iterator[str]:
    enum = ENUMS.get((name, sample))
    if enum is not None and answer not in enum:
        yield f"{path}: {answer!r} is none of {sorted(enum)}"
    for title, (of_sample, of_answer) in FORMATS.items():
        if of_sample.fullmatch(sample):
            if not of_answer.fullmatch(answer):
                yield f"{path}: {answer!r} is no {title}"
            return


def _kind(value: Any) -> str:
    kinds = {bool: "bool", int: "int", float: "number", str: "string", list: "list", dict: "object"}
    return kinds.get(type(value), "null")
