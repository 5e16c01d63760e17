"""Tables that commands print."""

from rich.table import Column, Table


def listing(*headings: str) -> Table:
    """A table in which ids stand whole, however narrow it is: other commands are told them."""
    return Table(*(Column(each, overflow="fold", no_wrap=each == "id") for each in headings))
