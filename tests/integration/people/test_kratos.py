"""The real Ory Kratos of the tests and of the local stack."""

from __future__ import annotations

import httpx2

from deploy.local.kratos.node import KratosNode
from tests.fixtures.kratos import People


def test_a_person_signs_in_as_a_phone_and_as_a_browser(people: People):
    person = people.person(language="ru")
    for headers in (people.headers(person), people.cookie(person)):
        session = httpx2.get(f"{people.node.public_url}/sessions/whoami", headers=headers).json()
        assert session["identity"]["id"] == str(person.uid)
        assert session["identity"]["traits"] == {"email": person.email, "language": "ru"}
        assert session["identity"]["verifiable_addresses"][0]["verified"]


def test_an_address_can_change_and_be_verified_later(people: People):
    person = people.person(verified=False)
    [address] = people.identity(person)["verifiable_addresses"]
    assert not address["verified"]
    people.verify(person)
    changed = people.change_email(person, "other-" + person.email)
    [address] = people.identity(person)["verifiable_addresses"]
    assert (address["value"], address["verified"]) == (changed.email, True)


def test_identities_survive_a_restart(tmp_path):
    node = KratosNode(tmp_path)
    node.start()
    person = People(node).person()
    node.stop()
    assert not node.running
    node.start()
    assert People(node).identity(person)["traits"]["email"] == person.email
    assert (tmp_path / "kratos.json").stat().st_mode & 0o077 == 0
    node.stop()
