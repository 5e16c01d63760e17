"""Who sent a delivery: signatures, secrets sent as they are, and the time they were signed."""

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.provider import bearer_or_basic, hmac_sha256_hex, standard_webhook


def test_github_documents_this_signature() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert hmac_sha256_hex("It's a Secret to Everybody", b"Hello, World!", header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18",
        "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17",
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
        "sha256=\uff1757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "\ud800",
    ],
)
def test_any_other_header_is_no_signature(header: str | None) -> None:
    assert not hmac_sha256_hex("It's a Secret to Everybody", b"Hello, World!", header)


def test_an_empty_secret_signs_nothing() -> None:
    digest = hmac.digest(b"", b"Hello, World!", "sha256").hex()
    assert not hmac_sha256_hex("", b"Hello, World!", f"sha256={digest}")
    assert not hmac_sha256_hex("\ud800", b"Hello, World!", f"sha256={digest}")


@given(st.text(min_size=1), st.binary(), st.binary())
def test_a_signature_holds_for_its_body_only(secret: str, body: bytes, other: bytes) -> None:
    digest = hmac.digest(secret.encode(), body, "sha256").hex()
    assert hmac_sha256_hex(secret, other, f"sha256={digest}") == (body == other)


@given(st.text(), st.binary(), st.none() | st.text(st.characters(codec=None)))
def test_checking_a_signature_never_fails(secret: str, body: bytes, header: str | None) -> None:
    assert not hmac_sha256_hex(secret, body, header)


# Standard Webhooks

NOW = datetime(2023, 12, 7, 23, 36, 36, tzinfo=UTC)
# The example of https://github.com/standard-webhooks/standard-webhooks, at 2021-02-25T20:00:32Z.
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED_AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
SIGNED = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def test_standard_webhooks_documents_this_signature() -> None:
    assert standard_webhook(KEY, BODY, SIGNED, SIGNED_AT)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        SIGNED | {"webhook-id": ""},
        SIGNED | {"webhook-id": "msg_\ud800"},
        SIGNED | {"webhook-timestamp": "1614265331"},
        SIGNED | {"webhook-timestamp": "now"},
        SIGNED | {"webhook-signature": "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        SIGNED | {"webhook-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
    ],
)
def test_anything_else_is_not_signed(headers: dict[str, str]) -> None:
    assert not standard_webhook(KEY, BODY, headers, SIGNED_AT)
    assert not standard_webhook("", BODY, SIGNED, SIGNED_AT)
    assert not standard_webhook("whsec_*", BODY, SIGNED, SIGNED_AT)


def test_one_of_several_signatures_is_enough() -> None:
    both = SIGNED | {"webhook-signature": f"v1,AAAA {SIGNED['webhook-signature']}"}
    assert standard_webhook(KEY, BODY, both, SIGNED_AT)


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_a_signature_holds_for_five_minutes(minutes: int) -> None:
    late = SIGNED_AT + timedelta(minutes=minutes)
    assert standard_webhook(KEY, BODY, SIGNED, late)
    assert not standard_webhook(KEY, BODY, SIGNED, late + timedelta(seconds=minutes or 301))


# Secrets sent as they are


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "header", ["Bearer s3cret", "bearer s3cret", basic(":s3cret"), basic("assay:s3cret")]
)
def test_the_secret_is_a_bearer_token_or_a_password(header: str) -> None:
    assert bearer_or_basic("s3cret", {"authorization": header})


@pytest.mark.parametrize(
    "header",
    [
        "",
        "s3cret",
        "Bearer",
        "Bearer other",
        "Bearer s3cret2",
        "Basic s3cret",
        "Basic \u00e9",
        basic("s3cret"),
        basic("s3cret:other"),
        "Digest s3cret",
    ],
)
def test_anything_else_is_not_the_secret(header: str) -> None:
    assert not bearer_or_basic("s3cret", {"authorization": header})
    assert not bearer_or_basic("", {"authorization": "Bearer "})
    assert not bearer_or_basic("s3cret", {})
