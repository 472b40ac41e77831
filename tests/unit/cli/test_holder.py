"""What a person at a terminal can count on."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from wallet.cli.holder import interruptible


def asleep(thread: int) -> bool:
    """Whether a thread of this process waits for the system."""
    stat = Path(f"/proc/self/task/{thread}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "S"


@pytest.fixture
def endless() -> Callable[[], str]:
    """A read that nothing ends but a signal to the thread that reads."""
    source, _target = os.pipe()

    def read() -> str:
        reader = threading.get_native_id()

        def press_too_early() -> None:
            """As when it is pressed just before the read: Python knows, the system reads on."""
            while not asleep(reader):
                pass
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)

        threading.Thread(target=press_too_early).start()
        return os.read(source, 1).decode()

    return read


def test_ctrl_c_just_before_a_read_ends_it(endless: Callable[[], str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interruptible(endless)
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_what_was_read_comes_back_and_nothing_is_left() -> None:
    threads = threading.active_count()
    assert interruptible(lambda: "yes") == "yes"
    assert threading.active_count() == threads
