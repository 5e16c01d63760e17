"""The process that reads providers: see ``assay.sync`` for who orders it.

One line on standard input is the order. Its end means that whoever gave it is gone: then this ends
at once, anywhere. What was read is written, since facts and cursors are written together.
"""

import logging
import os
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from assay.console import settings_from
from assay.opening import CannotStart
from assay.reading import (
    client_of,
    read_provider,
    readable_sources,
    source_named,
    wanted,
)
from assay.settings import Settings
from assay.sync import Order
from collector.client_errors import ClientError
from collector.source import Source
from collector.sync import NOUNS, Progress, Result
from store.engine import Database, StoreError

_log = logging.getLogger(__name__)
_INTERRUPTED = 130


def main() -> None:
    """Carry out the order; the status is 1 where something failed."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    # Its own words for its calls are not ours, and tell addresses.
    logging.getLogger("httpx").setLevel(logging.ERROR)
    told = msgspec.json.decode(_first_line(), type=Order)
    threading.Thread(target=_end_with_whoever_ordered, daemon=True).start()
    try:
        well = _checked(told) if told.check else _read(told)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except (CannotStart, ClientError, StoreError) as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
    sys.exit(0 if well else 1)


def _first_line() -> bytes:
    """What stands before the first line's end; read without a buffer, which would have a lock."""
    told = b""
    while not told.endswith(b"\n") and (some := os.read(0, 1)):
        told += some
    return told


def _end_with_whoever_ordered() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def _read(told: Order) -> bool:
    """Read what is ordered; whether nothing failed."""
    settings = settings_from(database_url=told.database_url)
    sources = _sources(told, settings)
    if not sources and not told.quiet:
        raise CannotStart("There is nothing to read with. See: assay connect github")
    if told.names and len(sources) > 1:
        raise CannotStart("--repository: name the provider too: assay sync github --repository …")
    database = Database(told.database_url)
    try:
        # A list: one that fails must not keep the others from being read.
        well = [_provider(database, source, settings, told) for source in sources]
    finally:
        database.close()
    return all(well)


def _sources(told: Order, settings: Settings) -> list[Source]:
    return [source_named(told.provider, settings)] if told.provider else readable_sources(settings)


def _provider(database: Database, source: Source, settings: Settings, told: Order) -> bool:
    """Read one provider, with progress and a table unless nobody watches."""
    screen = Console(quiet=told.quiet)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=screen, transient=True, disable=told.quiet) as bar:
        task = bar.add_task(source.name)

        def tell(at: Progress) -> None:
            place = f"{source.name}  {at.number} of {at.of}  {at.scope}  {at.stream}"
            bar.update(task, description=f"{place}  {at.facts or ''}")

        def waiting(seconds: float, why: str) -> None:
            bar.update(task, description=f"{source.name}  waiting {seconds:.0f} s: {why}")

        try:
            results = read_provider(database, source, settings, told, tell, waiting)
        except CannotStart as error:
            _log.error("%s", error)
            return False
    if results is None:
        if not told.quiet:
            typer.echo(f"Another process reads {source.name} now.", err=True)
        return told.quiet
    screen.print(_table(source, results))
    for result in results:
        if result.error:
            _complain(source, result, told)
    return all(result.skipped for result in results if result.error)


def _complain(source: Source, result: Result, told: Order) -> None:
    kind = "is not read" if result.skipped else "failed"
    place = " ".join(filter(None, (source.name, result.scope, result.stream)))
    if not (told.quiet and result.skipped):
        typer.echo(f"{place} {kind}: {result.error}", err=not result.skipped)


def _table(source: Source, results: Sequence[Result]) -> Table:
    table = Table(source.name, *NOUNS, "unreadable")
    facts: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        if result.scope:
            facts[result.scope] += result.facts
            facts[result.scope]["unreadable"] += result.unreadable
    for scope, counted in facts.items():
        table.add_row(scope, *(str(counted[noun] or "") for noun in (*NOUNS, "unreadable")))
    return table


def _checked(told: Order) -> bool:
    """Say what the credentials of one provider can see; whether they suffice."""
    settings = settings_from(database_url=told.database_url)
    source = source_named(told.provider, settings)
    own = settings.providers[source.name]
    well = True
    with client_of(source, own) as client:
        for finding in source.check(client, told.names or wanted(own)):
            well = well and finding.ok
            typer.echo(f"  {'yes' if finding.ok else 'NO '}  {finding.text}")
            if finding.advice:
                typer.echo(f"       {finding.advice}")
    return well


if __name__ == "__main__":
    main()
