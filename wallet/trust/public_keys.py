"""Public keys that may sign credentials, out of JWKs that strangers wrote (RFC 7517)."""

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from wallet.records import JsonObject


def public_key(jwk: JsonObject) -> ECKey | OKPKey:
    """The key of a public JWK.

    Raises:
        ValueError: No EC or OKP key, a broken one, or one with its private half.
    """
    members = {name: value for name, value in jwk.items() if isinstance(value, str)}
    key: ECKey | OKPKey
    try:
        if members["kty"] == "OKP":
            key = OKPKey.import_key({**members})
        else:
            key = ECKey.import_key({**members})
        key.raw_value  # noqa: B018 - where a point off the curve is found out
    except (JoseError, KeyError, TypeError, ValueError) as error:
        message = f"not a public key: {type(error).__name__}"
        raise ValueError(message) from None
    if key.is_private:
        message = "a private key"
        raise ValueError(message)
    return key
