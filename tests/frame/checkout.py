"""A small checkout around the real start script, with stand-ins for every program it calls."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

UV = """\
#!/bin/sh
# Makes real environments without packages; "installing" the project is a line in a .pth file.
echo "$*" >> "{log}"
for last; do :; done
case "$*" in
venv*) "$4" -m venv --without-pip "$last" ;;
*--require-hashes*) test ! -e "{stall}" || exec sleep 60 ;;
*--editable*) set -- "$last"/.venv/lib/python*/site-packages && echo "$last" > "$1/here.pth" ;;
esac
"""

WALLET = """\
import json, os, sys, time
said = {"arguments": sys.argv[1:], "folder": os.getcwd(), "prefix": sys.prefix}
print(json.dumps(said | {"process": os.getpid()}), flush=True)
if "wait" in sys.argv:
    time.sleep(60)
sys.exit(7)
"""

SERVERS = """\
import os, pathlib, sys, time
data = pathlib.Path(sys.argv[sys.argv.index("--data-dir") + 1])
data.mkdir(parents=True, exist_ok=True)
(data / "pid").write_text(str(os.getpid()))
if (data / "broken").exists():
    sys.exit("the port is taken")
print("login: zita")
print("ready https://issuer.example", flush=True)
time.sleep(60)
"""

# A build backend of the standard library, so that pip can install the project without network.
BACKEND = """\
import pathlib, zipfile
NAME = "small-0-py3-none-any.whl"
FILES = {
    "small.pth": str(pathlib.Path.cwd()),
    "small-0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: small\\nVersion: 0\\n",
    "small-0.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "small-0.dist-info/RECORD": "",
}
def build_editable(folder, settings=None, metadata=None):
    with zipfile.ZipFile(pathlib.Path(folder, NAME), "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(name, text)
    return NAME
"""

PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "small"
version = "0"
"""


class Checkout:
    """A folder with `run` in it, and a PATH with nothing but the stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a check out"
        self.programs = folder / "bin"
        self.log = folder / "log"
        self.stall = folder / "stall"
        self.programs.mkdir()
        for name, text in {
            "requirements.lock": "# nothing\n",
            "pyproject.toml": PROJECT,
            "backend.py": BACKEND,
            "wallet/__main__.py": WALLET,
            "reference_servers/demo/__main__.py": SERVERS,
            "tests/checklist/__main__.py": "import sys; print('ran checklist', *sys.argv[1:])",
            "tests/interop/package-lock.json": "{}",
        }.items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        shutil.copy(ROOT / "run", self.root)
        python = Path(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info))
        self.program("python3", f'exec "{python}" "$@"')
        self.program("apt-get", f'echo "apt-get $*" >> "{self.log}"')
        (self.programs / "env").symlink_to(shutil.which("env") or "/usr/bin/env")
        (self.programs / "sleep").symlink_to(shutil.which("sleep") or "/bin/sleep")
        self.program("uv", UV.format(log=self.log, stall=self.stall))

    @property
    def environment(self) -> dict[str, str]:
        """The environment of `run`: the network is out of reach even if something tried it."""
        kept = {name: value for name, value in os.environ.items() if name in {"HOME", "TMPDIR"}}
        return {**kept, "PATH": str(self.programs), "PIP_NO_INDEX": "1"}

    def program(self, name: str, script: str) -> None:
        """Put a stand-in on the PATH."""
        file = self.programs / name
        file.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start `run` from a folder that is not the checkout, as the leader of its own group."""
        return subprocess.Popen(
            [self.root / "run", *arguments],
            cwd=self.programs,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Start `run` and wait for its end."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def calls(self) -> list[str]:
        """What the set-up called since the last look, shortened to what it is about."""
        if not self.log.exists():
            return []
        text = self.log.read_text()
        self.log.unlink()
        kinds = ("venv", "--require-hashes", "--editable", "apt-get", "compile", "npm")
        lines = [line.split() for line in text.splitlines()]
        return [next(kind for kind in kinds if kind in line).strip("-") for line in lines]
