"""Wrong passphrases cost more and more waiting, whatever the clock and the process do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wallet.errors import LocalFailure
from wallet.vault.throttle import FREE, LONGEST_S, Throttle

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wallet.tries"


def refused(path: Path, now: datetime) -> int:
    """The seconds that are left; the try is not counted."""
    kept = path.read_bytes()
    with pytest.raises(LocalFailure) as caught:
        Throttle(path).begin(now)
    assert caught.value.code == "passphrase_wait"
    assert path.read_bytes() == kept
    return int(caught.value.detail.split()[0])


def after_tries(path: Path, number: int, now: datetime = NOW) -> datetime:
    """Tries one after the other, each as early as it may be; when the last one was."""
    for tries in range(number):
        if tries >= FREE:
            now += timedelta(seconds=min(2 ** (tries - FREE), LONGEST_S))
        Throttle(path).begin(now)
    return now


def test_five_tries_are_free_then_each_doubles_the_delay(path: Path) -> None:
    now = after_tries(path, FREE)
    assert now == NOW
    for delay in (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300):
        almost = now + timedelta(seconds=delay) - timedelta(milliseconds=1)
        assert refused(path, now) >= delay
        assert refused(path, almost) == 1
        now += timedelta(seconds=delay)
        Throttle(path).begin(now)


def test_a_success_forgets_them(path: Path) -> None:
    now = after_tries(path, FREE + 3)
    Throttle(path).succeeded()
    assert not path.exists()
    after_tries(path, FREE, now)
    Throttle(path).succeeded()
    Throttle(path).succeeded()


@pytest.mark.parametrize("back", [timedelta(minutes=10), timedelta(hours=24), timedelta(days=9999)])
def test_a_clock_that_is_put_back(path: Path, back: timedelta) -> None:
    """It shortens nothing, and keeps nobody out for longer than the delay."""
    delay = 8
    earlier = after_tries(path, FREE + 3) - back
    for _ in range(3):  # asking again does not begin the waiting anew
        with pytest.raises(LocalFailure, match=rf"\({delay + 1} seconds\)"):
            Throttle(path).begin(earlier)
    assert refused(path, earlier + timedelta(seconds=delay - 1)) == 2
    Throttle(path).begin(earlier + timedelta(seconds=delay))


def test_a_clock_that_runs_ahead(path: Path) -> None:
    now = after_tries(path, FREE + 5)
    Throttle(path).begin(now + timedelta(days=1))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'{"tries": 9}',
        b'{"tries": -1, "last": "2026-01-02T03:04:05+00:00"}',
        b'{"tries": 9, "last": "2026-01-02T03:04:05"}',
        b'{"tries": "x", "last": "2026-01-02T03:04:05+00:00"}',
        b'{"tries": 1e999, "last": "2026-01-02T03:04:05+00:00"}',
        b"\xff",
    ],
)
def test_a_file_that_cannot_be_read_keeps_nobody_out(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    after_tries(path, FREE)
    assert refused(path, NOW) == 2


def test_a_number_of_tries_without_bounds(path: Path) -> None:
    path.write_bytes(b'{"tries": 99999999999, "last": "9999-12-31T23:59:59+00:00"}')
    with pytest.raises(LocalFailure, match=r"30[01] seconds"):
        Throttle(path).begin(NOW)
    Throttle(path).begin(NOW + timedelta(seconds=LONGEST_S))
