"""A credential record as the document the store keeps, and back, without loss."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

from wallet.errors import LocalFailure
from wallet.records import Check, CredentialRecord, Image, Outcome, Report
from wallet.strict import json_object

VERSION = 1


def document_of(record: CredentialRecord) -> bytes:
    """The record as JSON."""
    members = {
        "version": VERSION,
        "id": record.id,
        "format": record.format,
        "credential": record.credential,
        "key_id": record.key_id,
        "credential_issuer": record.credential_issuer,
        "credential_configuration_id": record.credential_configuration_id,
        "configuration": record.configuration,
        "issuer_display": list(record.issuer_display),
        "claims": record.claims,
        "images": {
            uri: [image.media_type, base64.b64encode(image.data).decode("ascii")]
            for uri, image in record.images.items()
        },
        "trusted_by": record.trusted_by,
        "received_at": _time(record.received_at),
        "expires_at": _time(record.expires_at) if record.expires_at else None,
        "report": [[c.name, c.outcome, c.reason, c.rule] for c in record.report.checks],
    }
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def record_of(document: bytes) -> CredentialRecord:
    """The record of a document. Raises `LocalFailure("store_damaged")`."""
    try:
        members: dict[str, Any] = dict(json_object(document))
        if members.pop("version") != VERSION:
            raise LocalFailure("store_damaged", "a record is of an unknown version")
        members["images"] = {
            uri: Image(media_type, base64.b64decode(data, validate=True))
            for uri, (media_type, data) in members["images"].items()
        }
        members["issuer_display"] = tuple(members["issuer_display"])
        members["received_at"] = datetime.fromisoformat(members["received_at"])
        if members["expires_at"] is not None:
            members["expires_at"] = datetime.fromisoformat(members["expires_at"])
        members["report"] = Report(
            tuple(
                Check(name, Outcome(outcome), reason, rule)
                for name, outcome, reason, rule in members["report"]
            )
        )
        return CredentialRecord(**members)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise LocalFailure("store_damaged", "a record cannot be read") from None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
