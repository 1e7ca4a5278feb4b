"""An adapter's own tables: looked at in one transaction, what is sealed opens for the same words alone and for nobody
after an erasure.
"""

from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from adapters.plugin import Client, Gone
from gateway.identity.tokens import JWT_TYPE
from gateway.services import AdapterServices
from policies.terms import DetailClass, Recipient, SubjectId
from tests.gateway.house import House, house
from tests.gateway.people_house import people


def services(home: House) -> AdapterServices:
    return home.gateway.services("mine")


async def test_what_an_adapter_sealed_opens_for_the_same_household_and_words_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, other, given = await home.household(), await home.household(), services(home)
        sealed = await given.seal(who, b"optOut", about="answer 1")
        assert b"optOut" not in sealed
        assert await given.unseal(who, sealed, about="answer 1") == b"optOut"
        for subject, about in ((who, "answer 2"), (other, "answer 1")):
            with pytest.raises(ValueError, match=r".+"):
                await given.unseal(subject, sealed, about=about)
        with pytest.raises(ValueError, match=r".+"):
            await home.vault.open(who, DetailClass.IDENTITY, sealed, about="answer 1")


async def test_for_an_erased_household_nothing_is_sealed_or_opened(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, given = await home.household(), services(home)
        sealed = await given.seal(who, b"optOut", about="a")
        await home.vault.erase(who)
        with pytest.raises(Gone):
            await given.unseal(who, sealed, about="a")
        with pytest.raises(Gone):
            await given.seal(who, b"", about="a")
        with pytest.raises(Gone):
            await given.seal(SubjectId("f" * 32), b"", about="a")


async def test_a_look_sees_what_the_adapter_wrote_and_cannot_write(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        given = services(home)
        await given.write(lambda connection: connection.exec_driver_sql("CREATE TABLE mine (body TEXT)").rowcount)
        await given.write(lambda connection: connection.exec_driver_sql("INSERT INTO mine VALUES ('a')").rowcount)
        counts = ("SELECT count(*) FROM mine", "SELECT max(body) FROM mine")
        assert await given.look(lambda c: [c.exec_driver_sql(query).scalar() for query in counts]) == [1, "a"]
        with pytest.raises(OperationalError, match="readonly"):
            await given.look(lambda connection: connection.exec_driver_sql("DELETE FROM mine").rowcount)


async def test_the_life_of_a_token_is_that_of_the_settings(tmp_path: Path) -> None:
    async with people(tmp_path, token_minutes=7) as found:
        directory = found.gateway.services("example").directory
        token = directory.token(Client("c", Recipient("acme"), frozenset()), frozenset())
        claims = found.gateway.signer.verify(token, typ=JWT_TYPE)
    assert claims is not None
    assert directory.token_life.total_seconds() == claims["exp"] - claims["iat"] == 420
