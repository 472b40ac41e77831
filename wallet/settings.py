"""Every setting of the wallet, and where its value came from.

A setting is one field of `Settings`. From weak to strong: its default, its entry in the settings
file (TOML), its environment variable (`WALLET_` and the name in capitals), its flag (`--name`).
"""

import dataclasses
import locale
import os
import re
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from wallet.compat import ProfileName
from wallet.errors import LocalFailure

APPLICATION: Final = "oid4vci-wallet"
ENVIRONMENT_PREFIX: Final = "WALLET_"

Value = str | bool | int | float | Path | tuple[str, ...] | tuple[Path, ...] | None

ClientAuthentication = Literal[
    "auto",
    "none",
    "private_key_jwt",
    "attest_jwt_client_auth",
    "attest_jwt_client_auth_dpop",
]
KeyReference = Literal["auto", "x5c"]
DpopUse = Literal["auto", "required", "optional", "never"]


_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")  # BCP 47, roughly
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9._~/-]*")
_PROXY: Final = re.compile(r"http://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}/?")

_OWN_FOLDER: Final = Path()
"""Stands for the profile's own folder, which only `load` knows."""


def _setting(default: Value, text: str) -> typing.Any:  # noqa: ANN401 - a dataclass field
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class ServerSettings:
    """Who the wallet is at one authorization server: see the settings of the same names."""

    client_id: str
    client_authentication: ClientAuthentication
    client_key: Path | None
    wallet_provider: str
    wallet_provider_key: Path | None
    wallet_provider_chain: Path | None
    key_reference: KeyReference
    dpop: DpopUse


@dataclass(frozen=True)
class ServerEntry:
    """What is set for one authorization server.

    Attributes:
        issuer: Its issuer identifier.
        entries: Values by the name of a setting in `ServerSettings`.
    """

    issuer: str
    entries: Mapping[str, Value]

    def __str__(self) -> str:
        return f"{self.issuer}: {', '.join(f'{k} = {v}' for k, v in self.entries.items())}"


@dataclass(frozen=True)
class IssuerProfile:
    """What an issuer speaks, by its Credential Issuer Identifier."""

    issuer: str
    profile: ProfileName

    def __str__(self) -> str:
        return f"{self.issuer}={self.profile}"


@dataclass(frozen=True)
class Settings:
    """The settings in force. The texts below are those of `wallet --help`."""

    data_folder: Path = _setting(_OWN_FOLDER, "folder of the encrypted store")
    passphrase_file: Path | None = _setting(None, "file that holds the store's passphrase")
    auto_lock: float = _setting(
        300.0, "seconds without use after which the window locks the wallet; 0 for never"
    )
    trust_anchor: tuple[Path, ...] = _setting(
        (), "PEM files with the certificates of trusted issuers' authorities"
    )
    offered_anchor: Path | None = _setting(
        None, "PEM file with a certificate that the window offers for trust, once"
    )
    trust_policy: Literal["ask", "anchored"] = _setting(
        "ask",
        "what to do where no trust anchor vouches for an issuer: ask, or anchored: refuse",
    )
    language: tuple[str, ...] = _setting((), "languages for issuers' texts, best first (BCP 47)")
    client_id: str = _setting(APPLICATION, "client_id at authorization servers")
    client_authentication: ClientAuthentication = _setting(
        "auto", "how to authenticate there: auto, or the method's registered name"
    )
    client_key: Path | None = _setting(
        None, "file with the private key for private_key_jwt: PEM, or a JWK with its kid"
    )
    wallet_provider: str = _setting(
        "", "who attests this wallet and its keys: an https URL, development, or empty for nobody"
    )
    wallet_provider_key: Path | None = _setting(
        None, "file with the private key that signs attestations in development: PEM or JWK"
    )
    wallet_provider_chain: Path | None = _setting(
        None, "PEM file with that key's certificates, its own first, the trust anchor left out"
    )
    key_reference: KeyReference = _setting(
        "auto",
        "how key proofs name the holder's keys: auto (as the issuer's metadata says), or x5c, by "
        "certificates of the wallet provider's",
    )
    dpop: DpopUse = _setting(
        "auto",
        "whether access tokens are bound to a key: auto (where the server can), required, "
        "optional (bearer tokens are taken too) or never",
    )
    servers: tuple[ServerEntry, ...] = _setting(
        (), "the eight settings above for one authorization server: a TOML table by its identifier"
    )
    signed_metadata: Literal["auto", "required", "never"] = _setting(
        "auto", "whether issuers' metadata is to be signed: auto (where it can be), required, never"
    )
    authorization_request: Literal["auto", "scope", "authorization_details"] = _setting(
        "auto", "how to ask for a credential: auto, scope or authorization_details"
    )
    profiles: tuple[IssuerProfile, ...] = _setting(
        (), "what an issuer speaks where it is not 1.0: IDENTIFIER=PROFILE, or a TOML table"
    )
    batch: int = _setting(1, "copies of a credential to ask for, where its issuer gives several")
    authorization_timeout: float = _setting(600.0, "seconds to wait for the browser's return")
    key_derivation_ms: int = _setting(
        1500, "milliseconds a guess of a new passphrase may cost; never less than 64 MiB of memory"
    )
    redirect_port: int = _setting(0, "port of the loopback redirect; 0 for any free one")
    redirect_path: str = _setting("", "path of the loopback redirect; empty for a random one")
    http_timeout: float = _setting(15.0, "seconds one answer of a server may take in all")
    proxy: str = _setting("", "http://host:port of a proxy for everything but loopback")
    ca_file: Path | None = _setting(
        None, "PEM file with certificate authorities to trust for TLS besides the usual ones"
    )
    loopback_development: bool = _setting(
        False, "allow servers on this computer, by plain http too; for developers only"
    )
    camera: str = _setting("0", "camera number, or a video file that stands in for a camera")
    gui: Literal["window", "browser"] = _setting("window", "where the wallet shows itself")
    browser_command: str = _setting("", "command that opens a URL; empty for the system browser")
    gui_port: int = _setting(0, "port of the browser mode; 0 for any free one")

    @property
    def profile_of(self) -> dict[str, ProfileName]:
        """`profiles`, by the issuer; of two for one the last."""
        return {one.issuer: one.profile for one in self.profiles}

    def at(self, authorization_server: str) -> ServerSettings:
        """What is in force at one authorization server, by its issuer identifier."""
        names = [field.name for field in dataclasses.fields(ServerSettings)]
        common = {name: getattr(self, name) for name in names}
        own = [one.entries for one in self.servers if one.issuer == authorization_server]
        return ServerSettings(**{**common, **(own[-1] if own else {})})


