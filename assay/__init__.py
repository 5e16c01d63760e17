"""The ``assay`` command and the processes it starts: wiring only; nothing imports it."""

from importlib.metadata import version

__version__ = version("tokenassay")
