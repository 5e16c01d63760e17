"""What a new user reads first: where it listens and what to set so that telemetry arrives."""

from assay.settings import Settings


def welcome(settings: Settings, version: str, *, receives: bool, answers: bool) -> str:
    """The text that is printed once a process listens; short where that is a part of it all.

    It may receive telemetry, and answer with pages and the API.
    """
    if not answers:
        where = f"http://{settings.otlp_http} (OTLP/HTTP) and {settings.otlp_grpc} (OTLP/gRPC)"
        return f"Tokenassay {version} is listening on {where}. Ctrl-C stops it."
    if not receives:
        return f"Tokenassay {version} is listening on http://{settings.http}/. Ctrl-C stops it."
    grpc, http, pages = settings.otlp_grpc, settings.otlp_http, settings.http
    # Behind a front others reach it by other names than those it listens on.
    endpoint = (settings.endpoint or f"http://{http}").rstrip("/")
    public = (settings.public_url or f"http://{pages}").rstrip("/")
    place = settings.database_url.rpartition("@")[2] if settings.database_url else settings.data
    connected = [
        name for name, told in settings.providers.items() if told.webhook_secret or told.readable
    ]
    return f"""Tokenassay {version} is listening.

  pages and API  http://{pages}/
  OTLP/HTTP      http://{http}
  OTLP/gRPC      {grpc}
  data           {place}

To see Claude Code here, set this where it runs (or under "env" in its managed settings):

  export CLAUDE_CODE_ENABLE_TELEMETRY=1
  export OTEL_METRICS_EXPORTER=otlp
  export OTEL_LOGS_EXPORTER=otlp
  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
  export OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}
  export OTEL_LOG_TOOL_DETAILS=1    # commits and branches; arguments are dropped on arrival

The same for every other tool: assay connect --list
Keys that say for whom and which team a tool runs: assay keys create --help

Forges and trackers tell what came of it: assay connect github (or gitlab, jira, …)
  (connected: {", ".join(connected) or "none yet"}; webhooks come to {public}/webhooks/)

Ctrl-C stops it."""
