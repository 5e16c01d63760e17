"""What all shapes have in common, and the words that several of them use."""

from pydantic import BaseModel, ConfigDict

TOOL = "The tool's short name, for example `claude-code`."
PURPOSE = "What requests were for: `main`, `subagent` or `auxiliary`; null: not told."
USER = "Pseudonym of the user; null: not told."
MODEL = "The model as the tool spells it; null: not told."


class Shape(BaseModel):
    """An answer or a part of one; it does not change once it is made."""

    model_config = ConfigDict(frozen=True)
