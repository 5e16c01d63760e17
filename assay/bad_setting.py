"""A sentence for an environment variable whose value can't be."""

from pydantic import ValidationError
from pydantic_settings import BaseSettings


def sentence(error: ValidationError, *kinds: type[BaseSettings]) -> str:
    """What is wrong, behind the name of its variable; ``kinds`` are the settings it may be of."""
    first = error.errors()[0]
    prefix = {kind.__name__: kind.model_config.get("env_prefix") for kind in kinds}[error.title]
    name = str(first["loc"][0]).upper() if first["loc"] else ""
    # A setting with a name of its own has it as it is.
    variable = name if name.startswith("ASSAY_") else f"{prefix}{name}"
    told = first["msg"].removeprefix("Value error, ")
    return f"{variable}: {told}" if name else told
