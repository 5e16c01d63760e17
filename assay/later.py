"""Commands that are read from their modules only once they are asked for.

To read all of them takes seconds, of which none needs more than a part.
"""

from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class Place(NamedTuple):
    """Where a command or group is (``module:name``), and how its help begins."""

    where: str
    summary: str


class Later(TyperCommand):
    """A command of which only the name and the first sentence are known, until it is to run."""

    def __init__(self, name: str, place: Place) -> None:
        super().__init__(name, callback=None, help=place.summary)
        self._where = place.where

    def read(self) -> TyperCommand | TyperGroup:
        """The command itself."""
        module, _, name = self._where.partition(":")
        found = getattr(import_module(module), name)
        host = typer.Typer()
        if isinstance(found, typer.Typer):
            host.add_typer(found, name=self.name)
        else:
            host.command(self.name)(found)
        command = get_group(host).commands[str(self.name)]
        if not isinstance(command, TyperCommand | TyperGroup):
            raise TypeError(self._where)
        return command

    def make_context(self, *told: Any, **more: Any) -> Any:
        """Its context, in which it then runs."""
        return self.read().make_context(*told, **more)
