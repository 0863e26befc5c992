"""What the API server made of a pod template that we wrote. Admission may add to it, and what it answered is what we wrote.

Kyverno, sigstore and connaisseur append an image's digest, others a sidecar, an environment variable or an annotation. A template that is
compared with what was asked for, and not with the answer, is somebody else's edit for ever, or is written again and again.
"""

from typing import Literal

from deliver.engine.runtime.pod_facts import deployment_digest
from deliver.model.action import Verb
from deliver.model.frozen import replace
from deliver.model.journal import Entry, Event, Result
from deliver.model.names import is_ours
from deliver.model.objects import Object
from deliver.model.observation import ArmSeen
from deliver.model.release import Release, digest_of

Version = Literal["old", "new", ""]
_WRITES: dict[Verb, Version] = {Verb.UPDATE_STABLE: "new", Verb.RESTORE_STABLE: "old"}


def adopted(release: Release, written: Version, answer: Object) -> Release:
    """With the digest of the answer to a write of that version's template to the named Deployment, where it is not what was sent."""
    digest = deployment_digest(answer)
    if written == "new" and digest != digest_of(release.new_template):
        return replace(release, new_digest=digest)
    if written == "old" and digest != release.snapshot.digest:
        return replace(release, old_digest=digest)
    return release


def adopted_candidate(release: Release, answer: Object) -> Release:
    """With what was made of the candidate: digest of its template, and its image."""
    containers = answer["spec"]["template"]["spec"]["containers"]
    image = next((str(one["image"]) for one in containers if one["name"] == release.snapshot.container), "")
    return replace(release, candidate_digest=deployment_digest(answer), candidate_image=image)


def version_of(release: Release, digest: str, editor: str) -> Version:
    """Which version a template of the named Deployment is, "" for somebody else's. editor: who changed it last, as last_editor() says.

    A driver that died between the write and its record has not seen the answer: what we were the last to write is what it had begun to.
    """
    if digest in (release.snapshot.digest, release.old_digest):
        return "old"
    if digest in (release.new_digest, digest_of(release.new_template)):
        return "new"
    begun = _begun(release)
    return _WRITES[begun] if begun and is_ours(editor) else ""


def as_written(release: Release, stable: ArmSeen) -> ArmSeen:
    """The arm with the digest of what we wrote, where what stands is what the API server made of that."""
    if stable.template == release.snapshot.digest or release.plan.flag:
        return stable
    version = version_of(release, stable.template, stable.editor)
    if not version:
        return stable
    return replace(stable, template=release.snapshot.digest if version == "old" else digest_of(release.new_template))


def _begun(release: Release) -> Verb | None:
    """The newest write of a template whose answer is not known: only a driver that died leaves one."""
    newest = next((one for one in reversed(release.journal) if _writes_template(one)), None)
    if newest is None or newest.action is None:
        return None
    told = next((one for one in release.journal if one.event is Event.OUTCOME and one.of == newest.seq), None)
    return newest.action.verb if told is None or told.result is Result.UNKNOWN else None


def _writes_template(entry: Entry) -> bool:
    return entry.event is Event.INTENT and entry.action is not None and entry.action.verb in _WRITES
