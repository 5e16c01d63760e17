"""Looking for what is worth an alert, by the one process at a database that does so."""

from datetime import date, datetime, timedelta

from classifier import alert_rules
from classifier.alert_thresholds import AlertThresholds
from classifier.forecast import MOST_DAYS
from classifier.ledger import Ledger
from domain.alerts import AlertKind, Finding
from domain.budgets import Budget, Part, ScopeKind, Span, Unit, basis_of, committed_nanousd
from domain.company_prices import CompanyPrices
from store import alerts, budgets, spend_days, sync
from store.engine import Connection, Database
from store.heavy import heavy_sessions
from store.people import persons_of

_WATCHING = 7_275_347
_READING_SECONDS = 0.5
_DAY = timedelta(days=1)
_DAYS_KEPT = timedelta(days=MOST_DAYS + 7)


class Watch:
    """Holds the ledger from look to look."""

    def __init__(
        self,
        company: CompanyPrices | None = None,
        thresholds: AlertThresholds | None = None,
        *,
        reading_seconds: float = _READING_SECONDS,
    ) -> None:
        self._company = company
        self._thresholds = thresholds or AlertThresholds()
        self._ledger = Ledger(basis_of(company))
        self._reading_seconds = reading_seconds

    def look(self, database: Database, now: datetime) -> bool:
        """Look once, and keep what opened, got worse or is gone.

        False where another process looks, or the past is not read yet: then only what does not
        need it was looked for.
        """
        with database.alone(_WATCHING) as mine:
            if not mine:
                return False
            self._claim(database, now.date())
            with database.reading() as connection:
                found, complete = self._found(connection, now)
                pending = alerts.outstanding(connection, found, now)
            if pending:
                with database.writing() as connection:
                    alerts.reconcile(connection, found, now)
            self._keep_days(database, now)
            return complete

    def _claim(self, database: Database, today: date) -> None:
        """Claim the days that nobody keeps: what is read of a day may be kept only then."""
        basis, oldest = self._ledger.basis, today - timedelta(days=MOST_DAYS)
        with database.reading() as connection:
            days = spend_days.unclaimed(connection, basis, oldest, today)
        if days:
            with database.writing() as connection:
                spend_days.claim(connection, basis, days)

    def _keep_days(self, database: Database, now: datetime) -> None:
        """Keep the days that were read and have changed."""
        days = self._ledger.unkept()
        if not days:
            return
        with database.writing() as connection:
            spend_days.keep(connection, self._ledger.basis, days, now)
            spend_days.forget(connection, now.date() - _DAYS_KEPT)
        self._ledger.note_kept()

    def _found(
        self, connection: Connection, now: datetime
    ) -> tuple[dict[AlertKind, list[Finding]], bool]:
        """What holds now, of every kind that could be looked for."""
        today = now.date()
        standing = [
            (each, span) for each in budgets.standing(connection) if (span := each.span(today))
        ]
        parts = _meant(connection, standing)
        since = min((span.first for _, span in standing), default=today)
        complete = self._ledger.refresh(
            connection, today, parts.values(), since, self._reading_seconds
        )
        found = {
            AlertKind.RUNAWAY_SESSION: self._runaways(connection, now),
            AlertKind.SYNC_FAILING: alert_rules.sync_failing(
                sync.states(connection), now, self._thresholds
            ),
        }
        if complete:
            found[AlertKind.BUDGET] = self._budgets(standing, parts, now)
            found[AlertKind.SPEND_ANOMALY] = self._anomalies(now)
            found[AlertKind.TOOL_SILENT] = self._silent(now)
        return found, complete

    def _budgets(
        self, standing: list[tuple[Budget, Span]], parts: dict[str, Part], now: datetime
    ) -> list[Finding]:
        found = []
        for each, span in standing:
            spend = self._ledger.spent(parts[each.id], span.first, now.date() + _DAY)
            used = spend.tokens
            if each.unit is Unit.USD:
                committed = committed_nanousd(each.part, self._company, span)
                used = (spend.nanousd or 0) + (committed or 0)
            found.append(alert_rules.budget(each, span, used))
        return [each for each in found if each is not None]

    def _runaways(self, connection: Connection, now: datetime) -> list[Finding]:
        limits = self._thresholds
        sessions = heavy_sessions(
            connection,
            now - timedelta(hours=limits.runaway_hours),
            tokens=limits.runaway_tokens,
            requests=limits.runaway_requests,
            repeats=limits.runaway_repeats,
        )
        told = (alert_rules.runaway(each, limits) for each in sessions)
        return [each for each in told if each is not None]

    def _anomalies(self, now: datetime) -> list[Finding]:
        told = (
            alert_rules.anomaly(self._ledger, part, now, self._thresholds)
            for part in self._ledger.parts()
        )
        return alert_rules.without_echoes([each for each in told if each is not None])

    def _silent(self, now: datetime) -> list[Finding]:
        told = (
            alert_rules.silent(self._ledger.used(tool), tool, now, self._thresholds)
            for tool in self._ledger.tools()
        )
        return [each for each in told if each is not None]


def _meant(connection: Connection, standing: list[tuple[Budget, Span]]) -> dict[str, Part]:
    """The part of each budget; a person by any identity is that person."""
    named = {each.part.value for each, _ in standing if each.part.kind is ScopeKind.PERSON}
    persons = persons_of(connection, named) if named else {}
    return {
        each.id: Part(kind=each.part.kind, value=persons.get(each.part.value, each.part.value))
        if each.part.kind is ScopeKind.PERSON
        else each.part
        for each, _ in standing
    }
