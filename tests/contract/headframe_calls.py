"""How each operation of the document is called: what its path and sample do not say already."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.contract.headframe_pool import TODAY


@dataclass(frozen=True, slots=True)
class Call:
    """`body` changes the members of the sample's body that name something; `{names}` are filled."""

    query: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    who: str = "owner"
    names: dict[str, str] = field(default_factory=dict)


SCHEDULE = {
    "schedule": [
        {"valid_from": str(TODAY + timedelta(days=days)), "fee": 0.02, "comment": "agreed"}
        for days in (30, 60)
    ]
}
REPORT = Call("from=2026-09-12&to=2026-09-13")
RIGS = "id={rig}&id={second_rig}"
MINERS = "id={miner_id}&id={miner_recipient_id}"
CHART = Call("period=PT15M")
CSV = Call(f"from={TODAY - timedelta(days=30)}T00:00:00Z&to={TODAY}T00:00:00Z")
ADDRESS = Call(body={"address": "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"})
MEMBER = Call(names={"user_id": "{member}"})
INVITED = Call(names={"user_id": "{invited}"})
SECOND_FACTOR = Call(names={"user_id": "{member}"}, body={"type": "totp"})


def of_person(name: str) -> Call:
    return Call(body={"email": f"{{{name}_email}}", "roles": ["viewer"]})


def invitation(to: str) -> Call:
    return Call(body={"email": f"new-at-{to}@example.com", "roles": ["viewer"]})


def new_miner(name: str, **more: Any) -> Call:
    return Call(body={"account_name": name, "email": f"{name}@example.com", **more})


CALLS = {
    6: Call(body={"token": "{watcher_token}"}),
    14: Call(body={"account_name": "registered"}),
    17: of_person("member"),
    18: invitation("alpha"),
    19: of_person("visitor"),
    21: CSV,
    31: REPORT,
    36: Call(f"period=PT15M&{RIGS}"),
    37: Call(RIGS),
    39: ADDRESS,
    41: ADDRESS,
    43: Call(body={"amount": 0.02}),
    51: Call(body=SCHEDULE),
    55: of_person("staff"),
    56: invitation("pool"),
    57: of_person("staff"),
    59: CSV,
    62: CHART,
    66: new_miner("under_pool"),
    69: MEMBER,
    70: MEMBER,
    71: MEMBER,
    72: MEMBER,
    74: SECOND_FACTOR,
    75: INVITED,
    76: INVITED,
    77: MEMBER,
    78: Call(f"period=PT1H&{MINERS}"),
    79: Call(MINERS),
    82: of_person("clerk"),
    83: invitation("operator"),
    84: of_person("clerk"),
    86: CSV,
    91: new_miner("under_operator"),
    94: CHART,
    97: Call(body=SCHEDULE),
    107: new_miner("recipient"),
    110: Call(body={"code": "{code}", "email": "{guest_email}"}, who="guest"),
    112: Call("email={owner_email}"),
    116: REPORT,
    118: Call(body=SCHEDULE),
    122: Call(
        body={"recipient_miner_id": "{miner_recipient_id}", "donor_miner_id": "{miner_donor_id}"}
    ),
    126: CHART,
}
"""The others need nothing more than their path and the sample's body."""

LAST = (28, 35, 7, 10, 47, 19, 57, 84, 73, 74, 70, 16, 125)
"""These end something that others ask for."""


def filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: filled(below, names) for key, below in value.items()}
    if isinstance(value, list):
        return [filled(below, names) for below in value]
    return value.format(**names) if isinstance(value, str) else value
