"""A guarded client in an internet of the test."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import TlsAuthority
from tests.support.internet import Internet, internet
from wallet.net.connections import tls_context
from wallet.net.http import GuardedHttp
from wallet.trace import Trace


@pytest.fixture
def net() -> Iterator[Internet]:
    with internet() as world:
        yield world


@pytest.fixture
def authority(tmp_path: Path) -> TlsAuthority:
    return TlsAuthority(tmp_path)


@pytest.fixture
async def client(authority: TlsAuthority) -> AsyncIterator[Callable[..., GuardedHttp]]:
    """Makes clients that trust `authority`."""
    async with AsyncExitStack() as stack:

        def make(**options: Any) -> GuardedHttp:
            trust = options.pop("tls", None) or tls_context(authority.file)
            timeout_s = options.pop("timeout_s", 5.0)
            http = GuardedHttp(timeout_s, ("de", "en"), Trace(), tls=trust, **options)
            stack.push_async_callback(http.close)
            return http

        yield make
