"""The vault's process: the same vault, in a process of its own that nothing outlives or enters."""

import asyncio
import inspect
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.processes import vaults, wait_for_end
from tests.support.records import record
from wallet.errors import LocalFailure
from wallet.records import Flow, Protection, Secret
from wallet.vault import Vault, VaultProcess, client
from wallet.vault.wire import METHODS

PASSPHRASE = Secret("sentinel passphrase")
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[VaultProcess]:
    one = await VaultProcess.create(tmp_path / "vault", PASSPHRASE, derivation_ms=1)
    yield one
    await one.close()


def process_of(vault: VaultProcess) -> int:
    [pid] = vaults()
    return pid


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


# The same as in this process.


def public(kind: type) -> dict[str, object]:
    return {
        name: inspect.signature(member)
        for name, member in inspect.getmembers(kind, callable)
        if not name.startswith("_")
    }


def test_it_has_the_methods_of_the_vault() -> None:
    inside, outside = public(Vault), public(VaultProcess)
    # Only in the process: filling a vault that is being restored, and the clock.
    assert set(inside) - {"fill", "open"} <= set(outside)
    assert set(outside) - set(inside) == {"ask", "ended", "keyring_usable", "restore"}
    same = set(inside) - {"fill", "open"}
    assert {name: outside[name] for name in same} == {name: inside[name] for name in same}
    # A restoration crosses in two halves: the present vault is closed between them. Records cross
    # as their documents.
    halves = {"prepare", "put_in_place"}
    assert set(METHODS) - halves == set(outside) - {"ask", "ended", "door", "restore", "all"}


async def test_it_keeps_what_it_is_given(vault: VaultProcess, tmp_path: Path) -> None:
    key = await vault.create_key("ES256")
    flow = Flow("flow", (key.key_id,), {"stage": "asking", "n": [1, None, {"a": "b"}]})
    await vault.save(flow)
    assert await vault.flows() == (flow,)
    await vault.keep(record(1, key.key_id), flow)
    await vault.end("flow")
    assert await vault.flows() == ()
    assert await vault.all() == (record(1, key.key_id),)
    assert len(await vault.sign(key.key_id, b"message")) == 64
    assert await vault.protection() == Protection(
        passphrase=True, keyring=False, recovery=False, recovery_confirmed=False
    )
    code = await vault.new_recovery_code(derivation_ms=1)
    await vault.confirm_recovery(code)
    await vault.close()
    again = await VaultProcess.open(tmp_path / "vault", recovery_code=code)
    assert await again.get("credential-1") == record(1, key.key_id)
    await again.remove("credential-1")
    await again.close()


async def test_its_errors_are_the_vaults_own(vault: VaultProcess, tmp_path: Path) -> None:
    with pytest.raises(LocalFailure) as caught:
        await vault.get("credential-7")
    assert (caught.value.code, caught.value.detail) == ("credential_not_found", "credential-7")
    with pytest.raises(LocalFailure, match="store_in_use"):
        await VaultProcess.open(tmp_path / "vault", PASSPHRASE)
    await vault.close()
    with pytest.raises(LocalFailure, match="passphrase_wrong"):
        await VaultProcess.open(tmp_path / "vault", Secret("another passphrase"))
    with pytest.raises(LocalFailure, match="passphrase_needed"):
        await VaultProcess.open(tmp_path / "vault")
    assert vaults() == []


async def test_a_closed_one_says_so(vault: VaultProcess) -> None:
    await vault.close()
    await vault.close()
    with pytest.raises(LocalFailure, match="store_locked"):
        await vault.all()


async def test_many_at_once(vault: VaultProcess) -> None:
    await asyncio.gather(*(vault.add(record(number)) for number in range(30)))
    found = await asyncio.gather(*(vault.get(f"credential-{number}") for number in range(30)))
    assert list(found) == [record(number) for number in range(30)]


async def test_a_backup_goes_through_it(vault: VaultProcess, tmp_path: Path) -> None:
    await vault.add(record(1))
    secret = Secret("the backup's own")
    assert await vault.backup(tmp_path / "backup.age", secret, 'client_id = "x"') > 0
    restored, settings = await VaultProcess.restore(
        tmp_path / "vault",
        tmp_path / "backup.age",
        secret,
        PASSPHRASE,
        release=vault.close,
        replace_present=True,
        derivation_ms=1,
    )
    assert settings == 'client_id = "x"'
    assert await restored.all() == (record(1),)
    await restored.close()


@pytest.mark.parametrize(
    ("secret", "replace_present", "code"),
    [
        ("another", True, "backup_passphrase_wrong"),
        ("the backup's own", False, "store_present"),
    ],
)
async def test_a_refused_restore_leaves_the_present_vault_open(
    secret: str, replace_present: bool, code: str, vault: VaultProcess, tmp_path: Path
) -> None:
    await vault.add(record(1))
    await vault.backup(tmp_path / "backup.age", Secret("the backup's own"), "")
    [present] = vaults()
    with pytest.raises(LocalFailure, match=code):
        await VaultProcess.restore(
            tmp_path / "vault",
            tmp_path / "backup.age",
            Secret(secret),
            PASSPHRASE,
            release=vault.close,
            replace_present=replace_present,
            derivation_ms=1,
        )
    assert vaults() == [present]
    assert await vault.all() == (record(1),)
    assert not list((tmp_path / "vault").glob("restored-*"))


# Ends.


async def test_a_cancelled_caller_waits_until_it_is_over(vault: VaultProcess) -> None:
    asking = asyncio.create_task(vault.check_passphrase(PASSPHRASE))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await vault.all() == ()  # at once: nothing goes on behind the caller's back


