"""The texts of ``assay connect`` for the page about connecting."""

from functools import lru_cache

from api.guide import Guides, ProviderGuide, Snippet, ToolGuide
from assay.connecting import cautions, connections, problem_with, rendered
from assay.connecting_providers import provider_connections, provider_instructions


@lru_cache(maxsize=8)
def guides(
    receives: str, webhooks: str, *, endpoint: str | None = None, url: str | None = None
) -> Guides:
    """Everything that can be connected, for a server that is reached at these URLs.

    ``endpoint`` and ``url`` are the settings that say them, which a proxy in front may need.
    """
    receives, webhooks = endpoint or receives, url or webhooks
    # What a browser says of our address is not always one that a configuration can hold.
    if problem_with(receives, None):
        return Guides(tools=(), providers=())
    return Guides(
        tools=[_tool(name, receives) for name in connections()],
        providers=[
            ProviderGuide(name=name, title=told.title, text=_body(name, webhooks))
            for name, told in provider_connections().items()
        ],
    )


def _tool(name: str, receives: str) -> ToolGuide:
    told = connections()[name]
    return ToolGuide(
        name=name,
        title=told.title,
        snippets=[
            Snippet(place=each.place, text=rendered(each, receives, None)) for each in told.settings
        ],
        notes=[*told.notes, *cautions(told, receives, None)],
        first=told.first,
    )


def _body(name: str, webhooks: str) -> str:
    """The text without its title, which stands above it."""
    _, _, body = provider_instructions(name, webhooks).partition("\n\n")
    return body
