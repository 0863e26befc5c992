"""Options that every back end in flagd's format has."""

from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from deliver.plugins.types import Duration

NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
ENVIRONMENT = r"^[A-Za-z_][A-Za-z0-9_]*$"


class FlagdOptions(BaseModel):
    """Names of the variants, and how the change is seen to arrive."""

    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")

    treatment: str = Field("on", min_length=1, max_length=200, description="variant that the release gives to more and more users")
    safe: str = Field("off", min_length=1, max_length=200, description="variant that everybody gets after a rollback")
    port: int = Field(8016, ge=0, le=65535, description="port where each pod answers OFREP; 0: nobody can be asked, so time has to do")
    path: str = Field(
        "/ofrep/v1/evaluate/flags", pattern=r"^/[^\s?#]*[^\s?#/]$", max_length=200, description="OFREP's path, without the flag"
    )
    users: int = Field(1000, ge=50, le=10000, description="made-up users that an instance is asked for, to see the share that it serves")
    wait: Duration = Field(120.0, gt=0, description="after which a change counts as arrived (unconfirmed) where nobody can be asked")
    token_env: str = Field("", pattern=rf"{ENVIRONMENT}|^$", description="environment variable with the token that OFREP wants")
    token_header: Literal["X-API-Key", "Authorization"] = Field(
        "X-API-Key", description="where the token goes; Authorization (as Bearer) never passes the API server's proxy"
    )

    @model_validator(mode="after")
    def _two(self) -> "FlagdOptions":
        if self.treatment == self.safe:
            raise ValueError(f"treatment and safe are both `{self.safe}`; they are two variants")
        return self


def passes(header: str) -> str:
    if header == "Authorization":
        raise ValueError("the API server's proxy keeps that header to itself; use X-API-Key")
    return header


class ConfigMapOptions(FlagdOptions):
    """A document in a ConfigMap that the pods mount."""

    configmap: str = Field(pattern=NAME, max_length=253, description="ConfigMap with the document")
    key: str = Field("flags.json", pattern=r"^[-._a-zA-Z0-9]+$", max_length=253, description="its key that holds the document")

    _passes = field_validator("token_header")(passes)


class ResourceOptions(FlagdOptions):
    """A FeatureFlag resource of the OpenFeature Operator."""

    resource: str = Field(pattern=NAME, max_length=253, description="FeatureFlag resource with the flag")

    _passes = field_validator("token_header")(passes)


class FileOptions(FlagdOptions):
    """A document in a local file."""

    file: str = Field(min_length=1, max_length=4000, description="the file that flagd or a provider reads")
    wait: Duration = Field(10.0, gt=0, description="after which a change counts as arrived (unconfirmed) where nobody can be asked")
    instances: tuple[str, ...] = Field((), description="addresses of what reads the file and answers OFREP; none: the pods are asked")

    @field_validator("instances", mode="before")
    @classmethod
    def _one(cls, instances: Any) -> Any:
        """From the command line comes a single one as text."""
        return (instances,) if isinstance(instances, str) and instances else instances or ()

    @field_validator("instances")
    @classmethod
    def _plain(cls, instances: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(address(one) for one in instances)


def address(url: str) -> str:
    """An http(s) address without a user, a query or a trailing slash. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address begins with http:// or https:// and a host")
    if parts.username or parts.password:
        raise ValueError("an address with a user or password in it would be written down; give a token by environment variable")
    if parts.query or parts.fragment or any(c.isspace() for c in url):
        raise ValueError("an address has no query and no fragment")
    return url.rstrip("/")
