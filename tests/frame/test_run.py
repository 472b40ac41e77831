"""The start script `run`: what it prepares, what it starts, how it ends."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.frame.checkout import Checkout

EVERYTHING = ["venv", "require-hashes", "editable"]
JUNIT = """\
<testsuites><testsuite><testcase classname="tests.a" name="test_b">
<skipped type="pytest.skip" message="no camera"/></testcase>
<testcase classname="tests.a" name="test_c">
<skipped type="pytest.xfail" message="known"/></testcase></testsuite></testsuites>
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def wait_for(file: Path) -> str:
    """The text of a file that is about to be written."""
    for _ in range(500):
        if file.exists() and (text := file.read_text()):
            return text
        time.sleep(0.02)
    raise TimeoutError(file)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_help_needs_no_environment(checkout: Checkout) -> None:
    for flag in ("--help", "-h"):
        done = checkout.run(flag)
        assert done.returncode == 0
        for command in ("wallet", "servers", "test", "bench", "lock"):
            assert f"\n  {command} " in done.stdout
    assert checkout.calls() == []


def test_an_unknown_command_is_refused_with_the_list(checkout: Checkout) -> None:
    done = checkout.run("walet")
    assert done.returncode == 2
    assert "'walet'" in done.stderr
    assert "wallet, servers, test, bench, soak, checklist, lock" in done.stderr
    assert checkout.calls() == []


@pytest.mark.parametrize("old", [True, False])
def test_without_a_python_of_today_it_says_so(checkout: Checkout, *, old: bool) -> None:
    if old:
        checkout.program("python3", "exit 1")
    else:
        (checkout.programs / "python3").unlink()
    done = checkout.run("wallet")
    assert done.returncode == 1
    assert done.stderr == "run: this needs Python 3.11 or newer, and there is none on the PATH.\n"


def test_the_second_start_installs_nothing(checkout: Checkout) -> None:
    first = checkout.run("wallet", "list", "--help")
    assert checkout.calls() == EVERYTHING
    began = time.monotonic()
    second = checkout.run("wallet", "list", "--help")
    assert time.monotonic() - began < 2
    assert checkout.calls() == []
    assert first.returncode == second.returncode == 7
    assert "preparing" in first.stderr
    assert second.stderr == ""
    started = json.loads(first.stdout)
    assert started["arguments"] == ["list", "--help"]
    assert started["folder"] == str(checkout.programs)
    assert started["prefix"] == str(checkout.root / ".venv")


def test_only_what_changed_is_installed(checkout: Checkout) -> None:
    checkout.run("wallet")
    assert checkout.calls() == EVERYTHING
    with (checkout.root / "pyproject.toml").open("a") as project:
        project.write("# a change\n")
    checkout.run("wallet")
    assert checkout.calls() == ["editable"]
    (checkout.root / "requirements.lock").write_text("# a change\n")
    checkout.run("wallet")
    assert checkout.calls() == EVERYTHING
    moved = checkout.root.with_name("elsewhere")
    checkout.root.rename(moved)
    checkout.root = moved
    checkout.run("wallet")
    assert checkout.calls() == EVERYTHING


def test_an_interrupted_set_up_is_done_again(checkout: Checkout) -> None:
    checkout.stall.touch()
    with checkout.start("wallet") as process:
        while "require-hashes" not in wait_for(checkout.log):
            time.sleep(0.02)
        process.terminate()
        assert process.wait(20) == 128 + signal.SIGTERM
    checkout.stall.unlink()
    checkout.calls()
    leftover = checkout.root / ".venv" / "leftover"
    leftover.touch()
    assert checkout.run("wallet").returncode == 7
    assert checkout.calls() == EVERYTHING
    assert not leftover.exists()
    (checkout.root / ".venv" / "prepared").write_text("")
    assert checkout.run("wallet").returncode == 7
    assert checkout.calls() == EVERYTHING


def test_parallel_starts_prepare_once(checkout: Checkout) -> None:
    with checkout.start("wallet") as one, checkout.start("wallet") as other:
        one.communicate(timeout=60)
        other.communicate(timeout=60)
    assert one.returncode == other.returncode == 7
    assert checkout.calls() == EVERYTHING


def test_a_set_up_that_cannot_be_done_is_an_error(checkout: Checkout) -> None:
    (checkout.root / "requirements.lock").write_text("not-at-hand==1 --hash=sha256:00\n")
    checkout.program("uv", "exit 3")
    done = checkout.run("wallet")
    assert done.returncode == 1
    assert done.stderr.endswith("could not be prepared; the reason stands above.\n")
    assert not (checkout.root / ".venv" / "prepared").exists()


def test_venv_and_pip_do_where_uv_is_not(checkout: Checkout) -> None:
    (checkout.programs / "uv").unlink()
    done = checkout.run("wallet")
    assert done.returncode == 7, done.stderr
    began = time.monotonic()
    assert checkout.run("wallet").stderr == ""
    assert time.monotonic() - began < 2


def test_the_demo_ends_with_its_wallet(checkout: Checkout) -> None:
    for arguments in (["--browser"], ["--", "--browser"]):
        done = checkout.run(*arguments)
        assert done.returncode == 7
        assert "login: zita" in done.stderr
        assert "https://issuer.example" in done.stderr
        data = checkout.root / "build" / "demo"
        assert json.loads(done.stdout)["arguments"] == [
            *("--profile", "demo", "--offered-anchor", str(data / "ca.pem")),
            "--loopback-development",
            "--browser",
        ]
        assert not is_running(int((data / "pid").read_text()))