@dataclass(frozen=True)
class Origin:
    """Where a value came from: "default", or a file, variable or flag by its name."""

    kind: Literal["default", "file", "environment", "flag"]
    name: str


@dataclass(frozen=True)
class InForce:
    """The settings together with the origin of each."""

    profile: str
    file: Path
    settings: Settings
    origins: Mapping[str, Origin]


def fields() -> tuple[dataclasses.Field[typing.Any], ...]:
    """The fields of `Settings`, in order; `metadata["help"]` is each one's text."""
    return dataclasses.fields(Settings)


def flag(name: str) -> str:
    """The flag of a setting."""
    return "--" + name.replace("_", "-")


def _refuse(origin: Origin, why: str) -> LocalFailure:
    where = f"{origin.kind} {origin.name}".strip()
    return LocalFailure("settings_invalid", f"{where}: {why}")


def _number(value: object, kind: type[int] | type[float], origin: Origin) -> int | float:
    if isinstance(value, bool):
        raise _refuse(origin, "needs a number")
    try:
        number = kind(str(value))
    except (TypeError, ValueError):
        raise _refuse(origin, "needs a number") from None
    if not 0 <= number < 10**9:
        raise _refuse(origin, "is out of range")
    return number


def _truth(value: object, origin: Origin) -> bool:
    named = {"true": True, "false": False}
    truth = value if isinstance(value, bool) else named.get(str(value).lower())
    if truth is None:
        raise _refuse(origin, "is neither true nor false")
    return truth


def _several(value: object, origin: Origin) -> list[str]:
    if isinstance(value, str):
        return [part for part in value.split(os.pathsep) if part]
    if isinstance(value, Sequence) and all(isinstance(part, str) for part in value):
        return [str(part) for part in value]
    raise _refuse(origin, "needs a list of texts")


def _path(text: str | Path, origin: Origin, folder: Path) -> Path:
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        raise _refuse(origin, "is in nobody's home") from None


def _profiles(value: object, origin: Origin) -> tuple[IssuerProfile, ...]:
    """A table of profiles, or texts of the form IDENTIFIER=PROFILE."""
    if isinstance(value, Mapping):
        pairs = [(str(issuer), str(name)) for issuer, name in value.items()]
    else:
        texts = value.split() if isinstance(value, str) else _several(value, origin)
        pairs = [(issuer, name) for issuer, _, name in (text.rpartition("=") for text in texts)]
    for issuer, name in pairs:
        if not issuer or name not in set(ProfileName):
            raise _refuse(origin, f"{name} is none of {', '.join(ProfileName)}")
    return tuple(IssuerProfile(issuer, ProfileName(name)) for issuer, name in pairs)


def _servers(value: typing.Any, origin: Origin, folder: Path) -> tuple[ServerEntry, ...]:  # noqa: ANN401
    """The table of each authorization server; a text is read as TOML."""
    try:
        tables = (
            [value]
            if isinstance(value, dict)
            else [tomllib.loads(text) for text in ([value] if isinstance(value, str) else value)]
        )
    except (TypeError, ValueError) as error:
        raise _refuse(origin, f"needs tables in TOML: {error}") from None
    kinds = typing.get_type_hints(ServerSettings)
    servers: list[ServerEntry] = []
    for issuer, entries in (pair for table in tables for pair in table.items()):
        if not isinstance(entries, Mapping):
            raise _refuse(origin, "needs a table for each authorization server")
        if strange := set(entries) - set(kinds):
            raise _refuse(origin, f"{min(strange)} is no setting of a server")
        own = {name: _read(kinds[name], one, origin, folder) for name, one in entries.items()}
        servers.append(ServerEntry(issuer, own))
    return tuple(servers)


