"""The command line as a process, against the two servers on two origins."""

import asyncio
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import pytest
import segno
from joserfc.jwk import ECKey

from tests.support.camera import write_camera_video
from tests.support.operator import operator
from tests.support.reference_servers import ReferenceServers, reference_servers
from wallet.app import Wallet
from wallet.records import Secret
from wallet.settings import fields, load

PASSPHRASE = "sentinel-passphrase"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReferenceServers]:
    folder = tmp_path_factory.mktemp("servers")
    with reference_servers(folder, issuer_path="/tenant", server_path="/realm") as both:
        yield both


class Cli:
    """The command `wallet` with a data folder of its own."""

    def __init__(self, folder: Path, servers: ReferenceServers) -> None:
        self.folder = folder
        self.servers = servers
        (folder / "passphrase").write_text(PASSPHRASE + "\n")
        (folder / "settings.toml").write_text(
            f'data_folder = "wallet"\npassphrase_file = "passphrase"\nlanguage = ["de"]\n'
            f'trust_anchor = ["{servers.ca_pem}"]\n'
        )
        names = ("PATH", "PYTHONPATH", "LANG")
        self.environment = {name: os.environ[name] for name in names if name in os.environ}
        self.environment |= {
            "HOME": str(folder),
            "WALLET_LOOPBACK_DEVELOPMENT": "true",
            "WALLET_SETTINGS_FILE": str(folder / "settings.toml"),
            "WALLET_KEY_DERIVATION_MS": "0",
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "wallet", *arguments]

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**self.environment, **environment},
            timeout=60,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def add(
        self, *arguments: str, decision: str = "allow", browser: tuple[str, ...] = ("--no-browser",)
    ) -> tuple[int, str, str]:
        """`wallet add … --no-browser`, with somebody who opens the printed address."""
        process = subprocess.Popen(
            self.command("add", *arguments, "--yes", *browser),
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
                answer = self.servers.sign_in(line.strip(), decision)
                httpx.get(answer, trust_env=False)
                break
        out, rest = process.communicate(timeout=60)
        return process.returncode, out, log + rest


@pytest.fixture
def cli(tmp_path: Path, servers: ReferenceServers) -> Cli:
    return Cli(tmp_path, servers)


def test_add_list_show_remove(cli: Cli, servers: ReferenceServers) -> None:
    assert cli.json("list") == []
    code, out, log = cli.add(servers.offer("pid"), "--json")
    assert code == 0, log
    received = json.loads(out)
    [card] = received["credentials"]
    assert (received["pending"], received["failed"]) == (None, [])
    labels = {claim["label"]: claim["value"] for claim in card["claims"]}
    assert labels["Vorname"] == "Erika"
    assert labels["Staatsangehörigkeiten"] == "DE, IT"
    assert labels["Lichtbild"].startswith("data:image/jpeg;base64,")
    street = {claim["label"]: claim["value"] for claim in labels["Anschrift"]}["Straße"]
    assert street == "Heidestraße 17"
    assert card["credential_issuer"] == servers.issuer_url
    assert {check["outcome"] for check in card["report"]} == {"passed"}
    assert f"leads to {servers.issuer_url.split('/')[2]}" in log

    code, out, log = cli.add(servers.offer("diploma", "reference"))
    assert code == 0, log
    assert "Hochschulzeugnis" in out
    listed = cli.json("list")
    assert [one["name"] for one in listed] == ["Hochschulzeugnis", "Personenausweis"]
    assert cli.json("show", card["id"]) == card
    shown = cli("show", listed[0]["id"])
    assert "Abschluss: Master of Science" in shown.stdout
    poor = cli("show", card["id"], PYTHONIOENCODING="ascii")  # a terminal without umlauts
    assert (poor.returncode, "Stra\\xdfe: " in poor.stdout) == (0, True)
    assert cli.json("remove", card["id"]) == {"removed": card["id"]}
    assert [one["name"] for one in cli.json("list")] == ["Hochschulzeugnis"]

    secrets = (
        PASSPHRASE,
        "Mustermann",
        "1986-03-22",
        "Heidestra",
        "eyJhbGci",
        "eyJ0eXAi",
        card["credential"][:80],
    )
    for file in (cli.folder / "wallet").iterdir():
        content = file.read_bytes()
        assert [secret for secret in secrets if secret.encode() in content] == [], file
    assert [secret for secret in secrets[:4] if secret in log] == []


def test_by_scope(cli: Cli, servers: ReferenceServers) -> None:
    code, _, log = cli.add(servers.offer("pid"), "--authorization-request", "scope")
    assert code == 0, log


def test_from_a_picture_and_from_the_camera(cli: Cli, servers: ReferenceServers) -> None:
    picture = cli.folder / "offer.png"
    segno.make_qr(servers.offer("pid", "reference")).save(str(picture), scale=6)
    code, _, log = cli.add("--image", str(picture))
    assert code == 0, log
    video = cli.folder / "camera.avi"
    write_camera_video(picture.read_bytes(), video)
    code, _, log = cli.add("--scan", "--camera", str(video))
    assert code == 0, log


def test_without_a_browser_the_address_is_printed(cli: Cli, servers: ReferenceServers) -> None:
    browser = ("--browser-command", "/nonexistent/browser")
    code, _, log = cli.add(servers.offer("pid"), browser=browser)
    assert code == 0, log
    assert "The browser could not be opened." in log


def test_denied(cli: Cli, servers: ReferenceServers) -> None:
    code, out, _ = cli.add(servers.offer("pid"), "--json", decision="deny")
    assert (code, json.loads(out)["error"]["code"]) == (3, "access_denied")
    assert cli.json("list") == []


FAILURES = {
    "declined without a terminal": (["add", "OFFER"], 3, "cancelled"),
    "no such credential": (["show", "nothing"], 4, "credential_not_found"),
    "nothing to remove": (["remove", "nothing"], 4, "credential_not_found"),
    "no picture": (["add", "--image", "/nonexistent.png"], 4, "image_unreadable"),
    "no camera": (["add", "--scan", "--camera", "/nonexistent.avi"], 4, "camera_missing"),
    "a setting that is none": (["list", "--http-timeout", "soon"], 4, "settings_invalid"),
    "no anchor file": (["add", "OFFER", "--yes", "--trust-anchor", "/nonexistent.pem"], 4,
                       "settings_invalid"),
    "issuer down": (
        ["add", "--yes", ("openid-credential-offer://?credential_offer=%7B%22credential_issuer%22"
         "%3A%22http%3A%2F%2F127.0.0.1%3A1%22%2C%22credential_configuration_ids%22%3A%5B%22x%22"
         "%5D%7D")],
        5, "unreachable"),
    "not found": (["add", "ELSEWHERE", "--yes"], 6, "not_found"),
    "no offer": (["add", "hello"], 7, "not_an_offer"),
    "no offer in the picture": (["add", "--image", "PICTURE"], 7, "not_an_offer"),
    "http elsewhere": (
        ["add", "--yes", "openid-credential-offer://?credential_offer_uri=http%3A%2F%2Fa.example"],
        7, "insecure_url"),
    "unknown credential": (["add", "UNKNOWN", "--yes"], 8, "configuration_unknown"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_exit_codes(name: str, cli: Cli, servers: ReferenceServers) -> None:
    arguments, code, error = FAILURES[name]
    offer = servers.offer("pid")
    picture = cli.folder / "wifi.png"
    segno.make_qr("WIFI:S:home;T:WPA;P:secret;;").save(str(picture), scale=6)
    words = {
        "OFFER": offer,
        "UNKNOWN": offer.replace("pid", "nothing"),
        "ELSEWHERE": offer.replace(
            quote(servers.issuer_url, safe=""), quote(servers.server_url, safe="")
        ),
        "PICTURE": str(picture),
    }
    arguments = [words.get(one, one) for one in arguments]
    done = cli(*arguments, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    assert json.loads(done.stdout)["error"]["code"] == error
    plain = cli(*arguments)
    assert plain.returncode == code
    assert "code: " + error in plain.stderr
    assert "Traceback" not in plain.stderr


def test_not_trusted_is_a_failed_verification(cli: Cli, servers: ReferenceServers) -> None:
    empty = cli.folder / "none.toml"
    empty.write_text('data_folder = "wallet"\npassphrase_file = "passphrase"\n')
    cli.environment["WALLET_SETTINGS_FILE"] = str(empty)
    code, out, _ = cli.add(servers.offer("pid"), "--json")
    error = json.loads(out)["error"]
    assert (code, error["code"]) == (9, "issuer_untrusted")
    assert [one["check"] for one in error["report"] if one["outcome"] == "failed"] == ["Issuer"]


def test_settings_and_their_precedence(cli: Cli) -> None:
    shown = cli.json("settings")["settings"]
    assert shown["client_id"] == {"value": "oid4vci-wallet", "from": "default"}
    assert shown["language"]["from"].startswith("file ")
    done = cli("settings", "--json", WALLET_LANGUAGE="it", WALLET_CLIENT_ID="from-environment")
    shown = json.loads(done.stdout)["settings"]
    assert shown["language"] == {"value": ["it"], "from": "environment WALLET_LANGUAGE"}
    done = cli("settings", "--json", "--client-id", "from-flag", WALLET_CLIENT_ID="x")
    shown = json.loads(done.stdout)["settings"]
    assert shown["client_id"] == {"value": "from-flag", "from": "flag --client-id"}
    assert set(shown) == {field.name for field in fields()}


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("colour = 1", "entry colour: is no setting"),
        ("http_timeout = 'soon'", "needs a number"),
        ("redirect_port = 70000", "at most 65535"),
        ("gui = 'phone'", "none of window, browser"),
        ("trust_anchor = [1]", "needs a list of texts"),
        ("camera = [", "file "),
    ],
)
def test_bad_settings(cli: Cli, file: str, words: str) -> None:
    (cli.folder / "settings.toml").write_text(file)
    done = cli("list")
    assert done.returncode == 4
    assert words in done.stderr
    assert "Traceback" not in done.stderr


class Terminal:
    """A process whose standard input and error are a terminal, and the person in front of it."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        if self.process.stdout:
            self.process.stdout.close()

    def until(self, words: str) -> str:
        """Read until `words` are shown; what was shown before them is gone then."""
        deadline = time.monotonic() + 30
        while words not in self.seen:
            readable, _, _ = select.select([self.master], [], [], deadline - time.monotonic())
            assert readable, self.seen
            self.seen += os.read(self.master, 4_096).decode()
        before, _, self.seen = self.seen.partition(words)
        return before

    def type(self, text: str) -> None:
        os.write(self.master, f"{text}\n".encode())

    def end(self) -> tuple[int, str]:
        assert self.process.stdout
        out = self.process.stdout.read().decode()
        return self.process.wait(30), out


def test_a_person_at_a_terminal(cli: Cli, servers: ReferenceServers) -> None:
    command = cli.command("add", servers.offer("pid"), "--no-browser")
    with Terminal(command, cli.environment) as terminal:
        assert f"leads to {servers.issuer_url.split('/')[2]}" in terminal.until("Contact it? [y/N]")
        terminal.type("y")
        assert "Vorname" in terminal.until("Accept pid? [y/N]")
        terminal.type("yes")
        terminal.until("http")
        url = "http" + terminal.until("\r\n")
        httpx.get(servers.sign_in(url), trust_env=False)
        code, out = terminal.end()
    assert code == 0
    assert "Vorname: Erika" in out


@pytest.mark.parametrize("answer", ["", "n", "nonsense"])
def test_a_person_who_does_not_agree(cli: Cli, servers: ReferenceServers, answer: str) -> None:
    with Terminal(cli.command("add", servers.offer("pid")), cli.environment) as terminal:
        terminal.until("Contact it? [y/N]")
        terminal.type(answer)
        terminal.until("code: cancelled")
        assert terminal.end()[0] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "OFFER"], "Contact it?"),
        (["add", "OFFER", "--yes", "--no-browser"], "http"),
        (["add", "-"], "Paste the offer's link"),
        (["create", "--with-passphrase", "--settings-file", "EMPTY"], "Choose a passphrase:"),
    ],
)
def test_ctrl_c_ends_every_wait(
    arguments: list[str], words: str, cli: Cli, servers: ReferenceServers
) -> None:
    empty = cli.folder / "empty.toml"
    empty.write_text('data_folder = "other"')
    given = {"OFFER": servers.offer("pid"), "EMPTY": str(empty)}
    command = cli.command(*(given.get(one, one) for one in arguments))
    with Terminal(command, cli.environment) as terminal:
        terminal.until(words)
        terminal.process.send_signal(signal.SIGINT)
        terminal.until("code: cancelled")
        assert terminal.end()[0] == 3
    assert cli.json("list") == []


def test_a_passphrase_is_asked_for(cli: Cli) -> None:
    settings = cli.folder / "other.toml"
    settings.write_text('data_folder = "other"')
    cli.environment["WALLET_SETTINGS_FILE"] = str(settings)
    for again, code in (("correct hors", 3), ("correct horse", 0)):
        with Terminal(cli.command("create", "--with-passphrase"), cli.environment) as terminal:
            terminal.until("Choose a passphrase:")
            terminal.type("correct horse")
            assert "correct" not in terminal.until("Once more:")
            terminal.type(again)
            assert terminal.end()[0] == code
    for typed, code, error in (("wrong horse", 4, "passphrase_wrong"), ("correct horse", 0, "")):
        with Terminal(cli.command("list", "--json"), cli.environment) as terminal:
            terminal.until("Passphrase:")
            terminal.type(typed)
            ended, out = terminal.end()
        assert ended == code
        assert error in out
    done = cli("list", "--json")  # nobody there to ask
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (4, "passphrase_needed")


async def test_one_wallet_at_a_time(cli: Cli) -> None:
    async with Wallet(load({"data_folder": cli.folder / "wallet"}, {})) as wallet:
        await wallet.create(Secret(PASSPHRASE))
        done = await asyncio.to_thread(cli, "list", "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (4, "store_in_use")
    assert cli.json("list") == []


@pytest.mark.parametrize(
    ("data", "code", "error"),
    [
        (b"\xff\x00", 7, "not_an_offer"),
        (b"", 7, "not_an_offer"),
        (FAILURES["issuer down"][0][-1].encode() + b"\n", 5, "unreachable"),
    ],
)
def test_an_offer_through_a_pipe(cli: Cli, data: bytes, code: int, error: str) -> None:
    done = subprocess.run(
        cli.command("add", "-", "--yes", "--json"),
        input=data,
        capture_output=True,
        env=cli.environment,
        timeout=60,
        check=False,
    )
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (code, error)


def test_a_credential_is_revoked(cli: Cli, servers: ReferenceServers) -> None:
    assert cli("status").returncode == 4
    assert cli.add(servers.offer("pid"))[0] == 0
    [card] = cli.json("list")
    assert card["status"] is None
    [asked] = cli.json("status")
    assert asked["status"]["standing"] == "valid"
    assert cli.json("status") == []
    assert "Nobody needed to be asked." in cli("status").stderr
    with operator(servers) as counter:
        counter.set_status("revoked")
    assert "revoked, asked " in cli("status", card["id"]).stdout
    assert "revoked" in cli("list").stdout
    assert "status: revoked" in cli("show", card["id"]).stdout


def test_prf_01_a_key_with_a_certificate(cli: Cli, servers: ReferenceServers) -> None:
    key = ECKey.generate_key("P-256").as_dict(private=True)
    (cli.folder / "provider.json").write_text(json.dumps(key))
    flags = {
        "wallet-provider": "development",
        "wallet-provider-key": str(cli.folder / "provider.json"),
        "client-authentication": "none",
        "key-reference": "x5c",
    }
    told = [part for name, value in flags.items() for part in (f"--{name}", value)]
    code, out, log = cli.add(servers.offer("pid"), "--json", *told)
    assert code == 0, out + log
    assert len(cli.json("list")) == 1
