"""What the time headers of an answer say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.answers import answer
from wallet.errors import LocalFailure, PeerRefused
from wallet.oauth.clock import asked_to_wait, http_date, time_at
from wallet.oauth.documents import refuse
from wallet.policy import CLOCK_SKEW_S, WAIT_LIMIT_S

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
NOW = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


def test_a_date() -> None:
    assert http_date(DATE) == NOW
    assert http_date("Sat, 29 Feb 2020 00:00:00 GMT") == datetime(2020, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", DATE.lower(), DATE + " ", f"{DATE}, {DATE}", DATE.replace("GMT", "+0000")),
        *("Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"),
        *("Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 2020 08:49:37 GMT"),
        *("Sun, 06 Xyz 1994 08:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT"),
        *("Sun, 06 Nov 1994 24:49:37 GMT", "Sun, ٠٦ Nov 1994 08:49:37 GMT"),
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert http_date(text) is None
    assert time_at(answer(date=text), NOW) == NOW


@pytest.mark.parametrize("seconds", [-CLOCK_SKEW_S, -1, 0, CLOCK_SKEW_S])
def test_the_peers_time_where_the_clocks_are_near(seconds: int) -> None:
    assert time_at(answer(date=DATE), NOW + timedelta(seconds=seconds)) == NOW


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (timedelta(seconds=-CLOCK_SKEW_S - 1), "clock is 0:10:01 behind the service's"),
        (timedelta(hours=24, microseconds=9), "clock is 1 day, 0:00:00 ahead of the service's"),
    ],
)
def test_clocks_that_are_far_apart(off: timedelta, words: str) -> None:
    with pytest.raises(LocalFailure) as caught:
        time_at(answer(date=DATE), NOW + off)
    assert caught.value.code == "clock_wrong"
    assert words in caught.value.detail
    assert caught.value.url == "https://peer.example/endpoint"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "120"}, 120),
        ({"retry_after": "0"}, 0),
        ({"retry_after": str(WAIT_LIMIT_S + 1)}, WAIT_LIMIT_S),
        ({"retry_after": "9" * 5_000}, WAIT_LIMIT_S),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "1.5"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "٣"}, None),
        ({"retry_after": "Sun, 06 Nov 1994 10:49:37 GMT", "date": DATE}, 7200),
        ({"retry_after": "Fri, 31 Dec 9999 23:59:59 GMT", "date": DATE}, WAIT_LIMIT_S),
        ({"retry_after": DATE, "date": "Sun, 06 Nov 1994 10:49:37 GMT"}, None),
        ({"retry_after": DATE}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: int | None) -> None:
    wait = asked_to_wait(answer(b"", 429, "", **headers))
    assert wait == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "; asks to wait 0:02:00"),
        ({"error": "slow_down", "error_description": "why"}, ": why; asks to wait 0:02:00"),
    ],
)
def test_a_busy_service(status: int, body: Any, detail: str) -> None:
    with pytest.raises(PeerRefused) as caught:
        refuse(answer(body, status, retry_after="120"), "token_refused")
    assert caught.value.code == "busy"
    assert caught.value.detail == f"HTTP {status}{detail}"
    assert caught.value.peer_error == ("slow_down" if body else "")
    with pytest.raises(PeerRefused) as caught:
        refuse(answer(b"", status), "token_refused")
    assert (caught.value.code, caught.value.detail) == ("busy", f"HTTP {status}")
