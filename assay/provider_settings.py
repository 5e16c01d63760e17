"""Settings of forges and trackers: one shape for all, ``ASSAY_<PROVIDER>_<FIELD>`` for each."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError


class ProviderKind(NamedTuple):
    """What a provider is called, and where its public service answers (None: it has none)."""

    name: str
    url: str | None = None


PROVIDER_KINDS = (
    ProviderKind("github", "https://api.github.com"),
    ProviderKind("gitlab", "https://gitlab.com"),
    ProviderKind("bitbucket-cloud", "https://api.bitbucket.org"),
    ProviderKind("bitbucket-dc"),
    ProviderKind("azure-devops"),
    ProviderKind("gitea"),
    ProviderKind("jira"),
    ProviderKind("linear", "https://api.linear.app"),
)


def variable(provider: str, field: str) -> str:
    """The environment variable of a provider's setting."""
    return f"ASSAY_{provider.upper().replace('-', '_')}_{field.upper()}"


def _names(told: object) -> object:
    """Names apart by commas or spaces."""
    return tuple(re.findall(r"[^\s,]+", told)) if isinstance(told, str) else told


def _address(told: object) -> object:
    """A URL without what would be appended twice or sent elsewhere."""
    if told is None or told == "":
        return None
    text = str(told).rstrip("/")
    parts = urlsplit(text)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
    ):
        raise ValueError("write a URL, for example https://git.example.com")
    return text


_Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
_Url = Annotated[str | None, BeforeValidator(_address)]


class ProviderSettings(BaseModel):
    """What can be set for one provider. Every field has a heading in ``docs/settings.md``.

    An empty variable is one that is not set.
    """

    model_config = ConfigDict(frozen=True)

    webhook_secret: SecretStr | None = Field(
        None, description="Secret of the webhook; without it deliveries are refused."
    )
    url: _Url = Field(None, description="Address of the server, where it is not the public one.")
    token: SecretStr | None = Field(None, description="Token to read with; without it none is.")
    user: str | None = Field(None, description="User of the token, where it is used as password.")
    repositories: _Names = Field((), description="What to read; empty: all that the token sees.")
    projects: _Names = Field((), description="Projects to read; empty: all that the token sees.")
    app_id: str | None = Field(None, description="GitHub App to read as, instead of a token.")
    app_key: Path | None = Field(None, description="File with the GitHub App's private key.")

    @property
    def readable(self) -> bool:
        """Whether there is anything to read with."""
        return self.token is not None or self.app_id is not None


class BadProviderSetting(ValueError):
    """An environment variable of a provider that holds nothing usable; the message names it."""


def provider_settings(
    environment: Mapping[str, str] = os.environ,
) -> Mapping[str, ProviderSettings]:
    """What the environment says of each provider, by name. Raises BadProviderSetting."""
    told = {}
    for kind in PROVIDER_KINDS:
        variables = {name: variable(kind.name, name) for name in ProviderSettings.model_fields}
        given = {
            name: environment[called]
            for name, called in variables.items()
            if environment.get(called)
        }
        try:
            own = ProviderSettings.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            message = first["msg"].removeprefix("Value error, ")
            raise BadProviderSetting(f"{variables[str(first['loc'][0])]}: {message}") from error
        told[kind.name] = own if own.url else own.model_copy(update={"url": kind.url})
    return told
