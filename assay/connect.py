"""``assay connect``: what to set so that a tool sends here, and whether it does."""

import socket
from typing import Annotated

import typer

from assay.connecting import connections, instructions, problem_with
from assay.connecting_providers import (
    provider_connections,
    provider_instructions,
    webhook_state,
)
from assay.console import end, opened, settings_from
from assay.opening import there
from assay.settings import Address, Settings
from assay.sync import Order, order
from assay.verifying import Api, CannotAskError, verify
from store import report_status
from store.report_status import Covered


def connect(
    tool: Annotated[
        str,
        typer.Argument(
            help="The tool, forge or tracker, from: assay connect --list", show_default=False
        ),
    ] = "",
    *,
    endpoint: Annotated[
        str | None,
        typer.Option(
            envvar="ASSAY_ENDPOINT",
            metavar="URL",
            help="What the tool sends to, as its machine reaches it.",
            show_default="http:// and the address of --otlp-http",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="ASSAY_KEY", help="The key to send, from: assay keys create"),
    ] = None,
    list_tools: Annotated[bool, typer.Option("--list", help="Show the tools.")] = False,
    check: Annotated[
        bool, typer.Option("--verify", help="Wait for its telemetry and say what arrives.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long --verify waits.")
    ] = 120,
    api: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The server's API, for --verify.",
            show_default="http:// and the address of --http",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(envvar="ASSAY_TOKEN", help="A token with the role admin, for --verify."),
    ] = None,
) -> None:
    """Print what to set so that a tool sends its telemetry here; or verify that it arrives.

    Of a forge or tracker: print what to set, and test what is set.
    """
    known, providers = connections(), provider_connections()
    if list_tools or not tool:
        typer.echo(_list())
        return
    if tool not in known and tool not in providers:
        end(f"There is no tool {tool!r} here. There are: {', '.join([*known, *providers])}")
    settings = settings_from(endpoint=endpoint)
    if tool in providers:
        raise typer.Exit(_provider(tool, settings))
    if not check:
        # An address of all interfaces is none to send to; the machine's name is known elsewhere.
        told = settings.endpoint or _url(settings.otlp_http, socket.gethostname())
        problem = problem_with(told, key)
        if problem:
            end(problem)
        typer.echo(instructions(tool, told, key))
        return
    address = api or _url(settings.http, "localhost")
    if not address.startswith(("http://", "https://")):
        end(f"--api {address}: write a URL, for example http://127.0.0.1:8000")
    try:
        arrived = verify(tool, Api(address, token), timeout, typer.echo)
    except CannotAskError as error:
        end(str(error))
    raise typer.Exit(0 if arrived else 1)


def _list() -> str:
    """What can be connected, by name and title."""
    titles = {name: each.title for name, each in connections().items()}
    titles |= {name: each.title for name, each in provider_connections().items()}
    width = max(map(len, titles))
    return "\n".join(f"{name:<{width}}  {title}" for name, title in titles.items())


def _provider(name: str, settings: Settings) -> int:
    """Say what to set for a forge or tracker, and test what is set; the exit status."""
    address = settings.endpoint or _url(settings.http, socket.gethostname())
    typer.echo(f"{provider_instructions(name, address)}\n\nWhat is set now:")
    told = settings.providers[name]
    for line in webhook_state(name, told, _deliveries(name, settings)):
        typer.echo(f"  {line}")
    if not told.readable:
        typer.echo("  NO   There is nothing to read it with.")
        return 1
    return order(Order(database_url=settings.url, provider=name, check=True)).wait()


def _deliveries(name: str, settings: Settings) -> list[Covered]:
    """What became of this provider's deliveries; nothing where there is no database yet."""
    if settings.database_url is None and not there(settings):
        return []
    with opened(None, None) as database, database.reading() as connection:
        return report_status.coverage(connection, tools=[name])


def _url(listening: Address, name: str) -> str:
    """The URL of an address that is listened on; under this name where that is every address."""
    everywhere = listening.host in ("0.0.0.0", "::")  # noqa: S104
    return f"http://{Address(name, listening.port) if everywhere else listening}"
