"""Settings, the way the programs start, and how they end."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.reference_servers import free_port, hidden

SECRET = "sentinel-secret"
NAMES = ("authorization_server", "credential_issuer")


def start(name: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"reference_servers.{name}", *flags],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--host", "0.0.0.0"], "--public"),
        (["--host", "0.0.0.0", "--public"], "--public"),
        (["--host", "::", "--public"], "--public"),
        (["--port", "70000"], "port"),
        (["--data-dir", "/proc/self/none"], "/proc/self/none"),
        (["--database-url", SECRET], "the database"),
        (["--database-url", f"none://me:{SECRET}@127.0.0.1/x"], "the database"),
        (["--database-url", f"postgresql+psycopg://me:{SECRET}@127.0.0.1:1/x"], "the database"),
        (["--people-file", "{seeds}"], "seeds.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_ends_with_2_and_a_sentence(
    flags: list[str], word: str, tmp_path: Path
) -> None:
    seeds = tmp_path / "seeds.json"
    seeds.write_text(json.dumps([{"username": "a", "password": SECRET}]))
    flags = [flag.format(seeds=seeds) for flag in flags]
    done = start("authorization_server", "--data-dir", str(tmp_path / "data"), *flags)
    assert_refused(done, "authorization_server", word)


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for name in NAMES:
            done = start(name, "--data-dir", str(tmp_path / name), "--port", port)
            assert_refused(done, f"cannot listen on 127.0.0.1:{port}")


def begin(*flags: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "reference_servers.credential_issuer", *flags],
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_ipv6(tmp_path: Path) -> None:
    port = str(free_port())
    with begin("--host", "::1", "--port", port, "--data-dir", str(tmp_path)) as process:
        assert said(process).startswith("ready ")
        metadata = f"http://[::1]:{port}/.well-known/openid-credential-issuer"
        assert httpx.get(metadata, trust_env=False).status_code == 200
        process.terminate()


def ends(pid: int, within_s: float) -> bool:
    """Whether a process, not a child of ours, ends in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="watches a process by pidfd")
def test_a_server_outlives_the_shell_that_started_it(tmp_path: Path) -> None:
    port, ready = free_port(), tmp_path / "ready"
    os.mkfifo(ready)
    shell = subprocess.run(
        [
            "sh",
            "-c",
            '"$@" >"$READY" 2>/dev/null & echo $!; read -r line <"$READY"',
            "sh",
            *(sys.executable, "-m", "reference_servers.credential_issuer"),
            *("--port", str(port), "--data-dir", str(tmp_path / "data")),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "READY": str(ready)},
    )
    server = int(shell.stdout)
    try:
        assert not ends(server, within_s=1)
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 200
    finally:
        os.kill(server, signal.SIGKILL)


def test_ending_does_not_wait_for_slow_clients(tmp_path: Path) -> None:
    port = str(free_port())
    with begin("--port", port, "--data-dir", str(tmp_path)) as process:
        assert said(process).startswith("ready ")
        with socket.create_connection(("127.0.0.1", int(port))) as slow:
            slow.sendall(b"POST /credential HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
            process.terminate()
            assert process.wait(30) in (0, -signal.SIGTERM)


# The demo.


def demo(folder: Path, *flags: str) -> "subprocess.Popen[str]":
    ports = ("--issuer-port", str(free_port()), "--authorization-server-port", str(free_port()))
    return subprocess.Popen(
        [sys.executable, "-m", "reference_servers.demo", "--data-dir", str(folder), *ports, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def children(process: "subprocess.Popen[str]") -> list[int]:
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in tasks.read_text().split()]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("which", [0, 1])
def test_the_demo_ends_when_one_of_its_servers_does(tmp_path: Path, which: int) -> None:
    with demo(tmp_path) as process:
        assert said(process).startswith("ready ")
        both = children(process)
        os.kill(both[which], signal.SIGKILL)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "a server has ended" in err
    assert all(ends(pid, within_s=20) for pid in both)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_demo_takes_its_servers_with_it(tmp_path: Path, number: signal.Signals) -> None:
    with demo(tmp_path) as process:
        assert said(process).startswith("ready ")
        assert said(process) == "Sign in as: erika / demo-erika, max / demo-max"
        assert said(process).endswith("/operator, demo-operator")
        both = children(process)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    for pid in both:
        assert ends(pid, within_s=20)


def test_the_demo_s_operator_and_its_fault(tmp_path: Path) -> None:
    with demo(tmp_path, "--profile", "lenient", "--fault", "nonce-missing") as process:
        url = said(process).removeprefix("ready ")
        try:
            assert httpx.post(f"{url}/nonce", trust_env=False).json() == {}
            with httpx.Client(trust_env=False, follow_redirects=True) as browser:
                form = hidden(browser.get(f"{url}/operator").text) | {"password": "demo-operator"}
                assert "Erika" in browser.post(f"{url}/operator/login", data=form).text
        finally:
            process.terminate()
            process.communicate(timeout=30)


def test_the_demo_does_not_start_with_a_fault_that_there_is_not(tmp_path: Path) -> None:
    with demo(tmp_path, "--fault", "nothing") as process:
        _, said_wrong = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "fault: no such fault" in said_wrong
