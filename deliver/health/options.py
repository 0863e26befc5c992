"""Options that every health check has."""

from pydantic import BaseModel, ConfigDict, Field


class CheckOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")

    port: int = Field(ge=1, le=65535, description="the pod's port")
    failures: int = Field(2, ge=1, le=100, description="probes of a pod that must fail in a row; one alone is not judged yet")
