"""The holder comes to an issuer without an offer (section 5.1)."""

from typing import Any

import pytest

from tests.support.holder import WillingHolder
from tests.support.simulator import Simulator
from wallet.app import Wallet
from wallet.errors import HolderDeclined, PeerBrokeProtocol, Unsupported, WalletError
from wallet.ports import Contact


@pytest.fixture
def issuer(issuer: Simulator) -> Simulator:
    issuer.names = ["card", "badge", "strange", "foreign", "vouched"]

    def edit(metadata: dict[str, Any]) -> dict[str, Any]:
        configurations = metadata["credential_configurations_supported"]
        configurations["strange"] = {"format": 5}
        configurations["foreign"]["format"] = "example-format"
        vouched = configurations["vouched"]["proof_types_supported"]["jwt"]
        vouched["key_attestations_required"] = {}
        return metadata

    issuer.edits["issuer_metadata"] = edit
    return issuer


async def test_the_catalogue_says_what_can_be_got_and_why_not(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    catalogue = await wallet.catalogue(issuer.url, holder)
    assert catalogue.credential_issuer == issuer.url
    assert catalogue.issuer.name == "Simulated Issuer"
    assert catalogue.authorization_servers == (issuer.url,)
    assert catalogue.obstacle is None
    found = {
        one.credential_configuration_id: one.obstacle and one.obstacle.code
        for one in catalogue.entries
    }
    assert found == {
        "card": None,
        "badge": None,
        "strange": "metadata_invalid",
        "foreign": "format_unsupported",
        "vouched": "proof_unsupported",
    }
    assert [contact.url for contact in holder.contacts] == [issuer.url]
    assert {path for path, _ in issuer.requests} == {
        "/.well-known/openid-credential-issuer",
        "/.well-known/oauth-authorization-server",
    }


async def test_an_issuer_where_nothing_can_be_got_without_an_offer(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.edits["server_metadata"] = lambda m: {**m, "grant_types_supported": ["other"]}
    catalogue = await wallet.catalogue(issuer.url, holder)
    assert catalogue.obstacle is not None
    assert catalogue.obstacle.code == "authorization_server_unsupported"


async def test_one_of_them(wallet: Wallet, issuer: Simulator, holder: WillingHolder) -> None:
    received = await wallet.add_from(issuer.url, ["badge"], holder)
    assert [card.credential_configuration_id for card in received.cards] == ["badge"]
    assert b"issuer_state" not in dict(issuer.requests)["/par"]
    [review] = holder.reviews
    assert [one.credential_configuration_id for one in review.credentials] == ["badge"]


async def test_all_that_can_be_got(wallet: Wallet, issuer: Simulator) -> None:
    holder = WillingHolder(chosen=("card",))
    received = await wallet.add_from(issuer.url, [], holder)
    assert [card.credential_configuration_id for card in received.cards] == ["card"]
    offered = [one.credential_configuration_id for one in holder.reviews[0].credentials]
    assert offered == ["card", "badge"]


@pytest.mark.parametrize(
    ("names", "code"), [(["nothing"], "configuration_unknown"), (["foreign"], "format_unsupported")]
)
async def test_what_cannot_be_got(
    names: list[str], code: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    with pytest.raises(Unsupported, match=code):
        await wallet.add_from(issuer.url, names, holder)


@pytest.mark.parametrize(
    "url", ["nonsense", "http://issuer.example", "https://issuer.example/?a=b", "file:///etc"]
)
async def test_what_is_no_issuer(url: str, wallet: Wallet, holder: WillingHolder) -> None:
    for visit in (wallet.catalogue(url, holder), wallet.add_from(url, [], holder)):
        with pytest.raises(PeerBrokeProtocol):
            await visit
    assert holder.contacts == []


async def test_nobody_is_asked_before_the_holder_agrees(wallet: Wallet, issuer: Simulator) -> None:
    class Wary(WillingHolder):
        async def may_contact(self, contact: Contact) -> None:
            raise HolderDeclined("cancelled")

    for visit in (wallet.catalogue(issuer.url, Wary()), wallet.add_from(issuer.url, [], Wary())):
        with pytest.raises(WalletError, match="cancelled"):
            await visit
    assert issuer.requests == []
