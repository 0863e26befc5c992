"""Options of the Unleash back end. The token is never one of them: options stand in the release's record."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from deliver.flags.options import ENVIRONMENT, address
from deliver.plugins.types import Duration

NAME = r"^[A-Za-z0-9_~.-]+$"


class UnleashOptions(BaseModel):
    """One environment of one project of an Unleash server."""

    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")

    url: str = Field(max_length=2000, description="address of the server, such as https://unleash.acme.dev, without /api")
    environment: str = Field(pattern=NAME, max_length=100, description="environment whose users get the treatment")
    project: str = Field("default", pattern=NAME, max_length=100, description="project of the flag")
    token_env: str = Field("UNLEASH_TOKEN", pattern=ENVIRONMENT, description="environment variable with the admin token")
    strategy: str = Field("", pattern=rf"{NAME}|^$", max_length=100, description="id of the strategy to drive, where the flag has several")
    users: int = Field(1000, ge=50, le=10000, description="made-up users that the server is asked for, to see the share that it serves")
    refresh: Duration = Field(15.0, gt=0, description="how often the applications ask Unleash: a change has arrived after that")

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        return address(url).removesuffix("/api")
