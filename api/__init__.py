"""What goes out: JSON routes under ``/v1`` and server-rendered pages.

It asks ``store`` for reports and shapes them; what it needs from ``classifier`` is given
to ``app.create_app`` as functions. Begin with ``app``; the contract is in ``schemas``.
"""
