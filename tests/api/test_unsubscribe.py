"""Ending one's digests over HTTP: by a person with a browser, and by a mail program."""

import re

import pytest
from starlette.testclient import TestClient

from domain.unsubscribing import PATH, Unsubscribing
from store import access, digest_recipients, installation
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, client
from tests.digesting import identity, wanting


def link(database: Database, name: str = "ada") -> str:
    links = Unsubscribing(installation.pseudonym_key(database))
    return f"{PATH}?token={links.token(identity(name))}"


def guarded(database: Database) -> TestClient:
    """As it is served where a token is needed for everything else."""
    with database.writing() as connection:
        access.create(connection, "", Role.VIEWER, NOW)
    return client(database, open_without=False, host="assay.acme.example")


def gone(database: Database) -> list[str]:
    with database.reading() as connection:
        found = digest_recipients.recipients(connection)
    return [each.identity for each in found if each.unsubscribed_at == NOW]


def test_a_person_opens_the_link_and_says_so(database: Database) -> None:
    wanting(database, ada=("",), ben=("",))
    http = guarded(database)
    asked = http.get(link(database))
    assert asked.status_code == 200
    assert gone(database) == []
    [action] = re.findall(r'<form method="post" action="([^"]*)"', asked.text)
    assert action == link(database)
    told = http.post(action, headers={"Sec-Fetch-Site": "same-origin"})
    assert told.status_code == 200
    assert "You get no more digests" in told.text
    assert gone(database) == [identity("ada")]


def test_a_mail_program_does_it_with_one_click(database: Database) -> None:
    wanting(database, ada=("",))
    http = guarded(database)
    for _ in range(2):
        told = http.post(
            link(database),
            data={"List-Unsubscribe": "One-Click"},
            headers={"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"},
        )
        assert told.status_code == 200
    assert gone(database) == [identity("ada")]


def test_who_is_in_no_file_any_more_is_remembered(database: Database) -> None:
    assert client(database).post(link(database)).status_code == 200
    wanting(database, ada=("",))
    assert gone(database) == [identity("ada")]


@pytest.mark.parametrize("token", ["", "?token=", "?token=A", "?token=%00ä<script>", "?token=cut"])
def test_any_other_link_changes_nothing(embedded: Database, token: str) -> None:
    http = guarded(embedded)
    cut = link(embedded)[len(PATH) : -3] if token == "?token=cut" else token
    for ask in (http.get, http.post):
        told = ask(PATH + cut, headers={"Accept": "text/html"})
        assert told.status_code == 400
        assert "not the whole link" in told.text
    assert gone(embedded) == []


def test_the_page_has_neither_address_nor_pseudonym(embedded: Database) -> None:
    wanting(embedded, ada=("",))
    page = guarded(embedded).get(link(embedded)).text
    assert "acme.example" not in page
    assert identity("ada") not in page
