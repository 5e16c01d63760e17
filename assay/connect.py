"""``assay connect``: what to set so that a tool sends here, and whether it does."""

import socket
from typing import Annotated

import typer

from assay.connecting import connections, instructions, problem_with
from assay.console import end, settings_from
from assay.settings import Address
from assay.verifying import Api, CannotAskError, verify


def connect(
    tool: Annotated[
        str, typer.Argument(help="The tool, from: assay connect --list", show_default=False)
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
        typer.Option(envvar="ASSAY_TOKEN", help="A token with the role viewer, for --verify."),
    ] = None,
) -> None:
    """Print what to set so that a tool sends its telemetry here; or verify that it arrives."""
    known = connections()
    if list_tools or not tool:
        width = max(map(len, known))
        typer.echo("\n".join(f"{name:<{width}}  {each.title}" for name, each in known.items()))
        return
    if tool not in known:
        end(f"There is no tool {tool!r} here. There are: {', '.join(known)}")
    settings = settings_from(endpoint=endpoint)
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


def _url(listening: Address, name: str) -> str:
    """The URL of an address that is listened on; under this name where that is every address."""
    everywhere = listening.host in ("0.0.0.0", "::")  # noqa: S104
    return f"http://{Address(name, listening.port) if everywhere else listening}"
