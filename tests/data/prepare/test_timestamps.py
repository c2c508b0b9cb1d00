"""Timestamps in each way of writing become seconds; a value in another way is named by its line."""

import calendar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbole_pngnn.data.prepare.table import read_csv
from recbole_pngnn.data.prepare.timestamps import read_timestamps

HEADER = "userId,movieId,stars,when"
NEW_YEAR = calendar.timegm((2020, 1, 1, 0, 0, 0))


@pytest.fixture
def prepare_times(prepare_csv, written):
    """Prepare ratings with these timestamps: what happened, and the timestamps written."""

    def run(*times, words=()):
        rows = [f'u,i{place:02},{1 + place % 5},"{time}"' for place, time in enumerate(times)]
        done = prepare_csv("--timestamp", "when", *words, header=HEADER, rows=rows)
        return done, [row[3] for row in written().ratings] if done.status == 0 else None

    return run


@pytest.mark.parametrize(
    ("times", "expected", "note"),
    [
        (["2020-01-01", "1970-01-02"], [NEW_YEAR, 86400], "ISO dates, taken as UTC"),
        (["2020-01-01 00:00:07", "1969-12-31"], [NEW_YEAR + 7, -86400], "ISO dates, taken as UTC"),
        (["2020-01-01T00:00:00Z"] * 2, [NEW_YEAR] * 2, "ISO dates"),
        (
            ["2020-01-01T01:00:00+01:00", "2019-12-31T19:00:00.25-0500"],
            [NEW_YEAR, NEW_YEAR + 0.25],
            "ISO dates",
        ),
        (["20200101", "20191231"], [NEW_YEAR, NEW_YEAR - 86400], "dates written as digits"),
        (["20200101000001", "20200101000000"], [NEW_YEAR + 1, NEW_YEAR], "dates written as digits"),
        ([f"{NEW_YEAR}123", "0"], [NEW_YEAR + 0.123, 0], "milliseconds since 1970"),
        ([f"{NEW_YEAR}250000"] * 2, [NEW_YEAR + 0.25] * 2, "microseconds since 1970"),
        ([f"{NEW_YEAR}250000000"] * 2, [NEW_YEAR + 0.25] * 2, "nanoseconds since 1970"),
        ([f"{NEW_YEAR},5", "3"], [NEW_YEAR + 0.5, 3], None),
        (["1.5778368e9", f" {NEW_YEAR} "], [NEW_YEAR] * 2, None),
        (["3", "-1"], [3, -1], None),
        ([f"{NEW_YEAR}", "", "NULL"], [NEW_YEAR, None, None], "2 rows have no timestamp"),
    ],
)
def test_each_way_of_writing(prepare_times, times, expected, note):
    done, found = prepare_times(*times)
    assert done.status == 0, done.err
    assert [float(text) if text else None for text in found] == expected
    assert (note is None) == ("note:" not in done.out)
    assert note is None or note in done.out


def test_what_they_span_is_printed(prepare_times):
    assert "  timestamps from 2019-05-06 to 2020-01-01" in (
        prepare_times("2020-01-01", "2019-05-06", "2019-12-31")[0].out
    )


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["2020-01-01", "soon"], "line 3: when 'soon' is no timestamp; give seconds or millisec"),
        (["2020-02-30", "2020-02-01"], "line 2: when '2020-02-30' is no timestamp"),
        (["31.12.2020", "2020-02-01"], "line 2: when '31.12.2020' is no timestamp"),
        (["12", "inf"], "line 3: when 'inf' is no timestamp"),
        (["2020-01-01", "1577836800", "2020-01-02"], "line 3: when '1577836800' is a number, and"),
        (["1", "2", "2020-01-02"], "line 4: when '2020-01-02' is a date, and others are numbers"),
        (
            ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00", "2020-01-01T00:00:00Z"],
            "line 3: when '2020-01-01T00:00:00' is a date without a time zone, and others are with",
        ),
        (
            ["1577836800000", "1577836800", "1577836800001"],
            "line 3: when '1577836800' is not in milliseconds, as others are; use one unit",
        ),
        (["1", "9" * 20], "is no timestamp of this age in seconds, milli-, micro- or nanosec"),
        (["20200101", "20201301", "2020-01-01"], "line 4: when '2020-01-01' is a date, and other"),
        (["", "NaN"], "holds no timestamp in its column 'when'; leave the column out"),
    ],
)
def test_what_is_written_in_another_way_is_named(prepare_times, nothing_in, times, message):
    done, _ = prepare_times(*times)
    assert (done.status, message in done.err) == (2, True), done.err
    assert nothing_in("out")


MOMENTS = st.datetimes(min_value=pd.Timestamp(1975, 1, 1), max_value=pd.Timestamp(2100, 1, 1))


@settings(max_examples=40, deadline=None)
@given(st.lists(MOMENTS, min_size=1, max_size=6))
def test_all_ways_of_writing_a_moment_agree(moments):
    moments = [moment.replace(microsecond=moment.microsecond // 1000 * 1000) for moment in moments]
    milliseconds = [(moment - pd.Timestamp(0)) // pd.Timedelta(1, "ms") for moment in moments]
    columns = {
        "iso": [moment.isoformat() for moment in moments],
        "zone": [f"{moment.isoformat(' ')}Z" for moment in moments],
        "s": [f"{number / 1000!r}" for number in milliseconds],
        "ms": list(map(str, milliseconds)),
        "us": [f"{number}000" for number in milliseconds],
        "ns": [f"{number}000000" for number in milliseconds],
    }
    text = pd.DataFrame(columns).to_csv(index=False)
    table = read_csv("moments", text, columns, ",")
    expected = np.array(milliseconds) / 1000
    for column in columns:
        found = read_timestamps(table, column).seconds
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6, err_msg=column)
