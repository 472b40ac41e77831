"""The store on a real disk: what is kept, what is refused, what a killed process leaves."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.support.records import record
from wallet.errors import LocalFailure
from wallet.records import Flow, HolderKey, Secret
from wallet.strict import base64url
from wallet.vault import Vault, slots

PASSPHRASE = Secret("sentinel passphrase")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault with one credential, made once; each test works on a copy."""
    folder = tmp_path_factory.mktemp("made") / "vault"
    script = """
        from tests.support.records import record
        async def main():
            vault = await Vault.create(folder, passphrase, derivation_ms=0)
            key = await vault.create_key("ES256")
            await vault.add(record(0, key.key_id))
            await vault.close()
    """
    assert run(folder, script).returncode == 0
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "vault"))


def command(folder: Path, script: str) -> list[str]:
    head = f"""
        import asyncio, os, signal, sys
        from pathlib import Path
        from wallet.errors import LocalFailure
        from wallet.records import Secret
        from wallet.vault import Vault
        folder, passphrase = Path({str(folder)!r}), Secret({PASSPHRASE.reveal()!r})
    """
    code = textwrap.dedent(head) + textwrap.dedent(script) + "\nasyncio.run(main())\n"
    return [sys.executable, "-c", code]


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, script), capture_output=True, text=True, timeout=120, check=False
    )


async def code_of_opening(folder: Path, passphrase: Secret[str] | None = PASSPHRASE) -> str:
    with pytest.raises(LocalFailure) as caught:
        await Vault.open(folder, passphrase)
    return caught.value.code


async def test_a_record_is_the_same_after_a_restart(folder: Path) -> None:
    vault = await Vault.open(folder, PASSPHRASE)
    [kept] = await vault.all()
    assert kept == record(0, kept.key_ids[0])
    assert await vault.get("credential-0") == kept
    await vault.add(record(1))
    assert [one.id for one in await vault.all()] == ["credential-1", "credential-0"]
    await vault.close()


async def test_a_key_signs_and_goes_with_its_credential(folder: Path) -> None:
    vault = await Vault.open(folder, PASSPHRASE)
    key = await vault.create_key("ES256")
    verify(key, await vault.sign(key.key_id, b"message"), b"message")
    await vault.add(record(5, key.key_id))
    await vault.remove("credential-5")
    with pytest.raises(LocalFailure, match="internal"):
        await vault.sign(key.key_id, b"message")
    with pytest.raises(LocalFailure, match="credential_not_found"):
        await vault.remove("credential-5")
    await vault.close()


def verify(key: HolderKey, signature: bytes, message: bytes) -> None:
    x, y = (int.from_bytes(base64url(key.public_jwk[name])) for name in ("x", "y"))
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    public.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


async def test_keys_go_when_their_flow_goes_on_without_them(folder: Path) -> None:
    vault = await Vault.open(folder, PASSPHRASE)
    lost, unused, used, client = [(await vault.create_key("ES256")).key_id for _ in range(4)]
    await vault.save(Flow("one", (client, lost, unused, used), {}))
    await vault.save(Flow("one", (client, unused, used), {}))
    await vault.keep(record(6, used), Flow("one", (client,), {}))
    for key_id in (lost, unused):
        with pytest.raises(LocalFailure, match="internal"):
            await vault.sign(key_id, b"m")
    for key_id in (used, client):
        assert len(await vault.sign(key_id, b"m")) == 64
    await vault.close()


async def test_keys_that_no_credential_names_are_swept(folder: Path) -> None:
    vault = await Vault.open(folder, PASSPHRASE)
    await vault.add(record(1))  # one without a key must not shield the others
    orphan = await vault.create_key("ES256")
    kept = await vault.get("credential-0")
    await vault.close()
    vault = await Vault.open(folder, PASSPHRASE)
    with pytest.raises(LocalFailure, match="internal"):
        await vault.sign(orphan.key_id, b"m")
    assert len(await vault.sign(kept.key_ids[0], b"m")) == 64
    await vault.close()


async def test_wrong_missing_and_short_passphrase(folder: Path, tmp_path: Path) -> None:
    assert await code_of_opening(folder, Secret("another passphrase")) == "passphrase_wrong"
    assert await code_of_opening(folder, None) == "passphrase_needed"
    with pytest.raises(LocalFailure, match="passphrase_too_short"):
        await Vault.create(tmp_path / "short", Secret("short"))
    assert Vault.door(tmp_path / "short") == "new"
    assert Vault.door(folder) == "locked"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"memory_kib": 65536', '"memory_kib": 1024', "store_damaged"),
        ('"iterations": 3', '"iterations": 1', "store_damaged"),
        ('"iterations": 3', '"iterations": 4', "passphrase_wrong"),
        ('"memory_kib": 65536', '"memory_kib": 99999999', "store_damaged"),
        ('"version": 2', '"version": 1', "store_damaged"),
        ('"version": 2', '"version": 3', "store_damaged"),
        ('"passphrase"', '"keyring"', "keyring"),
        ("{", "[", "store_damaged"),
    ],
)
async def test_a_changed_key_file_is_refused(folder: Path, old: str, new: str, code: str) -> None:
    keys = folder / "wallet.keys"
    text = keys.read_text()
    assert old in text
    document = json.loads(text.replace(old, new, 1)) if new != "[" else {}
    document.pop("checksum", "")
    document["checksum"] = slots._checksum(document)
    for path in (keys, slots.copy_of(keys)):
        path.write_text(json.dumps(document))
    assert (await code_of_opening(folder)).startswith(code)


