"""Wrong passphrases at the door: counted before the work, by every process, also when killed."""

import json
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.disks import fill, small_disk
from tests.support.records import record
from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.vault import Vault, os_keyring, slots
from wallet.vault.recovery import new_code

PASSPHRASE = Secret("correct horse")
WRONG = Secret("a wrong horse")


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> list[object]:
        raise LocalFailure("keyring_unavailable")

    monkeypatch.setattr(os_keyring, "_backends", none)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import asyncio

    folder = tmp_path_factory.mktemp("made") / "vault"

    async def make() -> None:
        vault = await Vault.create(folder, PASSPHRASE, derivation_ms=0)
        await vault.add(record(0))
        await vault.close()

    asyncio.run(make())
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "vault"))


def tries(folder: Path) -> int:
    path = folder / "wallet.tries"
    return int(json.loads(path.read_bytes())["tries"]) if path.exists() else 0


def waited(folder: Path, number: int, seconds: int) -> None:
    """So many tries, the last of them so long ago."""
    last = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    (folder / "wallet.tries").write_text(json.dumps({"tries": number, "last": last}))


async def code_of(folder: Path, passphrase: Secret[str]) -> str:
    with pytest.raises(LocalFailure) as caught:
        await Vault.open(folder, passphrase)
    return caught.value.code


async def test_five_wrong_ones_then_waiting_which_a_right_one_ends(folder: Path) -> None:
    for number in range(1, 6):
        assert await code_of(folder, WRONG) == "passphrase_wrong"
        assert tries(folder) == number
    assert await code_of(folder, WRONG) == "passphrase_wait"
    assert await code_of(folder, PASSPHRASE) == "passphrase_wait"  # the right one waits too
    with pytest.raises(LocalFailure, match="recovery_wrong"):  # no slot: nothing to guess at
        await Vault.open(folder, recovery_code=new_code())
    waited(folder, 5, 1)
    await (await Vault.open(folder, PASSPHRASE)).close()
    assert tries(folder) == 0
    assert await code_of(folder, WRONG) == "passphrase_wrong"


def test_another_process_counts_on(folder: Path) -> None:
    waited(folder, 12, 60)
    script = f"""
import asyncio
from pathlib import Path
from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.vault import Vault
async def main():
    try:
        await Vault.open(Path({str(folder)!r}), Secret({PASSPHRASE.reveal()!r}))
    except LocalFailure as failure:
        print(failure.code, failure.detail)
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    code, seconds, _ = done.stdout.split()
    assert code == "passphrase_wait"
    assert 50 <= int(seconds) <= 68
    assert tries(folder) == 12


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from wallet.records import Secret
from wallet.vault import Vault, slots
slots._argon2id = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(Vault.open(Path(sys.argv[1]), Secret("a wrong horse")))
"""


def test_a_try_that_is_killed_during_the_derivation_counts(folder: Path) -> None:
    for number in (1, 2):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(folder)], capture_output=True, check=False
        )
        assert done.returncode == -signal.SIGKILL
        assert tries(folder) == number


async def test_nothing_is_derived_while_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited(folder, 9, 0)
    monkeypatch.setattr(slots, "_argon2id", None)
    assert await code_of(folder, PASSPHRASE) == "passphrase_wait"
    assert await code_of(folder, WRONG) == "passphrase_wait"


async def test_a_recovery_code_is_counted_too(folder: Path) -> None:
    """With the passphrase's tries; a slip of the pen is noticed before, and costs none."""
    vault = await Vault.open(folder, PASSPHRASE)
    code = await vault.new_recovery_code(derivation_ms=0)
    await vault.close()
    other = new_code()
    with pytest.raises(LocalFailure, match="recovery_wrong"):
        await Vault.open(folder, recovery_code=other)
    assert tries(folder) == 1
    waited(folder, 5, 0)
    with pytest.raises(LocalFailure, match="passphrase_wait"):
        await Vault.open(folder, recovery_code=code)
    waited(folder, 5, 1)
    await (await Vault.open(folder, recovery_code=code)).close()
    assert tries(folder) == 0


async def test_a_full_disk_keeps_nobody_out(folder: Path, tmp_path: Path) -> None:
    """The try needs a block to be counted: the ballast gives it, so that something can go."""
    with small_disk(tmp_path / "small", "600k") as disk:
        full = Path(shutil.copytree(folder, disk / "vault"))
        fill(disk)
        assert await code_of(full, WRONG) == "passphrase_wrong"
        assert tries(full) == 1
        vault = await Vault.open(full, PASSPHRASE)
        await vault.remove("credential-0")
        assert await vault.all() == ()
        await vault.close()
