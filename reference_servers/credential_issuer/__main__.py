"""Start the credential issuer: `python -m reference_servers.credential_issuer`."""

from reference_servers.credential_issuer.application import application
from reference_servers.credential_issuer.settings import Settings
from reference_servers.serving import run

if __name__ == "__main__":
    run("reference_servers.credential_issuer", Settings, "CREDENTIAL_ISSUER_", application)
