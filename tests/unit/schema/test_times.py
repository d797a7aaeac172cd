"""Times as tables write them."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookbook.schema.times import TimesError, days_since_1970

DAY = 18_522.0  # 2020-09-17
NOON = DAY + 0.5


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["2020-09-17", "2020-09-17T12:00:00Z"], [DAY, NOON]),
        (["2020-09-17T14:00:00+02:00", "2020-09-17 12:00:00 UTC"], [NOON, NOON]),
        (["2020-09-17 14:00:00 +0200", "2020-09-17T12:00"], [NOON, NOON]),
        (["20200917", "20200918"], [DAY, DAY + 1]),
        ([20200917, 20200918], [DAY, DAY + 1]),
        ([1600344000, 1600300800], [NOON, DAY]),
        (["1600344000000", "1600300800000"], [NOON, DAY]),
        ([1600344000.0 * 1e6], [NOON]),
        ([10.0, 11.5], [10.0, 11.5]),
        (["17.09.2020", "1.2.2020 12:00"], [DAY, 18_293.5]),
        (["09/17/2020", "09/18/2020"], [DAY, DAY + 1]),
        ([datetime.date(2020, 9, 17), datetime.datetime(2020, 9, 17, 12)], [DAY, NOON]),
    ],
)
def test_times_are_days_since_1970(cells, days):
    np.testing.assert_allclose(days_since_1970(cells), days, atol=1e-6)


def test_what_cannot_be_read_is_nan():
    days = days_since_1970(["2020-09-17", "soon", None, "N/A", "2020-13-45"])
    assert days[0] == DAY and np.isnan(days[1:]).all()


def test_days_and_months_that_cannot_be_told_apart_are_said():
    with pytest.raises(TimesError, match="'01/02/2020': days and months cannot be told apart"):
        days_since_1970(["01/02/2020", "03/04/2020"])


@given(st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2099, 1, 1)))
def test_every_way_of_writing_a_time_says_the_same(time):
    time = time.replace(microsecond=0, tzinfo=datetime.UTC)
    seconds = int(time.timestamp())
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    ways = [[time], [time.isoformat()], [time.astimezone(zone).isoformat()], [str(time)]]
    if seconds >= 1e8 and len(str(seconds)) != 8:
        ways += [[seconds], [str(seconds)], [seconds * 1000]]
    days = [days_since_1970(way)[0] for way in ways]
    np.testing.assert_allclose(days, seconds / 86_400, atol=1e-6)