def _read(kind: typing.Any, value: object, origin: Origin, folder: Path) -> typing.Any:  # noqa: ANN401
    """Read a raw value as the type of its field; relative paths start at `folder`."""
    if kind is bool:
        return _truth(value, origin)
    if kind is int or kind is float:
        return _number(value, int if kind is int else float, origin)
    if kind == tuple[IssuerProfile, ...]:
        return _profiles(value, origin)
    if kind == tuple[ServerEntry, ...]:
        return _servers(value, origin, folder)
    if typing.get_origin(kind) is tuple:
        parts = _several(value, origin)
        if Path in typing.get_args(kind):
            return tuple(_path(part, origin, folder) for part in parts)
        return tuple(parts)
    if not isinstance(value, str | Path):
        raise _refuse(origin, "needs a text")
    if kind in (Path, Path | None):
        return _path(value, origin, folder)
    choices = typing.get_args(kind)
    if choices and value not in choices:
        raise _refuse(origin, f"is none of {', '.join(choices)}")
    return str(value)


def _file_entries(file: Path, *, required: bool) -> Mapping[str, object]:
    try:
        entries = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if required:
            raise LocalFailure("settings_invalid", f"file {file} does not exist") from None
        return {}
    except (OSError, ValueError) as error:
        raise LocalFailure("settings_invalid", f"file {file}: {error}") from None
    known = {f.name for f in fields()}
    for name in entries:
        if name not in known:
            raise _refuse(Origin("file", f"{file}, entry {name}"), "is no setting")
    return entries


def preferred_languages() -> tuple[str, ...]:
    """The languages of this session, English last."""
    try:
        name = (locale.getlocale()[0] or "").replace("_", "-")
    except ValueError:  # a locale that Python does not know
        name = ""
    named = (name,) if "-" in name and _LANGUAGE_TAG.fullmatch(name) else ()
    return (*named, "en")


def _check(settings: Settings, origins: Mapping[str, Origin]) -> None:
    """Refuse what has the right type and still cannot be used."""
    for tag in settings.language:
        if not _LANGUAGE_TAG.fullmatch(tag):
            raise _refuse(origins["language"], f"{tag!r} is no language tag")
    if not _PLAIN_PATH.fullmatch(settings.redirect_path):
        raise _refuse(origins["redirect_path"], "is no plain path")
    if settings.proxy and not _PROXY.fullmatch(settings.proxy):
        raise _refuse(origins["proxy"], "is not http://host:port")
    for name in ("redirect_port", "gui_port"):
        if getattr(settings, name) > 65535:
            raise _refuse(origins[name], "is at most 65535")


def load(
    flags: Mapping[str, object],
    environment: Mapping[str, str],
    *,
    profile: str = "",
    file: Path | None = None,
) -> InForce:
    """Find out which settings are in force.

    Args:
        flags: Values given on the command line, by setting; None where a flag was not given.
        environment: The process's environment variables.
        profile: The wallet to use; empty for `WALLET_PROFILE`, else "default".
        file: The settings file; None for `WALLET_SETTINGS_FILE`, else the profile's own.

    Raises:
        LocalFailure: `settings_invalid`, naming the setting and its origin.
    """
    import platformdirs  # noqa: PLC0415 - not needed by who only reads a value

    profile = profile or environment.get(f"{ENVIRONMENT_PREFIX}PROFILE", "") or "default"
    if not profile.replace("-", "").replace("_", "").isalnum() or len(profile) > 40:
        raise LocalFailure("settings_invalid", "a profile's name has letters, digits, - and _ only")
    named = file or environment.get(f"{ENVIRONMENT_PREFIX}SETTINGS_FILE")
    own = platformdirs.user_config_path(APPLICATION) / f"{profile}.toml"
    path = _path(named, Origin("file", str(named)), Path.cwd()) if named else own
    entries = _file_entries(path, required=bool(named))
    values: dict[str, typing.Any] = {}
    origins: dict[str, Origin] = {}
    kinds = typing.get_type_hints(Settings)
    for one in fields():
        name = one.name
        kind = kinds[name]
        variable = ENVIRONMENT_PREFIX + name.upper()
        origins[name] = Origin("default", "")
        if name in entries:
            origins[name] = Origin("file", f"{path}, entry {name}")
            values[name] = _read(kind, entries[name], origins[name], path.parent)
        if variable in environment:
            origins[name] = Origin("environment", variable)
            values[name] = _read(kind, environment[variable], origins[name], Path.cwd())
        if flags.get(name) is not None:
            origins[name] = Origin("flag", flag(name))
            values[name] = _read(kind, flags[name], origins[name], Path.cwd())
    values.setdefault("data_folder", platformdirs.user_data_path(APPLICATION) / profile)
    values.setdefault("language", preferred_languages())
    settings = Settings(**values)
    _check(settings, origins)
    return InForce(profile, path, settings, types.MappingProxyType(origins))
