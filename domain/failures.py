"""What the log may say of an error that nobody foresaw: where it came from, never its message.

A message may repeat what a record said, or name a person.
"""

import traceback


def origin(error: BaseException) -> str:
    """Its class, the place where it was raised, and the class of its cause."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    cause = "" if error.__cause__ is None else f", from {type(error.__cause__).__name__}"
    return f"{type(error).__name__} in {place.filename}, line {place.lineno}{cause}"


def frames(error: BaseException) -> str:
    """The way to that place through the code, the last call last; before it that of its cause.

    An error of the database is raised anew far from what was asked of it: the cause was there.
    """
    chain = [each for each in (error.__context__, error) if each is not None]
    return "".join("".join(traceback.format_tb(each.__traceback__)) for each in chain).rstrip()


def class_name(error: BaseException) -> str:
    """The class of its cause, or its own where it has none."""
    return type(error.__cause__ or error).__name__
