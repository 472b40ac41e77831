"""Who may know whom, in the sources and in a running process."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import ROOT, below, imports, sources, tree

BEHIND_THE_FACES = tuple(
    f"wallet.{room}"
    for room in ("credentials", "engine", "net", "oauth", "openid4vci", "scan", "trust", "vault")
)


def known(folder: str, *packages: str) -> dict[str, set[str]]:
    """For each file below `folder` that imports from `packages`, what it imports."""
    found = {str(file): below(imports(file), *packages) for file in sources(folder)}
    return {file: modules for file, modules in found.items() if modules}


def test_the_faces_know_the_composition_root_only() -> None:
    assert known("wallet/cli", *BEHIND_THE_FACES) == {}
    assert known("wallet/gui", *BEHIND_THE_FACES) == {}


@pytest.mark.parametrize(
    ("folder", "strangers"),
    [
        ("wallet", ("reference_servers", "tests")),
        ("reference_servers", ("wallet", "tests")),
        ("reference_servers/authorization_server", ("reference_servers.credential_issuer",)),
        ("reference_servers/credential_issuer", ("reference_servers.authorization_server",)),
    ],
)
def test_wallet_and_servers_meet_over_http_only(folder: str, strangers: tuple[str, ...]) -> None:
    assert known(folder, *strangers) == {}


@pytest.mark.parametrize("folder", ["wallet/openid4vci", "wallet/oauth", "wallet/credentials"])
def test_the_readers_are_pure(folder: str) -> None:
    impure = ("asyncio", "logging", "os", "pathlib", "random", "secrets", "socket", "time", "httpx")
    # A proof that may cost too much is judged in a process that can be killed: by this program.
    program = {"wallet/credentials/ldp_vc/proof.py", "wallet/credentials/ldp_vc/proof_reader.py"}
    assert known(folder, *impure).keys() - program == set()
    for file in sources(folder):
        calls = [node for node in ast.walk(tree(ROOT / file)) if isinstance(node, ast.Attribute)]
        assert not {"now", "utcnow", "today"} & {
            call.attr
            for call in calls
            if isinstance(call.value, ast.Name) and call.value.id == "datetime"
        }


def loaded(script: str, *arguments: str) -> set[str]:
    """The modules that a process of its own has loaded after `script`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\nimport sys; print('\\n', *sys.modules)", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def test_the_command_line_loads_neither_window_nor_protocol() -> None:
    modules = loaded(IMPORT_ALL, "wallet.cli")
    assert "wallet.app" in modules
    assert below(modules, "flet", "cv2", "httpx", "pydantic", *BEHIND_THE_FACES) == set()


COMMAND = """
import sys
from wallet.__main__ import main
sys.argv[0] = "wallet"
assert main() == 0
"""


def test_a_command_loads_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("correct horse")
    (tmp_path / "settings.toml").write_text(
        'data_folder = "wallet"\npassphrase_file = "passphrase"\n'
    )
    flags = ("--settings-file", str(tmp_path / "settings.toml"))
    store = {"sqlcipher3", "keyring", "cryptography"}  # in the vault's process only
    unneeded = {"flet", "cv2", "zxingcpp", "pyzbar", "httpx", "uvicorn"}
    assert loaded(COMMAND, "settings", *flags) & (unneeded | store | {"pydantic"}) == set()
    assert loaded(COMMAND, "list", *flags) & (unneeded | store) == set()  # nothing to open yet
    assert loaded(COMMAND, "create", *flags) & (unneeded | store) == set()
    assert loaded(COMMAND, "list", *flags) & (unneeded | store) == set()


@pytest.mark.parametrize(
    ("package", "strangers"),
    [
        ("wallet", ("reference_servers", "fastapi", "sqlalchemy")),
        (
            "reference_servers.authorization_server",
            ("wallet", "reference_servers.credential_issuer"),
        ),
        (
            "reference_servers.credential_issuer",
            ("wallet", "reference_servers.authorization_server"),
        ),
    ],
)
def test_a_whole_program_loads_nothing_of_the_others(
    package: str, strangers: tuple[str, ...]
) -> None:
    modules = loaded(IMPORT_ALL, package)
    assert len(below(modules, package)) > 5
    assert below(modules, *strangers) == set()
