"""Start the credential issuer: `python -m reference_servers.credential_issuer`."""

from sqlalchemy.exc import SQLAlchemyError

from reference_servers.configuration import configured, refuse_to_start
from reference_servers.credential_issuer.application import application
from reference_servers.credential_issuer.settings import Settings
from reference_servers.serving import end_with_parent, is_loopback, serve

PROGRAM = "reference_servers.credential_issuer"


def main() -> None:
    """Read the settings and serve."""
    settings = configured(Settings, PROGRAM, "CREDENTIAL_ISSUER_")
    if not is_loopback(settings.host) and not (
        settings.public and settings.public_url.startswith("https://")
    ):
        refuse_to_start(PROGRAM, "an address that others can reach needs --public and https")
    end_with_parent()
    try:
        app = application(settings)
    except (OSError, ValueError, SQLAlchemyError) as error:
        refuse_to_start(PROGRAM, f"{type(error).__name__}: {str(error)[:300]}")
        return
    serve(
        app,
        program=PROGRAM,
        host=settings.host,
        port=settings.port,
        public_url=settings.public_url,
    )


if __name__ == "__main__":
    main()
