"""What a new user reads first: where it listens and what to set so that telemetry arrives."""

from assay.settings import Settings


def welcome(settings: Settings, version: str, *, receives: bool) -> str:
    """The text that is printed once a process listens; short where it receives no telemetry."""
    if not receives:
        return f"Tokenassay {version} is listening on http://{settings.http}/. Ctrl-C stops it."
    grpc, http, pages = settings.otlp_grpc, settings.otlp_http, settings.http
    place = settings.database_url.rpartition("@")[2] if settings.database_url else settings.data
    secret = (
        "is set"
        if settings.webhook_secrets()
        else "is not set: deliveries are refused until ASSAY_GITHUB_WEBHOOK_SECRET is"
    )
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
  export OTEL_EXPORTER_OTLP_ENDPOINT=http://{http}
  export OTEL_LOG_TOOL_DETAILS=1    # commits and branches; arguments are dropped on arrival

GitHub: send pull requests, reviews and pushes to http://{pages}/webhooks/github
  (content type application/json; the webhook secret {secret}).

Ctrl-C stops it."""
