"""Reading the configured providers: clients made of settings, one process at a time at each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time

from assay.opening import CannotStart
from assay.provider_settings import PROVIDER_KINDS, ProviderSettings, variable
from assay.settings import Settings
from assay.sync import Order
from collector.client import Authorise, Client, Surroundings
from collector.source import Access, Source
from collector.sources import SOURCES
from collector.sync import Progress, Result, Sync
from domain.pseudonym import Pseudonyms
from store import installation
from store import sync as store
from store.engine import Database

# Advisory locks are numbers; one for each provider from here on.
_READING = 7_275_400


def readable_sources(settings: Settings) -> list[Source]:
    """The providers that there is something to read with."""
    return [source for source in SOURCES if settings.providers[source.name].readable]


def source_named(name: str, settings: Settings) -> Source:
    """The provider of this name. Raises CannotStart where it can't be read."""
    known = {source.name: source for source in SOURCES}
    if name not in known:
        raise CannotStart(f"There is no provider {name!r} to read. There are: {', '.join(known)}")
    if not settings.providers[name].readable:
        token = variable(name, "token")
        raise CannotStart(f"Nothing to read {name} with: set {token}. See: assay connect {name}")
    return known[name]


def wanted(told: ProviderSettings) -> tuple[str, ...]:
    """What the settings name to be read."""
    return (*told.repositories, *told.projects)


def start_of(settings: Settings) -> datetime | None:
    """From when on the settings say that providers are read."""
    day = settings.sync_since
    return datetime.combine(day, time(), UTC) if day else None


@contextmanager
def client_of(
    source: Source, told: ProviderSettings, around: Surroundings | None = None
) -> Iterator[Client]:
    """A client of this provider. Raises CannotStart where the settings do not suffice."""
    access = _access(source.name, told)

    def connect(authorise: Authorise) -> Client:
        return Client(
            source.root(access.url),
            authorise,
            headers=source.headers,
            find_limit=source.limited,
            around=around,
        )

    made: list[Client] = []

    def kept(authorise: Authorise) -> Client:
        made.append(connect(authorise))
        return made[-1]

    try:
        yield kept(source.authorise(access, kept))
    finally:
        for client in made:
            client.close()


def read_provider(
    database: Database,
    source: Source,
    settings: Settings,
    told: Order,
    tell: Callable[[Progress], None],
    waiting: Callable[[float, str], None],
) -> list[Result] | None:
    """What came of it; None where another process reads this provider now.

    Raises CannotStart, and StoreError where the database can't be written.
    """
    own = settings.providers[source.name]

    def known(address: str) -> str | None:
        if told.again:
            return None
        with database.reading() as connection:
            return store.tag(connection, source.name, address)

    number = next(n for n, kind in enumerate(PROVIDER_KINDS) if kind.name == source.name)
    with database.alone(_READING + number) as mine:
        if not mine:
            return None
        around = Surroundings(known=known, waiting=waiting)
        with client_of(source, own, around) as client:
            return Sync(
                database=database,
                source=source,
                client=client,
                pseudonyms=Pseudonyms(installation.pseudonym_key(database)),
                clock=around.clock,
                wanted=told.names or wanted(own),
                since=told.since or start_of(settings),
                again=told.again,
                tell=tell,
            ).run()


def _access(name: str, told: ProviderSettings) -> Access:
    if told.url is None:
        raise CannotStart(f"The address of {name} is not known: set {variable(name, 'url')}.")
    key = None
    if told.app_id is not None:
        if told.app_key is None:
            raise CannotStart(f"The App {told.app_id} has no key: set {variable(name, 'app_key')}.")
        try:
            key = told.app_key.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise CannotStart(f"Cannot read the App's key {told.app_key}.") from error
    return Access(
        url=told.url,
        token=told.token.get_secret_value() if told.token else None,
        user=told.user,
        app_id=told.app_id,
        app_key=key,
    )
