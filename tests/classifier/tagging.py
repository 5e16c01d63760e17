"""Sessions tagged as taking part in an evaluation, as folding telemetry does it."""

from domain.events import Trace
from domain.folded import Folded, SessionKey, SessionSums
from domain.labels import JudgedSession
from store import sessions
from store.engine import Database


def tag(database: Database, session: JudgedSession, value: str) -> None:
    """One more record of this session that tells the tag."""
    sums = SessionSums(session.started_at, session.started_at, usage_rank=None, active=True)
    sums.traces = {(Trace.EVALUATION, value): session.started_at}
    sums.last_traced = dict(sums.traces)
    folded = Folded()
    folded[SessionKey(session.tool, session.session_id, "")] = sums
    with database.writing() as connection:
        sessions.apply(connection, folded)
