"""The peer's clock, and how long it asks to wait (RFC 9110, sections 5.6.7, 6.6.1 and 10.2.3)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from wallet.errors import LocalFailure
from wallet.policy import CLOCK_SKEW_S, WAIT_LIMIT_S
from wallet.ports import HttpResponse
from wallet.urls import without_query

_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"
_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII
)


def http_date(text: str) -> datetime | None:
    """The date of a header, in the one form that may be sent (IMF-fixdate); None if it is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    day, name, year, *time = found.groups()
    hour, minute, second = map(int, time)
    try:
        month = _MONTHS.index(name) // 3 + 1
        return datetime(int(year), month, int(day), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def time_at(response: HttpResponse, now: datetime) -> datetime:
    """The time by the clock of the peer that just made `response`; `now` where it does not say.

    For answers that no cache keeps: a cached one is older than its reading.

    Raises:
        LocalFailure: `clock_wrong` where the clocks differ by more than `CLOCK_SKEW_S`.
    """
    there = http_date(response.headers.get("date", ""))
    if there is None:
        return now
    ahead = now - there
    if abs(ahead) > timedelta(seconds=CLOCK_SKEW_S):
        behind = "ahead of" if ahead > timedelta() else "behind"
        by = timedelta(seconds=round(abs(ahead).total_seconds()))
        raise LocalFailure(
            "clock_wrong",
            f"this computer's clock is {by} {behind} the service's",
            url=without_query(response.url),
        )
    return there


def asked_to_wait(response: HttpResponse) -> timedelta | None:
    """How long the peer asks to wait, at most `WAIT_LIMIT_S`; None where it does not say."""
    value = response.headers.get("retry-after", "")
    limit = timedelta(seconds=WAIT_LIMIT_S)
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), limit)
    until, there = http_date(value), http_date(response.headers.get("date", ""))
    if until is None or there is None or until < there:
        return None
    return min(until - there, limit)
