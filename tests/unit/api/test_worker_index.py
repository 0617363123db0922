"""Orders in numpy against a plain sort."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from query_api.worker_index.index import page_of

keys = st.lists(st.sampled_from([0.0, 1.0, 2.5, 7.0]) | st.floats(0, 100), max_size=40)


@given(keys, st.booleans(), st.integers(1, 12), st.integers(0, 45))
def test_a_page_is_the_slice_of_a_plain_sort(values, descending, limit, offset):
    plain = sorted(((key, i) for i, key in enumerate(values)), reverse=descending)
    page = page_of(np.array(values), descending=descending, limit=limit, offset=offset)
    assert page.tolist() == [i for _, i in plain[offset : offset + limit]]


@given(keys, st.booleans())
def test_pages_neither_overlap_nor_leave_gaps(values, descending):
    key = np.array(values)
    pages = [
        page_of(key, descending=descending, limit=7, offset=offset).tolist()
        for offset in range(0, len(values) + 7, 7)
    ]
    assert sorted(position for page in pages for position in page) == list(range(len(values)))
