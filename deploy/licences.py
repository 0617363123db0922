"""Licences of what is shipped with Hashgauge.

python deploy/licences.py            writes deploy/licences.md: packages and their licences
python deploy/licences.py --check    compares it, and refuses licences that nobody has looked at
python deploy/licences.py --texts    every licence text of this environment, for the image
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).with_name("licences.md")
WEB: Final = Path(__file__).parents[1] / "query_api" / "web" / "package-lock.json"
OURS: Final = "hashgauge"

_HEAD: Final = """# Licences of what is shipped

The image holds Hashgauge (Apache-2.0) and these packages, unchanged; their licence texts are in the
image at `/opt/hashgauge/share/licences.txt`. Made by `python deploy/licences.py`.

psycopg is under the LGPL: it is imported, not changed, and may be replaced by `pip install` of
another version; its source is at https://github.com/psycopg/psycopg.

| package | licence |
|---|---|
"""
# What may be shipped beside Apache-2.0 without more than its text. Whatever else comes in is looked
# at by a person, who adds it here.
_KNOWN: Final = re.compile(
    r"MIT(-0|-CMU)?|BSD(-[23]-Clause)?( License)?|Apache(-| )?(License )?(2\.0|, Version 2\.0)?|"
    r"Apache Software License|MIT License|ISC( License)?|ISCL|PSF-2\.0|Python Software Foundation "
    r"License|0BSD|Zlib|CC0-1\.0|(The )?Unlicense|MPL-2\.0|Mozilla Public License 2\.0|MPL 2\.0|"
    r"LGPL-3\.0-only|GNU Lesser General Public License v3.*|GPL-3\.0-with-GCC-exception|"
    r"BSL-1\.0|bzip2-1\.0\.6|Dual License|3-Clause BSD License|new BSD License|Modified BSD"
)
_SPLIT: Final = re.compile(r"\s+(?:AND|OR|WITH)\s+|[();]|\s+and\s+|\s*,\s*")
_TEXTS: Final = re.compile(r"licen[cs]e|copying|notice|authors", re.I)
_REQUIRED: Final = re.compile(r"[A-Za-z0-9._-]+")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def shipped() -> Iterator[metadata.Distribution]:
    """Hashgauge's own dependencies with the extras of the image, and theirs."""
    from packaging.requirements import Requirement

    seen: set[str] = set()
    waiting = [Requirement(f"{OURS}[traces]")]
    while waiting:
        wanted = waiting.pop()
        name = canonical(wanted.name)
        if name in seen and not wanted.extras:
            continue
        seen.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform, or an extra that is not installed here
        if name != OURS:
            yield found
        for text in found.requires or ():
            need = Requirement(text)
            extras = ["", *wanted.extras]
            if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(need)


def licence_of(found: metadata.Distribution) -> str:
    about = found.metadata
    for expression in about.get_all("License-Expression") or ():
        return str(expression)
    classified = [
        text.rpartition(" :: ")[2]
        for text in about.get_all("Classifier") or ()
        if text.startswith("License :: ") and not text.endswith("OSI Approved")
    ]
    plain = [
        text.strip().splitlines()[0] for text in about.get_all("License") or () if text.strip()
    ]
    return "; ".join(classified or plain) or "unknown"


def of_the_page() -> dict[str, str]:
    """What the dashboard is bundled from."""
    packages = json.loads(WEB.read_text())["packages"]
    return {
        place.rpartition("node_modules/")[2]: about.get("license", "unknown")
        for place, about in packages.items()
        if place and not about.get("dev") and not about.get("optional")
    }


def page() -> str:
    rows = {canonical(found.metadata["Name"]): licence_of(found) for found in shipped()}
    rows |= {f"{name} (dashboard)": licence for name, licence in of_the_page().items()}
    lines = [f"| {name} | {licence} |\n" for name, licence in sorted(rows.items())]
    return _HEAD + "".join(lines)


def unknown(text: str) -> list[str]:
    """Lines of the page with a licence that nobody has looked at."""
    found = []
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| package"):
            licence = line.strip("| ").rpartition(" | ")[2]
            parts = [part.strip() for part in _SPLIT.split(licence) if part.strip()]
            if not parts or not all(_KNOWN.fullmatch(part) for part in parts):
                found.append(line)
    return found


def texts() -> Iterator[str]:
    for found in sorted(metadata.distributions(), key=lambda one: one.metadata["Name"].lower()):
        yield f"\n{'=' * 80}\n{found.metadata['Name']} {found.version}: {licence_of(found)}\n\n"
        for file in found.files or ():
            if "dist-info" in str(file) and _TEXTS.search(file.name):
                yield f"--- {file.name}\n{file.read_text(encoding='utf-8')}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--texts", action="store_true")
    asked = parser.parse_args()
    if asked.texts:
        sys.stdout.writelines(texts())
        return
    made = page()
    if bad := unknown(made):
        sys.exit("nobody has looked at these licences:\n" + "\n".join(bad))
    if not asked.check:
        PAGE.write_text(made)
    elif PAGE.read_text() != made:
        sys.exit(f"{PAGE.name} is old: run python deploy/licences.py")


if __name__ == "__main__":
    main()
