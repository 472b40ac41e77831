"""Slots: what a guess costs, and that a slot opens only as what it was made."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.strict import base64url, base64url_encode
from wallet.vault import slots
from wallet.vault.slots import (
    ITERATIONS,
    LANES,
    MEMORY_CEILING_KIB,
    MEMORY_KIB,
    KeyFile,
    Slot,
    calibrated,
    data_keys,
    read_key_file,
    renewed,
    seal_for_keyring,
    seal_for_passphrase,
    seal_for_recovery,
    unseal,
    write_key_file,
)

WALLET = "0123456789abcdef"
PASSPHRASE = Secret("correct horse")
HALF = bytes(range(32))


def root() -> bytearray:
    return bytearray(range(100, 132))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id's place, for what does not depend on it: SHA-256 of text and parameters."""
    import hashlib

    def digest(text: Secret[str], parameters: Any) -> bytearray:
        whole = repr([text.reveal(), sorted(parameters.items())]).encode()
        return bytearray(hashlib.sha256(whole).digest())

    monkeypatch.setattr(slots, "_argon2id", digest)


def opened(slot: Slot, wallet: str = WALLET, half: bytes | None = None) -> bytearray:
    keyring_secret = None if half is None else bytearray(half)
    text = None if slot.type == "keyring" else PASSPHRASE
    file = KeyFile(wallet, (slot,))
    return unseal(file, slot, text=text, keyring_secret=keyring_secret, wrong="passphrase_wrong")


def refused(slot: Slot, wallet: str = WALLET, half: bytes | None = None) -> str:
    with pytest.raises(LocalFailure) as caught:
        opened(slot, wallet, half)
    assert caught.value.__cause__ is None
    return caught.value.code


# --- what a guess costs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("took_ms", "limit_ms", "memory_kib"),
    [
        (350, 0, MEMORY_KIB),
        (350, 600, MEMORY_KIB),
        (350, 800, 2 * MEMORY_KIB),
        (350, 1500, 4 * MEMORY_KIB),
        (750, 1500, 2 * MEMORY_KIB),
        (751, 1500, MEMORY_KIB),
        (9000, 1500, MEMORY_KIB),
        (1, 1500, MEMORY_CEILING_KIB),
        (1, 10**9, MEMORY_CEILING_KIB),
        (0, 1500, MEMORY_CEILING_KIB),
    ],
)
def test_calibration(
    monkeypatch: pytest.MonkeyPatch, took_ms: float, limit_ms: int, memory_kib: int
) -> None:
    """Within the limit, never below the floor, never above the ceiling."""
    ticks: Iterator[float] = itertools.count(0, took_ms / 1000)
    monkeypatch.setattr("wallet.vault.slots.time.perf_counter", lambda: next(ticks))
    monkeypatch.setattr(slots, "_argon2id", lambda *_: bytearray(32))
    assert calibrated(limit_ms) == memory_kib


def test_calibration_measures_the_least_that_is_allowed() -> None:
    assert calibrated(0) == MEMORY_KIB == 64 * 1024
    assert (ITERATIONS, LANES) == (3, 4)


def test_a_passphrase_slot_says_what_it_costs() -> None:
    slot = seal_for_passphrase(WALLET, root(), PASSPHRASE, memory_kib=MEMORY_KIB)
    assert {**slot.parameters, "salt": ""} == {
        "memory_kib": MEMORY_KIB,
        "iterations": ITERATIONS,
        "lanes": LANES,
        "salt": "",
    }
    assert len(base64url(str(slot.parameters["salt"]))) == 16
    assert opened(slot) == root()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory_kib", MEMORY_KIB - 1),
        ("memory_kib", 8),
        ("memory_kib", (1 << 20) + 1),
        ("memory_kib", 1 << 60),
        ("memory_kib", -1),
        ("memory_kib", "65536"),
        ("memory_kib", None),
        ("iterations", 2),
        ("iterations", 21),
        ("iterations", True),
        ("lanes", 3),
        ("lanes", 17),
        ("salt", ""),
        ("salt", "AAAA"),
        ("salt", base64url_encode(bytes(17))),
        ("salt", "!" * 22),
        ("salt", None),
    ],
)
def test_parameters_out_of_bounds_are_refused_before_they_cost(name: str, value: Any) -> None:
    parameters: dict[str, Any] = {"memory_kib": MEMORY_KIB, "iterations": 3, "lanes": 4}
    parameters |= {"salt": base64url_encode(bytes(16)), name: value}
    slot = Slot("passphrase", parameters, bytes(12), bytes(48))
    assert refused(slot) == "store_damaged"


# --- what a slot is bound to ----------------------------------------------------------------------