def test_demo_servers_that_die_are_an_error(checkout: Checkout) -> None:
    data = checkout.root / "build" / "demo"
    data.mkdir(parents=True)
    (data / "broken").touch()
    done = checkout.run()
    assert done.returncode == 1
    assert "the demo servers did not start" in done.stderr
    assert "the port is taken" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("number", "whole_group"),
    [(signal.SIGINT, True), (signal.SIGHUP, True), (signal.SIGTERM, True), (signal.SIGTERM, False)],
)
def test_a_signal_leaves_no_process(
    checkout: Checkout, number: signal.Signals, *, whole_group: bool
) -> None:
    with checkout.start("--", "wait") as process:
        assert process.stdout
        wallet = json.loads(process.stdout.readline())["process"]
        servers = int((checkout.root / "build" / "demo" / "pid").read_text())
        (os.killpg if whole_group else os.kill)(process.pid, number)
        assert process.wait(20) == 128 + number
    assert not is_running(wallet)
    assert not is_running(servers)


def test_the_servers_alone(checkout: Checkout) -> None:
    with checkout.start("servers") as process:
        assert process.stdout
        assert process.stdout.readline() == "login: zita\n"
        assert process.stdout.readline() == "ready https://issuer.example\n"
        process.terminate()
        assert process.wait(20) == -signal.SIGTERM


def checks(checkout: Checkout, failing: str = "") -> None:
    """Put stand-ins for the checks on the PATH."""
    for name in ("ruff", "mypy", "lint-imports", "pytest"):
        report = f"echo '{JUNIT}' > '{checkout.root}/build/junit.xml'" if name == "pytest" else ""
        checkout.program(name, f'{report}\necho "ran {name} $*"\nexit {int(name == failing)}')
    (checkout.root / "build").mkdir()


def test_every_check_runs_even_after_one_that_failed(checkout: Checkout) -> None:
    checks(checkout, failing="mypy")
    done = checkout.run("test", "-k", "scan")
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line] == [
        "=== ruff check ===",
        "ran ruff check . run",
        "=== ruff format ===",
        "ran ruff format --check . run",
        "=== mypy ===",
        "ran mypy ",
        "=== lint-imports ===",
        "ran lint-imports ",
        "=== checklist ===",
        "ran checklist --brief",
        "=== pytest ===",
        f"ran pytest -n auto --dist loadfile --junitxml={checkout.root}/build/junit.xml -k scan",
        "=== failed: mypy ===",
    ]


def test_a_skipped_test_fails_where_skips_are_not_allowed(checkout: Checkout) -> None:
    checks(checkout)
    allowed = checkout.run("test")
    assert allowed.returncode == 0
    assert allowed.stdout.endswith("=== all passed ===\n")
    for done in (checkout.run("test", CI="true"), checkout.run("test", "--no-skips")):
        assert done.returncode == 1
        assert "\n  tests.a::test_b: no camera\n" in done.stdout
        assert "test_c" not in done.stdout
        assert "--no-skips" not in done.stdout
        assert done.stdout.endswith("=== failed: skips ===\n")


def test_a_report_of_an_earlier_run_is_not_believed(checkout: Checkout) -> None:
    checks(checkout)
    assert checkout.run("test", CI="true").returncode == 1
    checkout.program("pytest", "exit 4")
    assert checkout.run("test", CI="true").stdout.endswith("=== failed: pytest ===\n")


def test_a_missing_native_package_is_installed_or_named(checkout: Checkout) -> None:
    checks(checkout)
    done = checkout.run("test")
    assert "chromium is missing: sudo apt-get install chromium\n" in done.stderr
    assert ("apt-get" in checkout.calls()) == (os.geteuid() == 0)
    checkout.program("chromium", "exit 0")
    assert "chromium is missing" not in checkout.run("test").stderr


def test_programs_of_other_people_are_installed_as_locked(checkout: Checkout) -> None:
    checks(checkout)
    folder = checkout.root / "tests" / "interop"
    npm = f'echo "npm $*" >> "{checkout.log}"; /bin/mkdir -p "{folder}/node_modules"'
    checkout.program("npm", f"{npm}; exit 1")
    assert checkout.run("test").returncode == 0
    assert f"npm ci --prefix {folder}\n" in checkout.log.read_text()
    checkout.program("npm", npm)
    for lock, calls in (("{}", 1), ("{}", 0), ('{"newer": 1}', 1)):
        checkout.calls()
        (folder / "package-lock.json").write_text(lock)
        assert checkout.run("test").returncode == 0
        assert checkout.calls().count("npm") == calls


def test_the_lock_is_resolved_by_uv(checkout: Checkout) -> None:
    assert checkout.run("lock", "--upgrade").returncode == 0
    assert checkout.log.read_text() == (
        "pip compile pyproject.toml --extra servers --group dev --universal --python-version 3.11"
        " --generate-hashes --no-header -q -o requirements.lock --upgrade\n"
    )
    (checkout.programs / "uv").unlink()
    done = checkout.run("lock")
    assert done.returncode == 1
    assert "needs uv" in done.stderr
