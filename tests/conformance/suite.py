"""A running conformance suite, by its REST API."""

import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ENDED = ("FINISHED", "INTERRUPTED")
NOTEWORTHY = ("FAILURE", "WARNING", "REVIEW", "SKIPPED")


@dataclass(frozen=True)
class Outcome:
    """What came of a module.

    Attributes:
        plan: The plan's name, and the choices that were made for it.
        module: The module's name, and its variant where it has several.
        result: PASSED, WARNING, REVIEW, SKIPPED, FAILED; or INTERRUPTED, where it did not end.
        notes: What was remarked: the condition, its severity and its sentence.
        log: Where to read more.
    """

    plan: str
    module: str
    result: str
    notes: Sequence[str]
    log: str


@dataclass
class Suite:
    """The suite at a URL, in development mode, where nobody signs in.

    Attributes:
        url: Without a final slash.
        ca_file: The authority of its certificate.
    """

    url: str
    ca_file: Path
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        trusted = ssl.create_default_context(cafile=self.ca_file)
        self.http = httpx.Client(verify=trusted, trust_env=False, timeout=60)

    def _asked(self, method: str, path: str, **how: Any) -> Any:
        answer = self.http.request(method, f"{self.url}/api/{path}", **how)
        assert answer.status_code in (200, 201), f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def version(self) -> str:
        """Of the suite, with the revision it was built from."""
        server = self._asked("GET", "server")
        return f"{server['version']} ({server['revision']})"

    def plan(self, name: str, variant: Mapping[str, str], config: Mapping[str, Any]) -> Any:
        """Make a plan; its id and modules."""
        query = {"planName": name, "variant": json.dumps(variant)}
        return self._asked("POST", "plan", params=query, json=config)

    def start(self, plan: str, module: Mapping[str, Any]) -> str:
        """Make a module of a plan, and start it where it does not start by itself; its id."""
        query = {"test": module["testModule"], "plan": plan}
        if module["variant"]:
            query["variant"] = json.dumps(module["variant"])
        made = self._asked("POST", "runner", params=query)["id"]
        if self.wait(made, 60, "CONFIGURED", "WAITING") == "CONFIGURED":
            self._asked("POST", f"runner/{made}")
        return str(made)

    def status(self, test: str) -> str:
        """Where a module is."""
        return str(self._asked("GET", f"info/{test}")["status"])

    def wait(
        self, test: str, seconds: float, *wanted: str, meanwhile: Callable[[], object] | None = None
    ) -> str:
        """Wait for one of some states, or for the end; the state then."""
        until = time.monotonic() + seconds
        while (status := self.status(test)) not in (*wanted, *ENDED):
            if time.monotonic() > until:
                break
            if meanwhile:
                meanwhile()
            time.sleep(0.3)
        return status

    def to_visit(self, test: str) -> Sequence[str]:
        """The URLs that somebody at a browser is to open."""
        return list(self._asked("GET", f"runner/browser/{test}")["urls"])

    def log(self, test: str, source: str = "") -> Sequence[Mapping[str, Any]]:
        """What a module wrote down; of one condition only, where it is named."""
        entries: Sequence[Mapping[str, Any]] = self._asked("GET", f"log/{test}")
        return [entry for entry in entries if source in ("", entry["src"])]

    def exposed(self, test: str) -> Mapping[str, str]:
        """What a module tells whoever is tested."""
        return dict(self._asked("GET", f"runner/{test}")["exposed"])

    def cancel(self, test: str) -> None:
        """End a module."""
        self.http.delete(f"{self.url}/api/runner/{test}")

    def outcome(self, plan: str, module: str, test: str) -> Outcome:
        """What came of a module."""
        info = self._asked("GET", f"info/{test}")
        notes = [
            f"{entry['result']} {entry['src']}: {entry['msg']}"
            for entry in self.log(test)
            if entry.get("result") in NOTEWORTHY
        ]
        ended = info["status"] == "FINISHED"
        result = info.get("result") or "UNKNOWN" if ended else info["status"]
        page = f"{self.url}/log-detail.html?log={test}"
        if result == "PASSED":
            notes = []  # only what would have been to look at, had it gone another way
        return Outcome(plan, module, result, list(dict.fromkeys(notes)), page)
