"""Older drafts and vendor profiles: small named rules, and nothing of them anywhere else.

Strict first: a strict reader reads what the rules made of a message, a strict builder makes what
the rules then change. Which rules apply is the issuer's profile, one for the whole issuance. It is
1.0, without any rule, until the issuer shows something else (`after_…`), or what the holder set
for it, which no evidence changes. The trace hears of each rule that changed something.

Where a message passes the rules for its place (`wallet.engine`; pure parts stay as they are):

| place | where |
|---|---|
| OFFER_LINK, OFFER | `resolve._offer`, before `read_offer_link`; `resolve._by_reference`, before `read_offer`; `Wallet.check_offer` |
| METADATA_URLS | `other_places`, for `resolve._metadata` and `resolve._server`: after a 404 at the right place, and only then |
| ISSUER_METADATA | `resolve._read_metadata`, of a JSON document, which first shows its profile; never of a signed one |
| OFFERED | `resolve.resolve`, once the metadata is known |
| AUTHORIZATION_REQUEST | `authorize._front_channel`, of the request's parameters |
| FORM | `exchange.ask_server`, of the encoded parameters |
| AUTHORIZATION_URL | `authorize._code`, of the query, before the holder gets it |
| AUTHORIZATION_RESPONSE | `authorize._code`, before `read_authorization_response`, both times |
| TOKEN_REQUEST, TOKEN_RESPONSE | `authorize._token`; the response for each credential asked for |
| TOKEN_TYPES | `exchange._check_bound`, where the token is not bound though it was to be |
| AUTHORIZATION_HEADER | `exchange._present` |
| NONCE | `request._ask`, of the token response; `exchange.ask_for_credential`, of each answer; for `proofs.proofs_of`, where there is no nonce endpoint |
| CREDENTIAL_REQUEST, CREDENTIAL_RESPONSE | `exchange.ask_for_credential`, inside of any encryption; also the deferred ones |
| EXPECTED | `keep.keep`, of what it expects of the credential |

`after_link` and `after_offer` are asked by `tolerate_link` and `tolerate_offer`, `after_not_found`
by `resolve._metadata`, `after_metadata` by `resolve._read_metadata`, `after_refusal` by
`request._ask`; `Profile.one_at_a_time` is for `review.review`, which lets the holder choose.
"""  # noqa: E501 - a table

from wallet.compat.profiles import PROFILES as PROFILES
from wallet.compat.profiles import Profile as Profile
from wallet.compat.profiles import ProfileName as ProfileName
from wallet.compat.profiles import Tolerated as Tolerated
from wallet.compat.profiles import after_link as after_link
from wallet.compat.profiles import after_metadata as after_metadata
from wallet.compat.profiles import after_not_found as after_not_found
from wallet.compat.profiles import after_offer as after_offer
from wallet.compat.profiles import after_refusal as after_refusal
from wallet.compat.profiles import other_places as other_places
from wallet.compat.profiles import tolerate as tolerate
from wallet.compat.profiles import tolerate_answer as tolerate_answer
from wallet.compat.profiles import tolerate_link as tolerate_link
from wallet.compat.profiles import tolerate_offer as tolerate_offer
from wallet.compat.rules import Facts as Facts
from wallet.compat.rules import Place as Place
