"""Every flag back end keeps the contract of its family: the built-in ones, and the one in memory that other tests stand on."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deliver.flags.file import FlagdFile
from deliver.flags.flagd import Flagd
from deliver.flags.operator import OpenFeatureOperator
from deliver.flags.options import ConfigMapOptions, FileOptions, ResourceOptions
from deliver.flags.unleash.backend import Unleash
from deliver.flags.unleash.options import UnleashOptions
from deliver.plugins.flags import FlagReach
from deliver.testing import FlagBackendContract, MemoryFlags
from deliver.testing.flag_backends import Held
from tests.flags.support import DOCUMENT, SHOP, reach, world_with, writer
from tests.flags.unleash_server import ADMIN, URL, FakeUnleash

FLAG = "new-checkout"
Definition = dict[str, Any]


class TestMemoryFlags(FlagBackendContract):
    plugin = MemoryFlags

    def make(self) -> Held:
        return Held(MemoryFlags(), None, FLAG)  # type: ignore[arg-type]  # it writes to no object

    def switched_off(self, held: Held) -> bool:
        return self._touched(held, on=False)

    def edited(self, held: Held) -> bool:
        return self._touched(held, rules="staff")

    def removed(self, held: Held) -> bool:
        return self._touched(held, there=False)

    def _touched(self, held: Held, **parts: Any) -> bool:
        assert isinstance(held.backend, MemoryFlags)
        held.backend.touch(**parts)
        return True


class Documents(FlagBackendContract):
    """In flagd's format, wherever the document lives. changed: a person's editor on the flag; None takes it out."""

    def changed(self, held: Held, edit: Callable[[Definition], Definition | None]) -> bool:
        raise NotImplementedError

    def switched_off(self, held: Held) -> bool:
        return self.changed(held, lambda flag: {**flag, "state": "DISABLED"})

    def edited(self, held: Held) -> bool:
        return self.changed(held, lambda flag: {**flag, "variants": {**flag["variants"], "grey": True}})

    def removed(self, held: Held) -> bool:
        return self.changed(held, lambda flag: None)


def rewritten(text: str, edit: Callable[[Definition], Definition | None]) -> str:
    document = json.loads(text)
    flag = edit(document["flags"].pop(FLAG))
    document["flags"] |= {FLAG: flag} if flag else {}
    return json.dumps(document)


class TestFlagdFile(Documents):
    plugin = FlagdFile

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.file = tmp_path / "flags.json"

    def make(self) -> Held:
        self.file.write_text(DOCUMENT)
        reach = FlagReach(SHOP, _nothing, _nothing, _nothing, _nothing)  # type: ignore[arg-type]  # a file needs no cluster
        return Held(FlagdFile(FileOptions(file=str(self.file)), reach), _Confirmed(), FLAG)

    def changed(self, held: Held, edit: Callable[[Definition], Definition | None]) -> bool:
        self.file.write_text(rewritten(self.file.read_text(), edit))
        return True


class TestFlagd(Documents):
    plugin = Flagd

    def make(self) -> Held:
        self.world = world_with()
        return Held(Flagd(ConfigMapOptions(configmap="web-flags"), reach(self.world)), writer(self.world), FLAG)

    def changed(self, held: Held, edit: Callable[[Definition], Definition | None]) -> bool:
        text = self.world.cluster.get("configmaps", SHOP, "web-flags")["data"]["flags.json"]
        self.world.cluster.patch("configmaps", SHOP, "web-flags", {"data": {"flags.json": rewritten(text, edit)}})
        return True


class TestOpenFeatureOperator(Documents):
    plugin = OpenFeatureOperator

    def make(self) -> Held:
        self.world = world_with()
        flags = {FLAG: json.loads(DOCUMENT)["flags"][FLAG]}
        self.world.cluster.create("featureflags", SHOP, {"metadata": {"name": "flags"}, "spec": {"flagSpec": {"flags": flags}}})
        return Held(OpenFeatureOperator(ResourceOptions(resource="flags"), reach(self.world)), writer(self.world), FLAG)

    def changed(self, held: Held, edit: Callable[[Definition], Definition | None]) -> bool:
        there = self.world.cluster.get("featureflags", SHOP, "flags")["spec"]["flagSpec"]["flags"][FLAG]
        patch = {"spec": {"flagSpec": {"flags": {FLAG: edit(copy.deepcopy(there))}}}}
        self.world.cluster.patch("featureflags", SHOP, "flags", patch)
        return True


class TestUnleash(FlagBackendContract):
    plugin = Unleash

    def make(self) -> Held:
        self.server = FakeUnleash()
        reach = FlagReach(SHOP, _nothing, _nothing, _nothing, _nothing, {"UNLEASH_TOKEN": ADMIN})  # type: ignore[arg-type]  # over HTTP alone
        options = UnleashOptions(url=URL, environment="development")
        return Held(Unleash(options, reach, self.server.caller), _Confirmed(), FLAG)

    def switched_off(self, held: Held) -> bool:
        was, self.server.flag["enabled"] = self.server.flag["enabled"], False
        return bool(was)

    def edited(self, held: Held) -> bool:
        self.server.strategy["constraints"] = [{"contextName": "country", "operator": "IN", "values": ["DE"]}]
        return True

    def removed(self, held: Held) -> bool:
        self.server.feature = None
        return True


class _Confirmed:
    """The engine's writer, as far as a back end outside the cluster needs it."""

    def confirm(self) -> None:
        """The lock is ours."""

    def change(self, *_: object, **__: object) -> dict[str, object]:
        raise AssertionError("it is no object of the cluster")


def _nothing(*_: object) -> Any:
    raise AssertionError("not asked for")
