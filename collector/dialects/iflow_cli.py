"""iFlow CLI, a fork of Gemini CLI, from its documentation and shipped code; no capture of it yet.

Authority: log ``iflow_cli.api_response`` for requests and tokens, ``api_error`` for failures,
``api_request`` for requests begun; other log events for prompts, tools, loops. Counters of
``iflow_cli.token.usage`` where no logs came. Later versions (0.5) count in histograms named by the
GenAI conventions, on whose points no session stands, and always send logs beside them.

Traps. It speaks to providers on the OpenAI wire: cached tokens are inside the input, thoughts
inside the output, unless the total says otherwise. ``service.version`` is Node's version. Events
tell local time with its offset. Spans only time HTTP requests and tools.

Not told: the tool's own version (in logs), cost, repository, lines, the user; what a request was
for, but for subagents, whose prompts are named so.
"""

from functools import partial

from collector.dialects.dialect import Dialect
from collector.dialects.gemini_cli import read_point
from collector.dialects.gemini_words import TOLD_BY_LOGS, Fork, read_log
from domain.events import Source

IFLOW = Fork(
    tool="iflow-cli",
    log_rank=0,
    metric_rank=1,
    thoughts_inside=True,
    usual_purpose=None,
    points_name_sessions=True,
)

DIALECT = Dialect(
    tool=IFLOW.tool,
    scopes=("iflow-cli",),
    prefixes=("iflow_cli.",),
    services=frozenset({"iflow-cli"}),
    tells={Source.LOG: TOLD_BY_LOGS},
    log=partial(read_log, fork=IFLOW),
    point=partial(read_point, fork=IFLOW),
)
