"""Start both reference servers with the demo's people: `python -m reference_servers.demo`."""

import argparse
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from reference_servers.demo.people import (
    OPERATOR_PASSWORD,
    PEOPLE,
    keep_operator_password,
    write_seeds,
)
from reference_servers.faults import FAULTS
from reference_servers.serving import end_with_parent

LOOK_S: Final = 0.5
"""How often to look whether a server has ended."""


@contextmanager
def _serving(name: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A server, once it has said `ready …`."""
    command = [sys.executable, "-m", f"reference_servers.{name}", *arguments]
    with subprocess.Popen(  # noqa: S603 - a program of ours
        command,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=end_with_parent,  # noqa: PLW1509 - no thread has been started
    ) as process:
        try:
            if not process.stdout or not process.stdout.readline().startswith("ready "):
                sys.exit(f"reference_servers.demo: the {name.replace('_', ' ')} did not start")
            yield process
        finally:
            process.terminate()


def main() -> None:
    """Serve until SIGINT or SIGTERM, or until one of the servers ends."""
    parser = argparse.ArgumentParser(prog="python -m reference_servers.demo", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("demo"), help="folder for all data")
    parser.add_argument("--issuer-port", type=int, default=8701, metavar="PORT")
    parser.add_argument("--authorization-server-port", type=int, default=8702, metavar="PORT")
    parser.add_argument("--profile", default="strict", help="of both servers")
    parser.add_argument("--fault", default="", help="of the server that has it", metavar="NAME")
    arguments = parser.parse_args()
    folder: Path = arguments.data_dir.absolute()
    issuer = f"http://127.0.0.1:{arguments.issuer_port}"
    server = f"http://127.0.0.1:{arguments.authorization_server_port}"
    end_with_parent()
    signal.signal(signal.SIGTERM, _interrupt)
    keep_operator_password(folder / "credential_issuer")
    people, datasets = write_seeds(folder)
    issuer_settings = (
        *("--public-url", issuer, "--port", str(arguments.issuer_port)),
        *("--data-dir", str(folder / "credential_issuer")),
        *("--authorization-server", server, "--datasets-file", str(datasets)),
        *("--profile", arguments.profile, *_fault("credential_issuer", arguments.fault)),
    )
    server_settings = (
        *("--public-url", server, "--port", str(arguments.authorization_server_port)),
        *("--data-dir", str(folder / "authorization_server")),
        *("--credential-issuers", f'["{issuer}"]', "--people-file", str(people)),
        *("--profile", arguments.profile, *_fault("authorization_server", arguments.fault)),
    )
    try:
        with (
            _serving("credential_issuer", *issuer_settings) as one,
            _serving("authorization_server", *server_settings) as other,
        ):
            shutil.copyfile(folder / "credential_issuer" / "ca.pem", folder / "ca.pem")
            logins = ", ".join(f"{one.username} / {one.password}" for one in PEOPLE)
            print(f"ready {issuer}", flush=True)
            print(f"Sign in as: {logins}", flush=True)
            print(f"The counter: {issuer}/operator, {OPERATOR_PASSWORD}", flush=True)
            while one.poll() is None and other.poll() is None:
                time.sleep(LOOK_S)
            sys.exit("reference_servers.demo: a server has ended")
    except KeyboardInterrupt:
        pass


def _fault(server: str, name: str) -> tuple[str, ...]:
    """The flag for the server that has the fault; what there is not, both refuse."""
    has = name not in FAULTS or FAULTS[name].server == server
    return ("--fault", name) if name and has else ()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