async def test_flipped_bytes_are_noticed(folder: Path) -> None:
    database = folder / "wallet.db"
    right = database.read_bytes()
    for at in range(0, len(right), len(right) // 12):
        database.write_bytes(right[:at] + bytes([right[at] ^ 0xFF]) + right[at + 1 :])
        assert await code_of_opening(folder) == "store_damaged", at
    database.write_bytes(right)
    await (await Vault.open(folder, PASSPHRASE)).close()


async def test_a_lost_file_never_leads_to_a_new_wallet(folder: Path) -> None:
    kept = (folder / "wallet.db").read_bytes()
    (folder / "wallet.db").unlink()
    assert await code_of_opening(folder) == "store_damaged"
    with pytest.raises(LocalFailure, match="store_damaged"):
        await Vault.create(folder, PASSPHRASE)
    (folder / "wallet.db").write_bytes(kept)
    (folder / "wallet.keys").unlink()
    (folder / "wallet.keys.copy").unlink()
    with pytest.raises(LocalFailure, match="store_damaged"):
        Vault.door(folder)
    with pytest.raises(LocalFailure, match="store_damaged"):
        await Vault.create(folder, PASSPHRASE)
    assert (folder / "wallet.db").read_bytes() == kept


async def test_a_plain_sqlite_file_is_refused(folder: Path) -> None:
    import sqlite3

    (folder / "wallet.db").unlink()
    plain = sqlite3.connect(folder / "wallet.db")
    plain.execute("CREATE TABLE credential (id TEXT)")
    plain.commit()
    plain.close()
    assert await code_of_opening(folder) == "store_damaged"


def test_one_process_at_a_time_and_free_again_after_a_kill(folder: Path) -> None:
    holder = subprocess.Popen(
        command(
            folder,
            """
            async def main():
                vault = await Vault.open(folder, passphrase)
                print("open", flush=True)
                sys.stdin.read()
            """,
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    assert holder.stdin
    assert holder.stdout.readline() == "open\n"
    second = """
        async def main():
            try:
                await Vault.open(folder, passphrase)
            except LocalFailure as error:
                print(error.code)
    """
    assert run(folder, second).stdout == "store_in_use\n"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    holder.stdin.close()
    assert run(folder, second).stdout == ""


async def test_killed_in_the_middle_of_writing(folder: Path) -> None:
    """Every acknowledged record is there, none is half, and nothing was in clear meanwhile."""
    script = """
        from tests.support.records import record
        async def main():
            vault = await Vault.open(folder, passphrase)
            for number in range(START, START + 1000):
                await vault.add(record(number))
                print(number, flush=True)
    """
    acknowledged: set[str] = {"credential-0"}
    for round_ in range(1, 6):
        writer = subprocess.Popen(
            command(folder, script.replace("START", str(round_ * 1000))),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout
        for _ in range(3 * round_):
            acknowledged.add(f"credential-{writer.stdout.readline().strip()}")
        writer.send_signal(signal.SIGKILL)
        acknowledged |= {f"credential-{line}" for line in writer.stdout.read().split()}
        writer.stdout.close()
        writer.wait()
        for file in folder.iterdir():
            assert b"sentinel" not in file.read_bytes(), file
        vault = await Vault.open(folder, PASSPHRASE)
        kept = {one.id for one in await vault.all()}
        await vault.close()
        assert acknowledged <= kept
        assert len(kept) <= len(acknowledged) + round_


def test_permissions(folder: Path, made: Path) -> None:
    if os.name != "posix":
        pytest.skip("POSIX permissions")
    assert oct(made.stat().st_mode & 0o777) == oct(0o700)
    for file in made.iterdir():
        assert oct(file.stat().st_mode & 0o777) == oct(0o600), file


@pytest.mark.parametrize("survivors", [["wallet.db.new"], ["wallet.keys", "wallet.db.new"]])
async def test_a_creation_that_was_killed(folder: Path, survivors: list[str]) -> None:
    (folder / "wallet.db").rename(folder / "wallet.db.new")
    for file in list(folder.iterdir()):
        if file.name not in survivors:
            file.unlink()
    if "wallet.keys" in survivors:
        vault = await Vault.open(folder, PASSPHRASE)
    else:
        assert Vault.door(folder) == "new"
        vault = await Vault.create(folder, PASSPHRASE)
    await vault.add(record(7))
    await vault.close()


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    try:
        script = """
            from dataclasses import replace
            from tests.support.records import record
            from wallet.records import Copy
            async def main():
                vault = await Vault.create(folder, passphrase)
                kept = 0
                try:
                    for number in range(10000):
                        await vault.add(replace(record(number), copies=(Copy("x" * 20000, ""),)))
                        kept += 1
                except LocalFailure as error:
                    print(error.code, len(await vault.all()) == kept)
                await vault.remove("credential-0")  # also on a full disk: the ballast is for it
                print(len(await vault.all()) == kept - 1)
                await vault.add(record(99999))
                await vault.close()
        """
        done = run(small / "vault", script)
        assert done.stdout == "store_unwritable True\nTrue\n", done.stderr
    finally:
        subprocess.run(["umount", str(small)], check=True)
