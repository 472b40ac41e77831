"""Reference Authorization Server: OAuth 2.0 on Authlib's grants, with PAR, PKCE and RFC 9207."""
