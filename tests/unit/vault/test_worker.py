"""The vault's thread: nothing goes on behind the back of a caller who was cancelled."""

import asyncio
import threading

import pytest

from wallet.errors import LocalFailure
from wallet.vault.worker import Worker


async def test_a_cancelled_caller_waits_for_its_work() -> None:
    worker, started, go_on, over = Worker(), threading.Event(), threading.Event(), list[bool]()

    def work() -> None:
        started.set()
        go_on.wait()
        over.append(True)

    task = asyncio.create_task(worker.run(work))
    await asyncio.to_thread(started.wait)
    task.cancel()
    try:
        done, _ = await asyncio.wait([task], timeout=0.05)
        assert not done
    finally:
        go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert over == [True]
    worker.stop()


async def test_work_that_fails_for_any_reason() -> None:
    worker = Worker()

    def work() -> None:
        raise ValueError("sentinel")

    with pytest.raises(LocalFailure) as caught:
        await worker.run(work)
    worker.stop()
    assert caught.value.code == "internal"
    assert caught.value.__context__ is None
    assert "sentinel" not in str(caught.value)
