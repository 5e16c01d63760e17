"""What the page about connecting is told: the texts of the command."""

import pytest

from assay.connecting import connections, instructions
from assay.connecting_providers import provider_instructions
from assay.guides import guides

RECEIVES, ANSWERS = "http://box:4318", "http://box:8000"


def test_a_guide_holds_what_the_command_prints() -> None:
    for tool in guides(RECEIVES, ANSWERS).tools:
        printed = " ".join(instructions(tool.name, RECEIVES, None).split())
        parts = [tool.title, tool.first, *tool.notes, *(each.text for each in tool.snippets)]
        for part in (*parts, *(each.place for each in tool.snippets)):
            assert " ".join(part.split()) in printed
    for provider in guides(RECEIVES, ANSWERS).providers:
        assert provider_instructions(provider.name, ANSWERS).endswith(provider.text)
        assert f"{ANSWERS}/webhooks/{provider.name}" in provider.text


def test_settings_go_before_what_a_browser_asks_for() -> None:
    told = guides(RECEIVES, ANSWERS, endpoint="https://in.acme.example", url="https://acme.example")
    assert len(told.tools) == len(connections())
    assert all("box" not in each.text for tool in told.tools for each in tool.snippets)
    assert all("https://acme.example/webhooks/" in each.text for each in told.providers)


@pytest.mark.parametrize("odd", ["http://a b:1", 'http://"x":1', "ftp://x"])
def test_an_address_that_no_configuration_can_hold_gets_none(odd: str) -> None:
    assert guides(odd, ANSWERS).tools == ()
