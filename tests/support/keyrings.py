"""A keyring service outside of the wallet, which outlives the processes that use it."""

import json
from pathlib import Path


class FileKeyring:
    """Keeps its entries in a file, each change whole or not at all, as a real service does."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def entries(self) -> dict[str, str]:
        return dict(json.loads(self._path.read_text())) if self._path.exists() else {}

    @entries.setter
    def entries(self, entries: dict[str, str]) -> None:
        unfinished = self._path.with_suffix(".new")
        unfinished.write_text(json.dumps(entries))
        unfinished.replace(self._path)

    def set_password(self, service: str, user: str, text: str) -> None:
        self.entries = self.entries | {service: text}

    def get_password(self, service: str, user: str) -> str | None:
        return self.entries.get(service)

    def delete_password(self, service: str, user: str) -> None:
        entries = self.entries
        del entries[service]
        self.entries = entries
