"""Holder keys: their signatures verify elsewhere, and they live as long as a record names them."""

from pathlib import Path

import pytest
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, OKPKey

from tests.support.keyrings import FileKeyring
from tests.support.records import record
from tests.support.signatures import signing_input, verify
from wallet.errors import LocalFailure
from wallet.records import Flow, HolderKey
from wallet.vault import Vault, os_keyring
from wallet.vault.holder_keys import new_key, signature

ALGORITHMS = {"ES256": ("P-256", 64), "ES384": ("P-384", 96), "EdDSA": ("Ed25519", 64)}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signatures_verify_with_the_public_half(algorithm: str) -> None:
    curve, size = ALGORITHMS[algorithm]
    for number in range(64):  # short r, s and coordinates come by chance
        der, public = new_key(algorithm)
        key = HolderKey("k", algorithm, public)
        text = signing_input(key, b"%d" % number)
        signed = signature(der, text)
        assert len(signed) == size
        verify(key, signed, text)
        kind = OKPKey if algorithm == "EdDSA" else ECKey
        assert public == kind.import_key({**public}).as_dict(private=False)
        assert public["crv"] == curve
        assert "d" not in public
        with pytest.raises(BadSignatureError):
            verify(key, signed[:-1] + bytes([signed[-1] ^ 1]), text)
        with pytest.raises(BadSignatureError):
            verify(HolderKey("k", algorithm, new_key(algorithm)[1]), signed, text)


def test_each_key_is_a_fresh_one() -> None:
    for algorithm in ALGORITHMS:
        assert len({new_key(algorithm)[1]["x"] for _ in range(50)}) == 50


@pytest.mark.parametrize("algorithm", ["RS256", "none", "", "HS256", "ES512", "es256"])
def test_other_algorithms_are_refused(algorithm: str) -> None:
    with pytest.raises(LocalFailure, match="internal"):
        new_key(algorithm)


@pytest.mark.parametrize("der", [b"", b"\x30", b"no key", bytes(100)])
def test_what_is_no_key(der: bytes) -> None:
    with pytest.raises(LocalFailure, match="a holder key cannot be read"):
        signature(der, b"message")


# --- how long they live ---------------------------------------------------------------------------


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    service = FileKeyring(tmp_path / "keyring.json")
    monkeypatch.setattr(os_keyring, "_backends", lambda: [service])
    await (await Vault.create(tmp_path / "vault", None)).close()
    return tmp_path / "vault"


async def reopened(vault: Vault, folder: Path) -> Vault:
    await vault.close()
    return await Vault.open(folder)


async def signs(vault: Vault, key: HolderKey) -> bool:
    text = signing_input(key)
    try:
        signed = await vault.sign(key.key_id, text)
    except LocalFailure as failure:
        if "the holder key is gone" not in failure.detail:
            raise
        return False
    verify(key, signed, text)
    return True


async def test_a_key_that_a_flow_and_a_credential_name_goes_with_the_last(folder: Path) -> None:
    for last in ("flow", "credential"):
        vault = await Vault.open(folder)
        key = await vault.create_key("ES256")
        await vault.save(Flow("flow", (key.key_id,), {"at": "token"}))
        await vault.keep(record(0, key.key_id), Flow("flow", (key.key_id,), {"at": "notification"}))
        vault = await reopened(vault, folder)
        assert await signs(vault, key)
        await (vault.remove("credential-0") if last == "flow" else vault.end("flow"))
        assert await signs(vault, key)
        vault = await reopened(vault, folder)
        assert await signs(vault, key)
        await (vault.end("flow") if last == "flow" else vault.remove("credential-0"))
        assert not await signs(vault, key)
        vault = await reopened(vault, folder)
        assert not await signs(vault, key)
        await vault.close()


async def test_the_keys_of_a_batch_go_one_by_one(folder: Path) -> None:
    vault = await Vault.open(folder)
    keys = [await vault.create_key(algorithm) for algorithm in ALGORITHMS]
    await vault.save(Flow("flow", tuple(key.key_id for key in keys), {"at": "credential"}))
    await vault.add(record(0, keys[0].key_id))
    vault = await reopened(vault, folder)
    assert [await signs(vault, key) for key in keys] == [True, True, True]
    await vault.save(Flow("flow", (keys[1].key_id,), {"at": "credential"}))  # names fewer now
    vault = await reopened(vault, folder)
    assert [await signs(vault, key) for key in keys] == [True, True, False]
    await vault.end("flow")
    assert [await signs(vault, key) for key in keys] == [True, False, False]
    await vault.end("flow")  # twice is harmless
    await vault.close()


async def test_keys_that_nothing_names_are_swept_at_the_next_opening(folder: Path) -> None:
    vault = await Vault.open(folder)
    orphan, named = await vault.create_key("ES256"), await vault.create_key("ES384")
    await vault.save(Flow("flow", (named.key_id,), {"at": "credential"}))
    assert await signs(vault, orphan)
    vault = await reopened(vault, folder)
    assert not await signs(vault, orphan)
    assert await signs(vault, named)
    await vault.close()


async def test_a_flow_names_only_keys_that_are_there(folder: Path) -> None:
    vault = await Vault.open(folder)
    with pytest.raises(LocalFailure, match="internal"):
        await vault.save(Flow("flow", ("no such key",), {}))
    assert await vault.flows() == ()
    await vault.close()
