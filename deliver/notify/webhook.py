"""A webhook: one POST of JSON. Its address is a secret (who knows it can post), so it comes from the environment."""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from deliver.http.client import Client, NoAnswer
from deliver.model.errors import InputError
from deliver.plugins.notifiers import News, NotifyError

LARGEST = 64 * 1024  # bytes of an answer that are read: only its status counts


class WebhookOptions(BaseModel):
    """Options of the webhook notifier."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url_env: str = Field(description="environment variable that holds the address")
    token_env: str | None = Field(default=None, description="environment variable with a token, sent as `Authorization: Bearer`")
    format: Literal["json", "slack"] = Field(default="json", description="json: the news and the release; slack: a text message")


class Webhook:
    """POSTs to any URL, or to an incoming webhook of Slack, Mattermost and the like."""

    name: ClassVar[str] = "webhook"
    summary: ClassVar[str] = "POST of JSON to a URL, or a message to an incoming webhook of Slack and the like"
    Options: ClassVar[type[BaseModel]] = WebhookOptions

    def __init__(self, options: WebhookOptions, environ: Mapping[str, str]) -> None:
        self._options = options
        self._url = _needed(environ, options.url_env)
        if not re.fullmatch(r"https?://[^\s/]+\S*", self._url):
            raise InputError(
                f"{options.url_env} does not hold a URL", why="it must begin with https:// or http://", hint="its value is not shown"
            )
        self._headers = {"Authorization": f"Bearer {_needed(environ, options.token_env)}"} if options.token_env else {}

    def notify(self, news: News, timeout: float) -> None:
        body = _slack(news) if self._options.format == "slack" else _plain(news)
        headers = {"content-type": "application/json", **self._headers}
        try:
            with Client() as client:
                content = json.dumps(body).encode()
                answer = client.send("POST", self._url, headers=headers, content=content, timeout=timeout, largest=LARGEST, cut=True)
        except NoAnswer as error:
            raise NotifyError(f"no answer within {timeout:g} s" if error.timed_out else f"no connection ({error.kind})") from None
        if answer.status >= 300:
            raise NotifyError(f"answered {answer.status}", again=answer.status in (408, 429) or answer.status >= 500)


def _plain(news: News) -> dict[str, Any]:
    return {
        "apiVersion": "deliver.dev/v1alpha1",
        "kind": "News",
        "event": news.event,
        "text": news.text,
        "at": news.at,
        "release": news.release,
    }


def _slack(news: News) -> dict[str, Any]:
    sign = {"promoted": ":white_check_mark:", "rolled-back": ":rewind:", "rollback-failed": ":rotating_light:", "held": ":raised_hand:"}
    return {"text": f"{sign.get(news.event, ':arrow_right:')} {news.text}"}


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise InputError(
            f"environment variable {name} is not set", why="a notifier needs it", hint=f"export {name}=..., or take it out of `notify`"
        )
    return value
