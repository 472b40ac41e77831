"""What the command line says of the five levels of trust, and how it is told whom to trust."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from tests.integration.test_cli_issuance import Cli
from tests.support.issuer_keys import JWT_VC_ISSUER, Known, by_domain, by_own_key, serve
from tests.support.simulator import Authority, Simulator, simulated_issuer


@pytest.fixture
def issuer() -> Iterator[Simulator]:
    with simulated_issuer() as simulator:
        yield simulator


@pytest.fixture
def cli(tmp_path: Path, issuer: Simulator) -> Cli:
    return Cli(tmp_path, issuer)


def words(cli: Cli, *arguments: str) -> str:
    """What a person reads."""
    done = subprocess.run(
        [sys.executable, "-m", "wallet", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=cli.environment,
        timeout=60,
        check=True,
    )
    return done.stdout


def unverifiable(issuer: Simulator) -> None:
    by_domain(issuer)
    serve(issuer, JWT_VC_ISSUER, {}, status_code=503)


def trusted(_: Simulator) -> None:
    """By the certificates that it has anyway."""


LEVELS: dict[str, tuple[Known, str]] = {
    "anchored": (trusted, "Trusted: Verified, and trusted by Simulated Root."),
    "domain": (by_domain, "Known by its address only: Nobody altered it, and http"),
    "unknown": (by_own_key, "Unknown issuer: Nobody altered it, but nothing shows"),
    "unverified": (unverifiable, "Not verified yet: Its issuer could not be asked for its keys"),
}


@pytest.mark.parametrize("level", LEVELS)
def test_each_level(level: str, cli: Cli, issuer: Simulator) -> None:
    known, sentence = LEVELS[level]
    known(issuer)
    accepted = () if level == "anchored" else ("--accept-issuer", level)
    if accepted:
        code, answer, log = cli.add(issuer.offer(), "--yes")
        assert (code, answer["error"]["code"]) == (9, "issuer_untrusted")
        assert sentence.partition(":")[0] in log
        better = {"unknown": "domain", "unverified": "unknown"}.get(level)
        if better:
            code, _, _ = cli.add(issuer.offer(), "--yes", "--accept-issuer", better)
            assert code == 9
    code, answer, log = cli.add(issuer.offer(), "--yes", *accepted)
    assert code == 0, log
    assert ("as --accept-issuer says" in log) is bool(accepted)
    [card] = answer["credentials"]
    assert card["trust"] == level
    assert [one["trust"] for one in cli("list")[1]] == [level]
    assert sentence in words(cli, "show", card["id"])
    doubt = sentence.partition(":")[0].lower()
    assert (doubt in words(cli, "list")) is (level != "anchored")


def test_the_fifth_level(cli: Cli, issuer: Simulator) -> None:
    unverifiable(issuer)
    issuer.edits["signer"] = lambda _: Authority("Impostor").leaf_key
    _, answer, _ = cli.add(issuer.offer(), "--yes", "--accept-issuer", "unverified")
    name = answer["credentials"][0]["id"]
    by_domain(issuer)
    code, card, _ = cli("verify", name)
    assert (code, card["trust"], card["refused"]) == (0, "refused", "signature_invalid")
    assert "Refused: It was checked again, and is not as it should be: Signature" in words(
        cli, "show", name
    )
    assert "  refused" in words(cli, "list")
    issuer.edits["payload"] = lambda payload: {**payload, "iss": issuer.url, "exp": 1}
    code, answer, _ = cli.add(issuer.offer(), "--yes", "--accept-issuer", "unverified")
    assert (code, answer["error"]["code"]) == (9, "signature_invalid")
    assert "failed" in [one["outcome"] for one in answer["error"]["report"]]


def test_later_it_can_be_verified(cli: Cli, issuer: Simulator) -> None:
    unverifiable(issuer)
    _, answer, _ = cli.add(issuer.offer(), "--yes", "--accept-issuer", "unverified")
    name = answer["credentials"][0]["id"]
    assert cli("verify", name)[1]["trust"] == "unverified"
    by_domain(issuer)
    assert cli("verify", name)[1]["trust"] == "domain"
    code, answer, _ = cli("verify", "no-such-id")
    assert (code, answer["error"]["code"]) == (4, "credential_not_found")


def test_whom_it_trusts(cli: Cli, issuer: Simulator, tmp_path: Path) -> None:
    _, [of_settings], _ = cli("trust")
    certificate = issuer.authority.certificate
    assert of_settings["id"] == certificate.fingerprint(hashes.SHA256()).hex()
    assert of_settings["settings_file"] == str(tmp_path / "root.pem")
    other = Authority("Other Root")
    (tmp_path / "other.pem").write_bytes(other.pem)
    code, [added], _ = cli("trust", "add", str(tmp_path / "other.pem"))
    assert (code, added["name"], added["kind"]) == (0, "Other Root", "certificate")
    _, [issuer_added], _ = cli("trust", "add", "https://issuer.example")
    assert issuer_added["kind"] == "issuer"
    _, listed, _ = cli("trust", "list")
    assert [one["name"] for one in listed] == [
        "Simulated Root",
        "Other Root",
        "https://issuer.example",
    ]
    shown = words(cli, "trust")
    assert f"{added['id']}  certificate  Other Root  until" in shown
    assert "by the setting trust_anchor" in shown
    fingerprint = ":".join(added["id"][at : at + 2] for at in range(0, 64, 2)).upper()
    assert cli("trust", "remove", fingerprint)[:2] == (0, {"removed": added["id"]})
    assert cli("trust", "remove", "https://issuer.example")[0] == 0
    assert cli("trust")[1] == [of_settings]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add", "no-such-file.pem"), "trust_anchor_unreadable"),
        (("add", "http://issuer.example"), "trust_anchor_unreadable"),
        (("add",), "settings_invalid"),
        (("list", "more"), "settings_invalid"),
        (("remove", "00"), "trust_anchor_not_found"),
    ],
)
def test_whom_it_does_not(arguments: tuple[str, ...], code: str, cli: Cli) -> None:
    cli("create")
    assert cli("trust", *arguments)[1]["error"]["code"] == code


def test_the_settings_own_anchor_stays(cli: Cli, issuer: Simulator) -> None:
    fingerprint = issuer.authority.certificate.fingerprint(hashes.SHA256()).hex()
    cli("create")
    code, answer, _ = cli("trust", "remove", fingerprint)
    assert (code, answer["error"]["code"]) == (4, "trust_anchor_not_found")
    assert "setting" in json.dumps(answer)


def test_a_stricter_policy(cli: Cli, issuer: Simulator) -> None:
    by_domain(issuer)
    cli.environment["WALLET_TRUST_POLICY"] = "anchored"
    code, answer, _ = cli.add(issuer.offer(), "--yes", "--accept-issuer", "unverified")
    assert (code, answer["error"]["code"]) == (9, "issuer_untrusted")
