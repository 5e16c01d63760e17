"""What all shapes have in common, and the words that several of them use."""

from pydantic import BaseModel, ConfigDict

TOOL = "The tool's short name, for example `claude-code`."
PURPOSE = "What requests were for: `main`, `subagent` or `auxiliary`; null: not told."
USER_NAME = "The user's name, where the operator turned names on and told it; else null."
USER = "Pseudonym of the user; `hidden`: not for whoever asks; null: not told."
MODEL = "The model as the tool spells it; null: not told."
LINK_ID = "The link's id, for `/v1/links/{id}/review`."
TARGET_KIND = "`commit`, `change` (a pull or merge request) or `ticket`."
TARGET_REPO = "Repository, as owner/name; empty for a ticket."
TARGET_ID = "The commit's SHA, the change's number, or the ticket's key."
TIER = "Strength: A names the session, B is near proof, C probable, D a proposal."
PROBABILITY = "How often links of such evidence are right, from 0 to 1."


class Shape(BaseModel):
    """An answer or a part of one; it does not change once it is made."""

    model_config = ConfigDict(frozen=True)
