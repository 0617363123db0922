"""The digest of a miner's workers: events become fields of a mail, fields become lines of text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from aggregator.notify.catalogue import Catalogue
from aggregator.notify.names import unlinked
from aggregator.notify.thresholds.message import last_of_thresholds, threshold_line
from schemas.messages.events import SOURCE_KINDS, Event
from schemas.worker import EventKind, WorkerStatus

# A digest names so many workers of a status and counts the others.
_NAMES_MAX: Final = 50


def digest_fields(title: str, events: Sequence[Event]) -> dict[str, Any]:
    """What the mail needs to know, in no language. A worker that changed more than once is listed
    with its last status."""
    sources = [
        {"kind": event.kind, "source": event.source, "workers": event.workers}
        for event in events
        if event.kind in SOURCE_KINDS
    ]
    last = {event.worker_name: event for event in events if event.to_status is not None}
    names: defaultdict[tuple[str, bool], list[str]] = defaultdict(list)
    for name, event in last.items():
        key = str(event.to_status), event.kind is EventKind.STILL_SILENT
        names[key].append(name or "")
    statuses = [
        {"status": status, "still": still, "count": len(found), "names": found[:_NAMES_MAX]}
        for (status, still), found in sorted(names.items())
    ]
    thresholds = [
        {"kind": event.kind, "fields": dict(event.fields or {})}
        for event in last_of_thresholds(events)
    ]
    return {
        "account_name": title,
        "sources": sources,
        "statuses": statuses,
        "thresholds": thresholds,
    }


def digest_lines(fields: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    """The lines of the mail; KeyError or ValueError for fields that are no digest."""
    for entry in fields["sources"]:
        back = entry["kind"] == EventKind.SOURCE_BACK
        text = catalogue.source_back if back else catalogue.source_silent
        yield text.format(source=unlinked(entry["source"] or "?"), workers=entry["workers"])
    for entry in fields.get("thresholds", ()):
        yield threshold_line(entry["kind"], entry["fields"], catalogue.thresholds, name=unlinked)
    for entry in fields["statuses"]:
        status = catalogue.statuses[WorkerStatus(entry["status"])]
        still = f"{catalogue.still} " if entry["still"] else ""
        names = [unlinked(name) for name in entry["names"]]
        rest = entry["count"] - len(names)
        more = f" {catalogue.more.format(count=rest)}" if rest else ""
        yield f"{still}{status}: {', '.join(names)}{more}"
