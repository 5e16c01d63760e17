"""The mail that a digest becomes: as mail programs read it, after a real server took it."""

import re
import ssl
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import SMTP, default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from pydantic import SecretStr

from api.digest.edition import Audience
from assay import mail as mailing
from assay.digest_mail import mail
from assay.digest_plan import Planned
from assay.smtp_settings import Tls
from domain.digests import Copy, Through
from domain.unsubscribing import Unsubscribing
from tests.assay.test_mail import certificate as certificate  # noqa: PLC0414  # a fixture
from tests.digesting import PAGES, PICTURE, WEEK, address, identity, post, written
from tests.mailing import mail_server, smtp

LINKS = Unsubscribing(b"k" * 32)
PLANNED = Planned(
    copy=Copy(through=Through.MAIL, recipient=identity("ada")),
    audience=Audience(),
    address=address("ada"),
)
URL = f"{PAGES}/digest/unsubscribe?token={LINKS.token(identity('ada'))}"


def made(public_url: str | None = PAGES, *, again: bool = False) -> EmailMessage:
    set_up = post(public_url=public_url)
    return mail(written(Audience()), PLANNED, WEEK, set_up, LINKS, again=again)


def arrived(message: EmailMessage) -> EmailMessage:
    """As it is read at the other end."""
    read = BytesParser(policy=default).parsebytes(message.as_bytes())
    assert isinstance(read, EmailMessage)
    return read


def test_text_and_page_say_the_same_and_the_pictures_are_inside() -> None:
    told = arrived(made())
    assert told.get_content_type() == "multipart/alternative"
    text, page = told.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(page, EmailMessage)
    assert text.get_content_type() == "text/plain"
    assert "61 %" in text.get_content()
    assert page.get_content_type() == "multipart/related"
    html, picture = page.iter_parts()
    assert isinstance(html, EmailMessage)
    assert isinstance(picture, EmailMessage)
    assert 'src="cid:chart-0"' in html.get_content()
    assert picture["Content-ID"] == "<chart-0>"
    assert picture.get_content_type() == "image/png"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == PICTURE


def test_it_is_in_seven_bits_and_short_lines() -> None:
    told = made().as_bytes()
    assert told.isascii()
    assert max(map(len, told.splitlines())) < 998


def test_how_to_get_no_more() -> None:
    told = arrived(made())
    assert told["List-Unsubscribe"] == f"<{URL}>"
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert told["Auto-Submitted"] == "auto-generated"
    text, page = (part.as_bytes().decode() for part in told.iter_parts())
    assert "%UNSUBSCRIBE%" not in text + page
    body = told.get_body(("plain",))
    assert body is not None
    assert URL in body.get_content()
    assert address("ada") not in body.get_content()
    html = told.get_body(("html",))
    assert html is not None
    assert f'<a href="{URL}"' in html.get_content()


def test_a_long_address_stands_whole_in_its_header() -> None:
    told = made(f"https://{'assay.' * 20}example").as_bytes(policy=SMTP)
    [line] = [each for each in told.split(b"\r\n") if each.startswith(b"List-Unsubscribe: ")]
    assert re.fullmatch(rb"List-Unsubscribe: <https://[a-z./?=A-Za-z0-9_-]+>", line)


def test_one_click_takes_https() -> None:
    told = made("http://localhost:8000")
    assert told["List-Unsubscribe"].startswith("<http://localhost:8000/digest/unsubscribe?")
    assert "List-Unsubscribe-Post" not in told


def test_without_an_address_of_the_pages_one_asks() -> None:
    told = arrived(made(None))
    assert "List-Unsubscribe" not in told
    for kind in ("plain", "html"):
        body = told.get_body((kind,))
        assert body is not None
        assert "ask whoever runs Tokenassay here" in body.get_content()


def test_its_id_is_that_of_the_recipient_and_week() -> None:
    assert made()["Message-ID"] == made()["Message-ID"]
    assert identity("ada")[2:] not in made()["Message-ID"]
    assert "Message-ID" not in made(again=True)


def test_it_goes_signed_in_and_encrypted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert session.ssl is not None
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == b"right", handled=False)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    more = {"tls_context": context, "require_starttls": True, "auth_required": True}
    with mail_server(authenticator=check, **more) as box:
        settings = smtp(
            box, host="localhost", tls=Tls.STARTTLS, user="assay", password=SecretStr("right")
        )
        assert mailing.send(settings, made(), [address("ada")]) == []
    [(recipients, message)] = box.taken
    assert recipients == [address("ada")]
    assert isinstance(message, Message)
    assert message["To"] == address("ada")
    assert message["List-Unsubscribe"] == f"<{URL}>"