@ON_LINUX
async def test_a_killed_process_loses_nothing(vault: VaultProcess, tmp_path: Path) -> None:
    await vault.add(record(1))
    pid = process_of(vault)
    os.kill(pid, signal.SIGSTOP)
    asking = asyncio.create_task(vault.all())
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(LocalFailure) as caught:
        await asking
    assert (caught.value.code, caught.value.detail) == ("vault_stopped", "exit code -9")
    with pytest.raises(LocalFailure, match="vault_stopped"):
        await vault.all()
    await vault.ended()
    await vault.close()
    again = await VaultProcess.open(tmp_path / "vault", PASSPHRASE)
    assert await again.all() == (record(1),)
    await again.close()


@ON_LINUX
async def test_a_process_that_hangs_is_ended(
    vault: VaultProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "documents", 0.2)
    os.kill(process_of(vault), signal.SIGSTOP)
    with pytest.raises(LocalFailure) as caught:
        await vault.all()
    assert (caught.value.code, caught.value.detail) == ("vault_stopped", "no answer in 0.2 s")
    await vault.ended()
    assert vaults() == []


@ON_LINUX
async def test_a_process_that_hangs_does_not_keep_the_wallet_open(
    vault: VaultProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "close", 0.2)
    pid = process_of(vault)
    os.kill(pid, signal.SIGSTOP)
    await vault.close()
    assert not is_there(pid)


GARBAGE = """
import sys, time
sys.stdout.write("!" * 9)
sys.stdout.flush()
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("program", "detail"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        (GARBAGE, "exit code -9"),
    ],
)
async def test_a_process_that_is_none(
    program: str, detail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "BOOT", program)
    with pytest.raises(LocalFailure) as caught:
        await VaultProcess.open(tmp_path, PASSPHRASE)
    assert (caught.value.code, caught.value.detail) == ("vault_stopped", detail)


async def test_no_process_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(LocalFailure, match="vault_stopped"):
        await VaultProcess.open(tmp_path, PASSPHRASE)


PARENT = """
    import asyncio, os, sys
    from pathlib import Path
    from tests.support.processes import vaults, wait_for_end
    from wallet.records import Secret
    from wallet.vault import VaultProcess

    async def main():
        vault = await VaultProcess.create(Path(sys.argv[1]), Secret("12345678"), derivation_ms=1)
        print(*vaults(), flush=True)
        await asyncio.sleep(600)

    asyncio.run(main())
"""


AS_A_USER = ["setpriv", "--bounding-set=-sys_ptrace"] if os.geteuid() == 0 else []
"""Root without the right to read every process's memory: as far as that goes, a user."""


@pytest.fixture
def parent(tmp_path: Path) -> subprocess.Popen[str]:
    command = [*AS_A_USER, sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path / "vault")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@ON_LINUX
@pytest.mark.parametrize("stopped", [False, True])
async def test_it_ends_with_its_parent(
    parent: subprocess.Popen[str], stopped: bool, tmp_path: Path
) -> None:
    assert parent.stdout
    child = int(parent.stdout.readline())
    if stopped:  # it cannot read that the pipe has ended
        os.kill(child, signal.SIGSTOP)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for_end(child)
    again = await VaultProcess.open(tmp_path / "vault", Secret("12345678"))
    await again.close()


# Nobody looks or reaches inside.


@ON_LINUX
async def test_ctrl_c_in_the_terminal_is_not_for_it(vault: VaultProcess) -> None:
    os.kill(process_of(vault), signal.SIGINT)
    assert await vault.all() == ()


ATTACK = "import sys; open(f'/proc/{sys.argv[1]}/mem', 'rb').close(); print('read')"


@ON_LINUX
def test_its_memory_is_its_own(parent: subprocess.Popen[str]) -> None:
    """No core dump, and no other process of the user reads it."""
    assert parent.stdout
    child = int(parent.stdout.readline())
    limits = Path(f"/proc/{child}/limits").read_text()
    [core] = [line.split()[4:6] for line in limits.splitlines() if "core file size" in line]
    assert core == ["0", "0"]
    attack = [*AS_A_USER, sys.executable, "-c", ATTACK]
    for victim, outcome in ((parent.pid, "read"), (child, "PermissionError")):
        done = subprocess.run([*attack, str(victim)], capture_output=True, text=True, check=False)
        assert outcome in done.stdout + done.stderr
    parent.kill()
    parent.wait()
    parent.stdout.close()


async def test_no_variable_and_no_folder_of_the_user_decides_what_it_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = tmp_path / "poison"
    poison.mkdir()
    mark = f"open({str(tmp_path / 'poisoned')!r}, 'a').write(__name__)"
    for name in ("sqlcipher3", "msgpack", "usercustomize", "sitecustomize", "secrets"):
        (poison / f"{name}.py").write_text(f"{mark}\nraise SystemExit(7)\n")
    user_site = tmp_path / ".local" / "lib" / "python{}.{}".format(*sys.version_info)
    user_site.mkdir(parents=True)
    shutil.copytree(poison, user_site / "site-packages")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(poison))
    monkeypatch.setenv("PYTHONSTARTUP", str(poison / "secrets.py"))
    monkeypatch.setenv("PYTHONINSPECT", "1")
    monkeypatch.chdir(poison)
    vault = await VaultProcess.create(tmp_path / "vault", PASSPHRASE, derivation_ms=1)
    await vault.add(record(1))
    await vault.close()
    assert not (tmp_path / "poisoned").exists()
