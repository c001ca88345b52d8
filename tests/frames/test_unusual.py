"""What is unusual about the rows of a frame is what is unusual about the records."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from morosidad.frames.reading import read_frame
from morosidad.frames.records import records_of
from morosidad.frames.unusual import unusual_values
from morosidad.schema.schema import Schema

SEEN = pd.DataFrame({"n": [1.0, 5.0, 3.0], "k": [1, 2, 9], "t": ["a", "b", "a"], "v": [True, False, True]})
SCHEMA = Schema.infer(SEEN)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1.0, 5.0, 0.999, 5.001, np.nan, -1e9]),
            st.sampled_from([1.0, 9.0, 10.0, 0.0, np.nan]),
            st.sampled_from(["a", "b", "c", None]),
            st.sampled_from([True, False, None]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_a_frame_warns_as_its_records_do(cells: list[tuple[object, ...]]) -> None:
    frame = pd.DataFrame(cells, columns=["n", "k", "t", "v"]).astype({"t": object, "v": object})
    columns, bad = read_frame(SCHEMA, frame)
    kept = frame[~bad].reset_index(drop=True)
    found = unusual_values(SCHEMA, [column[~bad] for column in columns])
    for place, record in enumerate(records_of(SCHEMA, kept)):
        assert found.get(place, ()) == SCHEMA.read(record)[1]
