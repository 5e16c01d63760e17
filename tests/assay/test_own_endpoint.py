"""Our own telemetry never goes to ourselves, however the endpoint is written."""

import logging

import pytest

from assay.own_endpoint import wanted
from assay.settings import Address, Settings

RECEIVERS = (Address("127.0.0.1", 4318), Address("127.0.0.1", 4317))
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_SDK_DISABLED", "ASSAY_OTLP_HTTP", "ASSAY_OTLP_GRPC", "ASSAY_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def tells(monkeypatch: pytest.MonkeyPatch, endpoint: str, *listening: Address) -> bool:
    monkeypatch.setenv(ENDPOINT, endpoint)
    return wanted(Settings(), listening)


def test_without_an_endpoint_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENDPOINT, raising=False)
    assert not wanted(Settings(), RECEIVERS)
    assert not tells(monkeypatch, "", *RECEIVERS)


@pytest.mark.parametrize(
    "endpoint",
    [
        *("http://127.0.0.1:4318", "http://localhost:4318/", "http://127.0.0.1:4317"),
        *("localhost:4317", "http://[::1]:4318", "http://127.1.2.3:4318/v1/metrics"),
    ],
)
def test_our_own_ports_are_refused_with_a_warning(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert not tells(monkeypatch, endpoint, *RECEIVERS)
    assert ENDPOINT in caplog.text


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:5318", "http://192.0.2.7:4318", "http://192.0.2.7", "https://192.0.2.7"],
)
def test_others_are_told(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tells(monkeypatch, endpoint, *RECEIVERS)


def test_listening_everywhere_is_every_address_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everywhere = Address("0.0.0.0", 4318)
    assert not tells(monkeypatch, "http://127.0.0.1:4318", everywhere)
    # An address of documentation is nobody's.
    assert tells(monkeypatch, "http://192.0.2.7:4318", everywhere)


@pytest.mark.parametrize("signal", ["METRICS", "TRACES", "LOGS"])
def test_a_signals_own_endpoint_is_looked_at_too(
    signal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "http://127.0.0.1:4318/v1/x")
    assert not tells(monkeypatch, "http://127.0.0.1:5318", *RECEIVERS)


def test_a_worker_knows_the_installation_by_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tells(monkeypatch, "http://127.0.0.1:4318")
    monkeypatch.setenv("ASSAY_OTLP_HTTP", "127.0.0.1:4318")
    assert not tells(monkeypatch, "http://127.0.0.1:4318")
    monkeypatch.setenv("ASSAY_ENDPOINT", "https://assay.example.com")
    assert not tells(monkeypatch, "https://assay.example.com/")
    assert tells(monkeypatch, "https://telemetry.example.com/")


def test_what_is_secret_in_an_endpoint_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert not tells(monkeypatch, "http://u:secret@127.0.0.1:4318/?k=secret", *RECEIVERS)
    assert "secret" not in caplog.text


def test_the_sdk_may_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not tells(monkeypatch, "http://127.0.0.1:5318", *RECEIVERS)
