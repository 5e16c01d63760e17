"""What comes in: OTLP receivers, dialects (one module a coding tool), forges (one module each).

``assay`` starts it; it writes through ``store`` and never meets ``classifier`` or ``api``. Begin
with ``receive_http`` (bytes to the inbox) and ``ingest`` (inbox to sessions).
"""
