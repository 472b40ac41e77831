"""Rows of the journal as earlier wallets wrote them, made into rows of today.

Once a row held one credential: `authorized`, `asking`, `issued` and `kept` were stages of the
whole, and the client was that of the settings.
"""

from collections.abc import Mapping
from typing import Any

from wallet.records import JsonObject
from wallet.settings import APPLICATION

Members = Mapping[str, Any]


def of_today(document: JsonObject) -> JsonObject:
    """The row as it is written today; one of today, or one that is no row, as it is."""
    old: Members = document
    try:
        match old["stage"]:
            case "consent":
                return _consent(old)
            case "asked":
                return _asked(old)
            case "redirected":
                return {**old, "asked": _asked(old["asked"])}
            case "authorized":
                return _authorized(old)
            case "asking":
                return _authorized(old["authorized"])
            case "issued":
                return _issued(old)
            case "kept":
                return _kept(old)
    except (KeyError, TypeError, AttributeError):
        pass
    return document


def _consent(old: Members, client_id: str = APPLICATION) -> Members:
    if "credential_configuration_id" not in old:
        return old
    new = {"client": {"client_id": client_id}, **old}
    name = new.pop("credential_configuration_id")
    return {**new, "credential_configuration_ids": [name]}


def _asked(old: Members) -> Members:
    return {**old, "consent": _consent(old["consent"], old["request"]["client_id"])}


def _authorized(old: Members, *credentials: Members) -> Members:
    return {"credentials": list(credentials), **old, "consent": _consent(old["consent"])}


def _wanted(authorized: Members) -> Members:
    name = authorized["consent"]["credential_configuration_id"]
    return {"credential_configuration_id": name, "credential_identifier": None}


def _issued(old: Members) -> Members:
    asking = old["asking"]
    authorized = asking["authorized"]
    keys = asking["keys"] if "keys" in asking else [asking["key"]] if asking["key"] else []
    asked = {"wanted": _wanted(authorized), "keys": keys}
    return _authorized(authorized, {"state": "issued", "asking": asked, "answer": old["answer"]})


def _kept(old: Members) -> Members:
    told = old["notification_id"]
    notice = {"notification_id": told, "event": "credential_accepted"} if told else None
    kept = {"wanted": _wanted(old["authorized"]), "credential_id": old["credential_id"]}
    return _authorized(old["authorized"], {"state": "kept", **kept, "notice": notice})
