"""One mail through a real server: signed in, encrypted, or not at all."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from assay import alert_messages, mail
from assay.mail import MailError
from assay.smtp_settings import Tls
from tests.mailing import Mailbox, mail_server, smtp

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def test_signing_in_takes_the_password(mailbox: Mailbox) -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == b"right", handled=False)

    note = alert_messages.mail([alert_messages.trial(NOW)], ["ada@acme.example"], None)
    with mail_server(authenticator=check, auth_require_tls=False) as box:
        right = smtp(box, user="assay", password=SecretStr("right"))
        assert mail.send(right, note, ["ada@acme.example"]) == []
        wrong = smtp(box, user="assay", password=SecretStr("wrong"))
        with pytest.raises(MailError, match="535"):
            mail.send(wrong, note, ["ada@acme.example"])
    assert len(box.taken) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost with its key, made now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
def test_mail_goes_encrypted_to_a_server_that_is_who_it_says(
    tls: Tls, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    more = {"tls_context": context, "require_starttls": True}
    if tls is Tls.IMPLICIT:
        more = {"ssl_context": context}
    note = alert_messages.mail([alert_messages.trial(NOW)], ["ada@acme.example"], None)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(**more) as box:
        trusted = smtp(box, host="localhost", tls=tls)
        assert mail.send(trusted, note, ["ada@acme.example"]) == []
        with pytest.raises(MailError, match="SSLCertVerificationError"):
            mail.send(smtp(box, host="127.0.0.1", tls=tls), note, ["ada@acme.example"])
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(MailError, match="SSLCertVerificationError"):
            mail.send(trusted, note, ["ada@acme.example"])
    assert len(box.taken) == 1


def test_without_encryption_nothing_is_sent_where_it_is_asked_for(mailbox: Mailbox) -> None:
    """The server does not offer STARTTLS: an attacker in between would look the same."""
    note = alert_messages.mail([alert_messages.trial(NOW)], ["ada@acme.example"], None)
    with pytest.raises(MailError):
        mail.send(smtp(mailbox, tls=Tls.STARTTLS), note, ["ada@acme.example"])
    assert mailbox.taken == []
