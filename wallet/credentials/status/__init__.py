"""Whether a credential still stands, by the status list that it names.

Token Status List (draft-ietf-oauth-status-list, JWT and CWT) and Bitstring Status List (W3C).
"""
