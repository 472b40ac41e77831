"""Mobile documents: format `mso_mdoc` (OpenID4VCI 1.0, Appendix A.2; ISO/IEC 18013-5).

The readers of CBOR are loaded with the first credential: a start of the wallet does not wait for
them.
"""

from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.records import Secret
from wallet.trust.issuer import Issuer, Signer


def signer(credential: Secret[str], expected: Expected) -> Signer:
    """Who a mobile document says that signed it: its `x5chain` (RFC 9360)."""
    from wallet.credentials.mdoc import verification  # noqa: PLC0415

    return verification.signer(credential, expected)


def verify(credential: Secret[str], issuer: Issuer, expected: Expected) -> VerifiedCredential:
    """Verify it as its holder must at issuance."""
    from wallet.credentials.mdoc import verification  # noqa: PLC0415

    return verification.verify(credential, issuer, expected)
