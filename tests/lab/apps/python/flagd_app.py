"""The application with flagd's provider of OpenFeature in FILE mode: it reads the mounted document itself.

Its OFREP answers come from the evaluator inside that provider, so they say what its users get, and not what a second reader of the
same file thinks.
"""

import os

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode, FlagNotFoundError, TypeMismatchError

import ofrep
import web

FILE = os.environ.get("FLAGS_FILE", "/etc/flags/flags.json")


class OfUsers:
    """What a request handler does: the flag's value by the SDK, with a default in the code."""

    def __init__(self) -> None:
        self.client = api.get_client()

    def __call__(self, flag: str, user: str, context: dict) -> web.Answer:
        got = self.client.get_boolean_details(flag, False, EvaluationContext(user, context))
        if got.error_code is ErrorCode.FLAG_NOT_FOUND:
            raise web.NoFlag(flag)
        return web.Answer(got.variant or "", got.value, str(got.reason), dict(got.flag_metadata))


class OfAnyType:
    """What OFREP asks for: the flag's value, whatever its type."""

    def __init__(self, core: FlagdCore) -> None:
        self.kinds = ((core.resolve_boolean_value, False), (core.resolve_string_value, ""), (core.resolve_float_value, 0.0),
                      (core.resolve_object_value, {}))

    def __call__(self, flag: str, user: str, context: dict) -> web.Answer:
        for resolve, default in self.kinds:
            try:
                got = resolve(flag, default, EvaluationContext(user or None, context))
            except FlagNotFoundError as error:
                raise web.NoFlag(flag) from error
            except TypeMismatchError:
                continue
            value = got.value if got.variant else None  # without a variant the caller's default counts, and OFREP has none
            return web.Answer(got.variant or "", value, str(got.reason), dict(got.flag_metadata))
        raise TypeError(f"{flag} is of no known type")


def main() -> None:
    provider = FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=FILE)
    api.set_provider(provider)
    core = provider.resolver.evaluator
    web.run(ofrep.service(OfAnyType(core)), int(os.environ.get("OFREP_PORT", "8016")))
    web.run(web.application(OfUsers(), lambda: bool(core.get_flag_set_metadata() or os.path.exists(FILE))), int(os.environ.get("PORT", "8080")))
    web.until_told()


if __name__ == "__main__":
    main()
