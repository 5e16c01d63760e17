"""What is read first once a process listens."""

from assay.settings import Settings
from assay.welcome import welcome


def test_tools_are_told_where_it_listens() -> None:
    told = welcome(Settings(), "1.0", receives=True, answers=True)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318\n" in told
    assert "webhooks come to http://127.0.0.1:8000/webhooks/" in told


def test_behind_a_front_they_are_told_its_name() -> None:
    settings = Settings(
        endpoint="https://assay.example.com/", public_url="https://assay.example.com"
    )
    told = welcome(settings, "1.0", receives=True, answers=True)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=https://assay.example.com\n" in told
    assert "webhooks come to https://assay.example.com/webhooks/" in told


def test_a_part_of_it_says_what_it_listens_on_alone() -> None:
    collect = welcome(Settings(), "1.0", receives=True, answers=False)
    assert "127.0.0.1:4318" in collect
    assert "127.0.0.1:4317" in collect
    assert "8000" not in collect
    api = welcome(Settings(), "1.0", receives=False, answers=True)
    assert "127.0.0.1:8000" in api
    assert "431" not in api
