"""A real wallet and a simulated issuer, on sockets."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.holder import WillingHolder
from tests.support.simulator import Simulator, simulated_issuer
from tests.support.wallets import fresh_wallet
from wallet.app import Wallet


@pytest.fixture
def issuer() -> Iterator[Simulator]:
    with simulated_issuer() as simulator:
        yield simulator


@pytest.fixture
def holder() -> WillingHolder:
    return WillingHolder()


@pytest.fixture
async def wallet(tmp_path: Path, issuer: Simulator) -> AsyncIterator[Wallet]:
    async with fresh_wallet(tmp_path, issuer.authority.pem) as wallet:
        yield wallet
