"""Names in Arrow against plain Python: order, search, and what is read later."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from query_api.worker_index.names import NO_NAMES
from schemas.names.natural_order import natural_key
from schemas.names.search import search_key

letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
digits = st.text("ab0019", max_size=30)
text = st.text(st.sampled_from("aIiİıΣσςßK\u212a") | letters, max_size=6) | digits
workers = st.dictionaries(st.integers(1, 60), st.sampled_from(["rig", "Rig", "rig1", "é"]) | text)


def packed(rows):
    """As sql/worker_index.sql packs them: ids, lengths, texts, in the order of the rows."""
    texts = [name.encode() for name in rows.values()]
    ids = struct.pack(f">{len(rows)}i", *rows)
    lengths = struct.pack(f">{len(rows)}i", *map(len, texts))
    return ids, lengths, b"".join(texts)


def ids_of(rows):
    return np.array(sorted(rows), np.int32)


def read(names, known):
    """What the worker index does when these workers are in a snapshot."""
    after = names.last_before_unknown(ids_of(known))
    if after is None:
        return names
    return names.with_more(*packed({key: name for key, name in known.items() if key > after}))


@given(workers)
def test_ranks_are_places_in_a_plain_natural_sort(rows):
    names = read(NO_NAMES, rows)
    plain = sorted(rows, key=lambda key: (natural_key(rows[key]).encode(), rows[key].encode(), key))
    assert names.rank.tolist() == [plain.index(key) for key in sorted(rows)]


@given(workers, workers)
def test_names_read_in_two_parts_are_those_read_at_once(first, second):
    whole = second | first
    twice = read(read(NO_NAMES, first), whole)
    once = read(NO_NAMES, whole)
    assert twice.worker_id.tolist() == once.worker_id.tolist() == sorted(whole)
    assert twice.text.to_pylist() == once.text.to_pylist()
    assert twice.rank.tolist() == once.rank.tolist()
    some = ids_of(first)
    assert once.worker_id[once.places(some)].tolist() == some.tolist()


def test_a_part_is_found_in_any_case_and_is_no_pattern():
    rows = {1: "Rig-10", 2: "rig_2", 3: "ÄRGER", 4: "100%"}
    names = read(NO_NAMES, rows)
    found = {part: names.holding(part).tolist() for part in ("RIG", "%", "ärg", "_2", ".")}
    assert found == {
        "RIG": [True, True, False, False],
        "%": [False, False, False, True],
        "ärg": [False, False, True, False],
        "_2": [False, True, False, False],
        ".": [False, False, False, False],
    }


@given(workers, st.sampled_from(["ı", "İ", "ς", "Σ", "ß", "\u212a", "ǰ", "ﬁ"]) | text)
def test_a_search_is_that_of_short_lists(rows, part):
    names = read(NO_NAMES, rows)
    plain = [search_key(part) in search_key(rows[key]) for key in sorted(rows)]
    assert names.holding(part).tolist() == plain
