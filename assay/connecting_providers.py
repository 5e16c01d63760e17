"""How a forge or tracker is connected: one file for each under ``providers``, and its text."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import msgspec

from assay.provider_settings import PROVIDER_KINDS, ProviderSettings, variable
from store.report_status import Covered

# Shorter ones can be guessed from one delivery that was seen.
_SECRET_LENGTH = 16


class ProviderConnection(msgspec.Struct, frozen=True):
    """What to set up at one provider, and here.

    ``credentials`` says which kinds there are to read with, ``permissions`` what they must allow,
    ``webhook`` where one is made, ``events`` what it has to send, ``variables`` what is set here,
    by the end of its name.
    """

    title: str
    credentials: list[str]
    permissions: list[str]
    webhook: str
    events: list[str]
    variables: dict[str, str]


@cache
def provider_connections() -> Mapping[str, ProviderConnection]:
    """All providers that can be connected, by their names."""
    folder = resources.files("assay") / "providers"
    return {
        kind.name: msgspec.convert(
            tomllib.loads((folder / f"{kind.name}.toml").read_text(encoding="utf-8")),
            ProviderConnection,
        )
        for kind in PROVIDER_KINDS
    }


def provider_instructions(name: str, address: str) -> str:
    """Everything to set up for this provider, at its side and at ours.

    ``address`` is where webhooks reach us.
    """
    told = provider_connections()[name]
    names = [variable(name, field) for field in told.variables]
    width = max(map(len, names))
    lines = (
        told.title,
        "",
        "To read what is there, and what webhooks miss (assay sync):",
        *(f"- {each}" for each in told.credentials),
        "",
        "It must allow:",
        *(f"- {each}" for each in told.permissions),
        "",
        f"To hear of changes at once: {told.webhook}",
        f"- Address: {address.rstrip('/')}/webhooks/{name}",
        *(f"- {each}" for each in told.events),
        "",
        "Set where Tokenassay runs:",
        *(
            f"  {called:<{width}}  {meaning}"
            for called, meaning in zip(names, told.variables.values(), strict=True)
        ),
    )
    return "\n".join(lines)


def webhook_state(name: str, told: ProviderSettings, covered: Sequence[Covered]) -> list[str]:
    """What is wrong with the webhook, or how it does; ``covered`` is what became of deliveries."""
    secret = told.webhook_secret.get_secret_value() if told.webhook_secret else ""
    if not secret:
        return [f"NO   Webhooks are refused until {variable(name, 'webhook_secret')} is set."]
    lines = ["yes  The webhook's secret is set."]
    if len(secret) < _SECRET_LENGTH:
        lines = [f"NO   The webhook's secret is shorter than {_SECRET_LENGTH} characters."]
    arrived = [each for each in covered if each.signal == "webhook"]
    if not arrived:
        return [*lines, "NO   No delivery with this secret has arrived yet."]
    count = sum(each.records for each in arrived)
    last = max(each.last_at for each in arrived)
    return [*lines, f"yes  {count} deliveries have arrived, the last at {last:%Y-%m-%d %H:%M} UTC."]
