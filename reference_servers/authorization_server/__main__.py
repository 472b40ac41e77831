"""Start the authorization server: `python -m reference_servers.authorization_server`."""

from reference_servers.authorization_server.application import application
from reference_servers.authorization_server.settings import Settings
from reference_servers.serving import run

if __name__ == "__main__":
    run("reference_servers.authorization_server", Settings, "AUTHORIZATION_SERVER_", application)
