"""Whom the wallet believes: trust anchors, and the keys of issuers that lead to them."""
