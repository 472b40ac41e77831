"""The keyring: a real gnome-keyring, and every way in which a keyring can fail."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HEAD = """
import asyncio, sys
from pathlib import Path
from wallet.errors import LocalFailure
from wallet.vault import Vault
from wallet.vault.os_keyring import keyring_usable
folder = Path(sys.argv[1])
async def attempt(action):
    try:
        return await action
    except LocalFailure as error:
        print(error.code)
"""


def session(tmp_path: Path, script: str, *, keyring: bool, **environment: str) -> list[str]:
    """Run `script` in a session with an unlocked keyring, or without any; its output's lines."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    code = HEAD + textwrap.dedent(script) + "\nasyncio.run(main())\n"
    inner = [sys.executable, "-c", code, str(tmp_path / "vault")]
    names = ("PATH", "PYTHONPATH", "LANG")
    clean = {name: os.environ[name] for name in names if name in os.environ}
    command = inner
    if keyring:
        unlock = 'printf "pw\\n" | gnome-keyring-daemon --unlock --components=secrets >/dev/null'
        command = ["dbus-run-session", "--", "sh", "-c", f'{unlock}; exec "$@"', "sh", *inner]
    done = subprocess.run(
        command,
        env={**clean, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


needs_gnome_keyring = pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
    reason="needs the packages gnome-keyring and dbus",
)


@needs_gnome_keyring
def test_a_vault_protected_by_gnome_keyring(tmp_path: Path) -> None:
    script = """
        from tests.support.records import record
        async def main():
            print(await keyring_usable(), Vault.door(folder))
            vault = await Vault.create(folder, None)
            await vault.add(record(1))
            await vault.close()
            vault = await Vault.open(folder)
            print(Vault.door(folder), len(await vault.all()))
            await vault.close()
    """
    assert session(tmp_path, script, keyring=True) == ["True", "new", "closed", "1"]
    for file in (tmp_path / "vault").iterdir():
        assert b"sentinel" not in file.read_bytes()

    # Another session, the same keyring: it opens. Without one, or without the entry, it does not,
    # and nothing is made anew.
    again = "async def main():\n    vault = await attempt(Vault.open(folder))\n    print(vault)\n"
    kept = (tmp_path / "vault" / "wallet.db").read_bytes()
    assert session(tmp_path, again, keyring=False)[0] == "keyring_unavailable"
    emptied = """
        import gc
        from wallet.vault.os_keyring import delete_secret
        from wallet.vault.slots import read_key_file
        async def main():
            vault = await Vault.open(folder)
            await vault.close()
            file = read_key_file(folder / "wallet.keys")
            await delete_secret(file.entry(file.slots[0]))
            await attempt(Vault.open(folder))
            await attempt(Vault.create(folder, None))
    """
    assert session(tmp_path, emptied, keyring=True) == ["keyring_entry_missing", "store_damaged"]
    assert (tmp_path / "vault" / "wallet.db").read_bytes() == kept


ASK = """
    async def main():
        print(await keyring_usable())
        await attempt(Vault.create(folder, None))
        print(Vault.door(folder))
"""


def test_no_keyring_at_all(tmp_path: Path) -> None:
    answer = session(tmp_path, ASK, keyring=False)
    assert answer == ["False", "keyring_unavailable", "new"]


@pytest.mark.parametrize(
    "backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"]
)
def test_a_backend_named_by_the_environment_is_not_trusted(tmp_path: Path, backend: str) -> None:
    answer = session(tmp_path, ASK, keyring=False, PYTHON_KEYRING_BACKEND=backend)
    assert answer == ["False", "keyring_unavailable", "new"]


def test_an_environment_without_a_bus_that_answers(tmp_path: Path) -> None:
    nowhere = f"unix:path={tmp_path}/nothing"
    answer = session(tmp_path, ASK, keyring=False, DBUS_SESSION_BUS_ADDRESS=nowhere)
    assert answer == ["False", "keyring_unavailable", "new"]


@needs_gnome_keyring
@pytest.mark.parametrize("way", ["environment", "file"])
def test_a_keyring_that_was_switched_off_is_not_used(tmp_path: Path, way: str) -> None:
    """Although a real one runs: for an existing wallet too, and nothing is made anew."""
    create = "async def main():\n    await (await Vault.create(folder, None)).close()\n"
    session(tmp_path, create, keyring=True)
    kept = (tmp_path / "vault" / "wallet.db").read_bytes()
    null = "keyring.backends.null.Keyring"
    environment = {"PYTHON_KEYRING_BACKEND": null} if way == "environment" else {}
    if way == "file":
        file = tmp_path / ".config" / "python_keyring" / "keyringrc.cfg"
        file.parent.mkdir(parents=True)
        file.write_text(f"[backend]\ndefault-keyring={null}\n")
    script = """
        async def main():
            print(await keyring_usable())
            await attempt(Vault.open(folder))
            await attempt(Vault.create(folder.parent / "second", None))
            print(Vault.door(folder), Vault.door(folder.parent / "second"))
    """
    answer = session(tmp_path, script, keyring=True, **environment)
    assert answer == ["False", "keyring_unavailable", "keyring_unavailable", "closed", "new"]
    assert (tmp_path / "vault" / "wallet.db").read_bytes() == kept


def test_no_program_is_started_to_find_a_keyring(tmp_path: Path) -> None:
    """The backends of other systems look for their libraries with a compiler from the PATH."""
    script = """
        async def main():
            sys.addaudithook(lambda event, _: event == "subprocess.Popen" and print(event))
            print(await keyring_usable())
    """
    assert session(tmp_path, script, keyring=False) == ["False"]
