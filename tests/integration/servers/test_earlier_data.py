"""A data folder of the first version of the authorization server."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.integration.servers.peers import Issuer, Wallet, authorization_server, listening

FIRST_VERSION = """
CREATE TABLE client (client_id VARCHAR(200) NOT NULL, name VARCHAR(200) NOT NULL,
    redirect_uris JSON NOT NULL, native BOOLEAN NOT NULL, PRIMARY KEY (client_id));
CREATE TABLE pushed_request (request_uri VARCHAR(64) NOT NULL, client_id VARCHAR(200) NOT NULL,
    parameters JSON NOT NULL, expires_at DOUBLE NOT NULL, PRIMARY KEY (request_uri));
CREATE TABLE authorization_code (code VARCHAR(64) NOT NULL, client_id VARCHAR(200) NOT NULL,
    redirect_uri TEXT NOT NULL, scope TEXT NOT NULL, authorization_details JSON NOT NULL,
    by_details BOOLEAN NOT NULL, audience TEXT NOT NULL, username VARCHAR(100) NOT NULL,
    code_challenge VARCHAR(128) NOT NULL, code_challenge_method VARCHAR(10) NOT NULL,
    used BOOLEAN NOT NULL, reused BOOLEAN NOT NULL, expires_at DOUBLE NOT NULL, PRIMARY KEY (code));
CREATE TABLE issued_token (idx INTEGER NOT NULL, code VARCHAR(64) NOT NULL,
    expires_at DOUBLE NOT NULL, PRIMARY KEY (idx));
CREATE TABLE person (username VARCHAR(100) NOT NULL, subject VARCHAR(100) NOT NULL,
    name VARCHAR(200) NOT NULL, password VARCHAR(300) NOT NULL, PRIMARY KEY (username),
    UNIQUE (subject));
INSERT INTO client VALUES ('oid4vci-wallet', 'OID4VCI Wallet', '[]', 1);
INSERT INTO person VALUES ('ada', '1815', 'Ada', '$argon2id$v=19$m=65536,t=3,p=4$AAAA$AAAA');
"""


def test_people_stay_and_everything_works(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with closing(sqlite3.connect(tmp_path / "server" / "state.db")) as db:
        db.executescript(FIRST_VERSION)
    with (
        listening(Issuer()) as issuer,
        authorization_server(tmp_path, issuer, test_person="ada") as both,
    ):
        wallet = Wallet(both, "oid4vci-wallet")
        token = wallet.token(wallet.code()).json()
        assert wallet.refresh(token["refresh_token"]).status_code == 200
        assert wallet.redeem(issuer.code(tx_code="1"), "1").status_code == 200