def all_slots() -> dict[str, Slot]:
    passphrase = PASSPHRASE
    return {
        "keyring": seal_for_keyring(WALLET, root(), bytearray(HALF), "entry"),
        "passphrase": seal_for_passphrase(WALLET, root(), passphrase, memory_kib=MEMORY_KIB),
        "both": seal_for_passphrase(
            WALLET,
            root(),
            passphrase,
            memory_kib=MEMORY_KIB,
            keyring_secret=bytearray(HALF),
            entry="entry",
        ),
        "recovery": seal_for_recovery(WALLET, root(), passphrase, memory_kib=MEMORY_KIB),
    }


@pytest.mark.usefixtures("quick")
def test_each_slot_opens_with_what_it_was_made_for() -> None:
    made = all_slots()
    assert opened(made["keyring"], half=HALF) == root()
    assert opened(made["passphrase"]) == root()
    assert opened(made["both"], half=HALF) == root()
    assert opened(made["recovery"]) == root()
    for name in ("keyring", "both"):
        assert refused(made[name], half=bytes(32)) == "passphrase_wrong"
        assert refused(made[name], half=b"") == "passphrase_wrong"
        assert refused(made[name]) == "passphrase_wrong"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["keyring", "passphrase", "both", "recovery"])
def test_a_slot_is_bound_to_its_wallet_type_and_parameters(name: str) -> None:
    slot = all_slots()[name]
    half = HALF if name in ("keyring", "both") else None
    assert refused(slot, "fedcba9876543210", half) == "passphrase_wrong"
    for other in ("keyring", "passphrase", "recovery"):
        if other != slot.type:
            moved = replace(slot, type=other)
            assert refused(moved, half=half or HALF) == "passphrase_wrong"
    changes: list[dict[str, Any]] = [{"keyring": "other"}, {"more": 1}, {"iterations": 4}]
    for change in changes:
        changed = replace(slot, parameters={**slot.parameters, **change})
        assert refused(changed, half=half or HALF) == "passphrase_wrong"
    for at in range(len(slot.wrapped)):
        wrapped = slot.wrapped[:at] + bytes([slot.wrapped[at] ^ 1]) + slot.wrapped[at + 1 :]
        assert refused(replace(slot, wrapped=wrapped), half=half) == "passphrase_wrong"
    for nonce in (b"", bytes(12), bytes(200)):
        assert refused(replace(slot, nonce=nonce), half=half) == "passphrase_wrong"
    for wrapped in (b"", slot.wrapped[:-1], slot.wrapped + b"\0"):
        assert refused(replace(slot, wrapped=wrapped), half=half) == "passphrase_wrong"


@pytest.mark.usefixtures("quick")
def test_the_keyring_s_half_cannot_be_taken_off() -> None:
    slot = all_slots()["both"]
    without = {name: value for name, value in slot.parameters.items() if name != "keyring"}
    assert refused(replace(slot, parameters=without)) == "passphrase_wrong"


@pytest.mark.usefixtures("quick")
def test_a_passphrase_s_length_is_that_of_what_is_derived() -> None:
    for short in ("1234567", "é" * 7, "e\u0301" * 7):  # the last composes to seven
        with pytest.raises(LocalFailure, match="passphrase_too_short"):
            seal_for_passphrase(WALLET, root(), Secret(short), memory_kib=MEMORY_KIB)


def test_composed_and_decomposed_letters_are_the_same_passphrase() -> None:
    composed, decomposed = Secret("caf\u00e9 horse"), Secret("cafe\u0301 horse")
    slot = seal_for_passphrase(WALLET, root(), composed, memory_kib=MEMORY_KIB)
    file = KeyFile(WALLET, (slot,))
    assert unseal(file, slot, text=decomposed, wrong="passphrase_wrong") == root()


# --- data keys and the file -----------------------------------------------------------------------


def test_data_keys_are_bound_to_the_wallet_and_the_serial() -> None:
    keys = [bytearray([n]) * 32 for n in (1, 2)]
    file = renewed(KeyFile(WALLET, (), serial=6), root(), keys)
    assert file.serial == 7
    assert data_keys(file, root()) == keys[::-1]
    others = [
        (replace(file, serial=8), root()),
        (replace(file, wallet_id="f" * 16), root()),
        (file, bytearray(32)),
        (replace(file, data_keys=(b"",)), root()),
    ]
    for other, key in others:
        with pytest.raises(LocalFailure, match="store_damaged"):
            data_keys(other, key)


@pytest.mark.usefixtures("quick")
def test_the_file_is_read_as_written(tmp_path: Path) -> None:
    made = all_slots()
    chosen = (made["both"], made["recovery"])
    file = replace(
        renewed(KeyFile(WALLET, chosen, serial=3), root(), [bytearray(32)]),
        backend="keyring.backends.SecretService.Keyring",
        recovery_confirmed=True,
    )
    write_key_file(tmp_path / "wallet.keys", file)
    assert read_key_file(tmp_path / "wallet.keys") == file
    assert file.entry(made["both"]) == f"oid4vci-wallet/{WALLET}/entry"
    assert file.entry(seal_for_keyring(WALLET, root(), bytearray(32))) == file.service
    assert "sentinel" not in repr(file)
    assert base64url_encode(bytes(root())) not in repr(file)
