"""The one place of the renderers that asks whether a release is of pods or of a flag."""

from deliver.model.release import Release
from deliver.render.flag import FLAG
from deliver.render.words import PODS, View, Words


def words_of(release: Release) -> Words:
    return FLAG if release.plan.flag else PODS


def words_in(view: View) -> Words:
    return FLAG if view["flag"] else PODS
