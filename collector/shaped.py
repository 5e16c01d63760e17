"""An answer that is one thing, given a shape."""

from typing import TypeVar

from collector.client_answer import Answer
from collector.client_errors import BadAnswer
from collector.forges.errors import UnreadablePayload
from collector.forges.reading import read

_Told = TypeVar("_Told")


def shaped(answer: Answer, shape: type[_Told], provider: str) -> _Told:
    """Give what an answer holds. Raises BadAnswer, naming the field, where it is something else."""
    try:
        return read(answer.json(), shape, provider)
    except UnreadablePayload as error:
        raise BadAnswer(str(error)) from error
