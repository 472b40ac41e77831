"""The command line as a process that gets credentials by every way there is."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.simulator import Simulator, simulated_issuer

DIGITS = {"length": 4, "description": "sentinel by post"}


@pytest.fixture
def issuer() -> Iterator[Simulator]:
    with simulated_issuer() as simulator:
        yield simulator


class Cli:
    """The command `wallet` with a data folder of its own; opens the addresses it prints."""

    def __init__(self, folder: Path, issuer: Simulator) -> None:
        (folder / "passphrase").write_text("correct horse\n")
        (folder / "root.pem").write_bytes(issuer.authority.pem)
        names = ("PATH", "PYTHONPATH", "LANG")
        self.environment = {name: os.environ[name] for name in names if name in os.environ}
        self.environment |= {
            "HOME": str(folder),
            "WALLET_DATA_FOLDER": str(folder / "wallet"),
            "WALLET_PASSPHRASE_FILE": str(folder / "passphrase"),
            "WALLET_TRUST_ANCHOR": str(folder / "root.pem"),
            "WALLET_LOOPBACK_DEVELOPMENT": "true",
            "WALLET_KEY_DERIVATION_MS": "0",
        }

    def __call__(self, *arguments: str) -> tuple[int, Any, str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "wallet", *arguments, "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        assert process.stderr
        log = ""
        for line in process.stderr:
            log += line
            if line.startswith("http"):
                httpx.get(line.strip(), follow_redirects=True, trust_env=False)
        out, _ = process.communicate(timeout=60)
        return process.returncode, json.loads(out), log

    def add(self, *arguments: str) -> tuple[int, Any, str]:
        return self("add", *arguments, "--yes", "--no-browser")


@pytest.fixture
def cli(tmp_path: Path, issuer: Simulator) -> Cli:
    return Cli(tmp_path, issuer)


def names(received: Any) -> list[str]:
    return [one["credential_configuration_id"] for one in received["credentials"]]


def test_a_transaction_code(cli: Cli, issuer: Simulator) -> None:
    code, error, _ = cli.add(issuer.pre_authorized_offer(DIGITS, "0042"))
    assert (code, error["error"]["code"]) == (4, "transaction_code_needed")
    assert error["error"]["detail"] == "4 digits. sentinel by post"
    offer = issuer.pre_authorized_offer(DIGITS, "0042")
    code, error, _ = cli.add(offer, "--tx-code", "42")
    assert (code, error["error"]["code"]) == (4, "transaction_code_needed")
    assert "/token" not in [path for path, _ in issuer.requests]
    code, error, _ = cli.add(offer, "--tx-code", "4242")
    assert (code, error["error"]["code"]) == (6, "transaction_code_refused")
    code, received, log = cli.add(offer, "--tx-code", "0042")
    assert (code, names(received)) == (0, ["card"])
    assert "0042" not in log


def test_the_grant_and_the_credentials_that_are_named(cli: Cli, issuer: Simulator) -> None:
    issuer.names = ["card", "badge", "ticket"]
    offer = issuer.pre_authorized_offer(grants={"authorization_code": {}})
    chosen = ("--configuration", "badge", "--configuration", "card")
    code, received, _ = cli.add(offer, *chosen, "--grant", "authorization_code")
    assert (code, sorted(names(received))) == (0, ["badge", "card"])
    assert "/par" in [path for path, _ in issuer.requests]
    code, error, _ = cli.add(issuer.offer(), "--grant", "pre-authorized_code")
    assert (code, error["error"]["code"]) == (4, "grant_not_offered")
    code, error, _ = cli.add(issuer.offer(), "--configuration", "other")
    assert (code, error["error"]["code"]) == (3, "cancelled")
    assert "card, badge, ticket" in error["error"]["detail"]


def test_an_issuer_without_an_offer(cli: Cli, issuer: Simulator) -> None:
    issuer.names = ["card", "badge"]
    code, catalogue, _ = cli("issuer", issuer.url, "--yes")
    assert code == 0
    found = {
        one["credential_configuration_id"]: one["possible"] for one in catalogue["credentials"]
    }
    assert (catalogue["possible"], found) == (True, {"card": True, "badge": True})
    code, received, _ = cli.add("--issuer", issuer.url, "--configuration", "badge")
    assert (code, names(received)) == (0, ["badge"])


def test_put_off_and_got_later(cli: Cli, issuer: Simulator) -> None:
    issuer.deferrals = 2
    code, received, _ = cli.add(issuer.offer())
    assert (code, received["credentials"], received["failed"]) == (0, [], [])
    waiting = received["pending"]
    assert waiting["ask_again_at"]
    assert cli("pending")[1] == [waiting]
    assert cli("pending", "--check")[1]["received"] == []
    code, news, _ = cli("pending", "--check")
    assert (code, news["pending"]) == (0, [])
    assert [names(one) for one in news["received"]] == [["card"]]
    assert cli("pending")[1] == []


def test_copies_refresh_and_a_trace(cli: Cli, issuer: Simulator, tmp_path: Path) -> None:
    issuer.batch_size, issuer.refreshes = 5, True
    trace = tmp_path / "trace"
    code, received, _ = cli.add(issuer.offer(), "--batch", "3", "--trace", str(trace))
    [card] = received["credentials"]
    assert (code, card["copies"]) == (0, 3)
    events = [json.loads(line) for line in trace.read_text("utf-8").splitlines()]
    assert f"POST {issuer.url}/credential" in [event["name"] for event in events]
    for secret in ("sentinel", "eyJ"):
        assert secret not in trace.read_text("utf-8")
    code, renewed, _ = cli("refresh", card["id"], "--batch", "2", "--trace", str(trace))
    [again] = renewed["credentials"]
    assert (code, again["id"], again["copies"]) == (0, card["id"], 2)
    assert [one["id"] for one in cli("list")[1]] == [card["id"]]
    code, error, _ = cli("refresh", "nothing")
    assert (code, error["error"]["code"]) == (4, "credential_not_found")


def test_one_of_several_that_fails(cli: Cli, issuer: Simulator) -> None:
    issuer.names = ["card", "badge"]
    vct = "urn:example:badge:1"
    issuer.edits["payload"] = lambda p: {**p, "exp": 1} if p["vct"] == vct else p
    code, received, _ = cli.add(issuer.offer())
    assert (code, names(received)) == (0, ["card"])
    [failed] = received["failed"]
    assert failed["credential_configuration_id"] == "badge"
    assert failed["error"]["code"] == "credential_expired"
