"""Settings of a server: defaults, then a TOML file, then the environment, then flags."""

import argparse
import json
import os
import ssl
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from reference_servers import faults

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _identifier(url: str) -> str:
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if (
        not (secure and parts.hostname and parts.port != 0)
        or set(url) & set("?#@ ")
        or url[-1] == "/"
    ):
        message = "needs https (http on this machine only), and no user, query, fragment, final /"
        raise ValueError(message)
    return url


Identifier = Annotated[str, AfterValidator(_identifier)]
"""The URL by which a server is known."""
Port = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[int, Field(ge=0)]


class Configuration(BaseModel):
    """What the settings of both servers have; each field's description is its help text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public_url: Identifier
    host: str = Field("127.0.0.1", description="address to listen on")
    port: Port = Field(description="port to listen on")
    public: bool = Field(False, description="allow an address that others can reach; needs https")
    data_dir: Path = Field(description="folder for its data")
    database_url: str = Field("", description="SQLAlchemy URL; SQLite in the data folder otherwise")
    ca_file: Path | None = Field(
        None, description="PEM file of authorities to trust for TLS besides the usual ones"
    )
    profile: Literal["strict", "lenient", "haip"] = Field(
        "strict",
        description="strict: the standards as written; lenient: takes what wallets are known to do "
        "wrong, and notes it; haip: all that HAIP 1.0 demands",
    )
    fault: Annotated[str, AfterValidator(faults.known)] = Field(
        "", description="a way of being wrong on purpose: python -m reference_servers.faults"
    )

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'state.db'}"

    def tls(self) -> ssl.SSLContext:
        """What the certificates of the servers that this one asks are checked against.

        Raises:
            OSError: `ca_file` cannot be read, or holds no certificates.
        """
        context = httpx.create_ssl_context(trust_env=False)
        if self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        return context

    @property
    def path(self) -> str:
        """The path all endpoints begin with; empty where there is none."""
        return urlsplit(self.public_url).path

    @property
    def exposed(self) -> bool:
        """Whether it listens where others can reach it, without being meant to."""
        meant = self.public and self.public_url.startswith("https://")
        return self.host not in LOOPBACK and not meant


C = TypeVar("C", bound=Configuration)
M = TypeVar("M", bound=BaseModel)


def configured(kind: type[C], program: str, prefix: str, argv: Sequence[str] | None = None) -> C:
    """The settings in force; ends the process with code 2 and a sentence where they are wrong."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {program}",
        description=kind.__doc__,
        epilog=f"Each setting is also an entry of the TOML file and a variable {prefix}NAME; "
        "a flag is stronger than a variable, a variable stronger than the file. Lists are JSON.",
    )
    parser.add_argument("--config", metavar="FILE", help="TOML file with settings")
    for name, field in kind.model_fields.items():
        flag, default = f"--{name.replace('_', '-')}", field.default
        if field.annotation is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, help=field.description)
        else:
            shown = json.dumps(default) if isinstance(default, list) else default
            note = f" (default: {shown})" if default not in ("", None) else ""
            parser.add_argument(flag, metavar="VALUE", help=f"{field.description}{note}")
    given = vars(parser.parse_args(argv))
    values: dict[str, Any] = {}
    try:
        file = given.pop("config") or os.environ.get(f"{prefix}CONFIG")
        if file:
            values |= tomllib.loads(Path(file).read_text("utf-8"))
        for name in kind.model_fields:
            if (variable := os.environ.get(prefix + name.upper())) is not None:
                values[name] = _parsed(name, variable)
            if given[name] is not None:
                values[name] = _parsed(name, given[name])
        return kind.model_validate(values)
    except ValidationError as error:
        refuse_to_start(program, _sentence(error))
    except (OSError, ValueError) as error:
        refuse_to_start(program, str(error))


def _parsed(name: str, value: str | bool) -> object:
    """Lists come as JSON; everything else as it is, for pydantic to read."""
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        message = f"{name}: not JSON"
        raise ValueError(message) from None


def seeds(file: Path | None, kind: type[M]) -> Sequence[M]:
    """The entries of a JSON file of things to add at start.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not such a file; the message repeats nothing of it.
    """
    if file is None:
        return ()
    try:
        return TypeAdapter(list[kind]).validate_json(file.read_bytes())  # type: ignore[valid-type]
    except ValidationError as error:
        message = f"{file}: {_sentence(error)}"
        raise ValueError(message) from None


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"


def refuse_to_start(program: str, reason: str) -> NoReturn:
    """End the process because it cannot serve."""
    print(f"{program}: {reason}", file=sys.stderr)  # noqa: T201
    sys.exit(2)
