"""Start both reference servers with the demo's people: `python -m reference_servers.demo`."""

import argparse
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from reference_servers.demo.people import PEOPLE, write_seeds
from reference_servers.serving import end_with_parent


def _start(name: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a server and wait for its line `ready …`."""
    command = [sys.executable, "-m", f"reference_servers.{name}", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith("ready "):
        process.terminate()
        sys.exit(f"reference_servers.demo: the {name.replace('_', ' ')} did not start")
    return process


def main() -> None:
    """Serve until SIGINT or SIGTERM, or until one of the servers ends."""
    parser = argparse.ArgumentParser(prog="python -m reference_servers.demo", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path("demo"), help="folder for all data")
    parser.add_argument("--issuer-port", type=int, default=8701)
    parser.add_argument("--authorization-server-port", type=int, default=8702)
    arguments = parser.parse_args()
    folder: Path = arguments.data_dir.absolute()
    issuer = f"http://127.0.0.1:{arguments.issuer_port}"
    server = f"http://127.0.0.1:{arguments.authorization_server_port}"
    end_with_parent()
    signal.signal(signal.SIGTERM, _interrupt)
    folder.mkdir(parents=True, exist_ok=True)
    people, datasets = write_seeds(folder)
    processes: list[subprocess.Popen[str]] = []
    try:
        processes.append(
            _start(
                "credential_issuer",
                *("--public-url", issuer, "--port", str(arguments.issuer_port)),
                *("--data-dir", str(folder / "credential_issuer")),
                *("--authorization-server", server, "--datasets-file", str(datasets)),
            )
        )
        shutil.copyfile(folder / "credential_issuer" / "ca.pem", folder / "ca.pem")
        processes.append(
            _start(
                "authorization_server",
                *("--public-url", server, "--port", str(arguments.authorization_server_port)),
                *("--data-dir", str(folder / "authorization_server")),
                *("--credential-issuers", f'["{issuer}"]', "--people-file", str(people)),
            )
        )
        logins = ", ".join(f"{one.username} / {one.password}" for one in PEOPLE)
        print(f"ready {issuer}", flush=True)
        print(f"Sign in as: {logins}", flush=True)
        processes[0].wait()
    except KeyboardInterrupt:
        pass
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
