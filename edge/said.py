"""What is said in a sitting and goes into its record: consent, who acts, papers, letter, look.

Ids, codes and times but for the letter, which is sealed as a part like every sample.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import apsw

from edge.consent import CONSENT_VERSION, consent_sha256
from edge.progress import Progress
from edge.samples import Sample, json_sample, now
from edge.seal import Sealer
from edge.sitting import Missing
from edge.store import Actor, Store, open_packages
from edge.store.disk_floor import Reserve

LETTER: Final = "proxy/letter.jpg"


class Said:
    """The part of a record that holds words; `edge.record.Record` is the whole.

    All methods that write raise `StoreFull` (nothing happened) and `StoreBroken`.
    """

    def __init__(self, store: Store, sealer: Sealer, package_id: str, progress: Progress) -> None:
        self.package_id = package_id
        self.progress = progress
        self._store = store
        self._sealer = sealer
        self._helper: dict[str, str] | None = None
        # A dict for its order: the screen lists fingers as they were given.
        self._names: dict[str, None] = {}

    def assist(self, staff_id: str, reason: str, role: str) -> None:
        """Somebody acts for the person from now on: every sample carries it."""
        self._helper = {"role": role, "id": staff_id, "reason": reason}
        if self._helper not in self.progress.assisted:
            self.progress.assisted = [*self.progress.assisted, self._helper]
            self._save()

    def assist_no_more(self) -> None:
        """The person goes on herself."""
        self._helper = None

    def note_remote(self, role: str) -> None:
        """Record that somebody far away saw the screen, as the person agreed."""
        self.progress.remote = [*self.progress.remote, {"role": role, "at": now()}]
        self._save()

    def keep_consent(self, language: str, *, fingers: bool = True) -> None:
        """Record what was agreed to, by which text, who agreed and how.

        Whoever acts for the person on the screen does not agree for her: she says it, and the
        attendant is its witness.
        """
        helper = self._helper
        proxy = self.progress.proxy
        consent = {
            "v": 2, "face": True, "fingers": fingers, "text_version": CONSENT_VERSION,
            "text_sha256": consent_sha256(language), "locale": language,
            "way": "touch" if helper is None else "spoken",
            "who": "applicant" if proxy is None else "proxy",
            "at": now(), "witness": None if helper is None else helper["id"],
        }  # fmt: skip
        self.progress.consented = True
        samples = [json_sample("consent.json", consent)]
        if proxy is not None:
            samples.append(json_sample("proxy.json", {"v": 1, **proxy}))
        self._keep(samples)

    def let_relative_act(self, relation: str, authorisation_ref: str) -> None:
        """A relative acts for the person; durable with the next write."""
        self.progress.proxy = {
            "relation": relation or None,
            "authorisation_ref": authorisation_ref or None,
            "authorisation_sha256": None,
        }

    def keep_letter(self, jpeg: bytes) -> None:
        """Seal the still of a letter of authorisation."""
        digest = hashlib.sha256(jpeg).hexdigest()
        self.progress.proxy = {**(self.progress.proxy or {}), "authorisation_sha256": digest}
        self._keep([Sample(LETTER, "image/jpeg", jpeg, {"captured_at": now()})])

    def settle_material(self, code: str, *, here: bool, due: str = "") -> None:
        """Record whether a paper is here; one that comes later is missing until then."""
        state = "here" if here else "later"
        self.progress.materials = [
            {**row, "state": state} if row["code"] == code else row
            for row in self.progress.materials
        ]
        if here:
            self._save()
        else:
            self.miss(Missing(f"material:{code}", "later", due=due))

    def note_look(self, scale: str, theme: str, voice: str) -> None:
        """Take note of the look that is in force; durable with the next write."""
        self.progress.look = {"text_scale": scale, "theme": theme, "voice": voice}

    def take_up(self, staff_id: str) -> None:
        """Its person is here again: the sitting is nobody's that was left."""
        self.progress.left_alone = False
        self.progress.resumed_by = [*self.progress.resumed_by, staff_id]
        left, actor = asdict(self.progress), Actor("attendant", staff_id)

        def take_up(db: apsw.Connection) -> None:
            open_packages.add(db, self.package_id, (), left)
            open_packages.note(db, actor, "package.take_up", self.package_id)

        self._store.write(take_up, Reserve.SITTING)

    def note_no_reuse(self, why: Mapping[str, Any]) -> None:
        """Record why an earlier photo of the order is not taken over: codes, no dates of birth."""
        self.progress.reuse = dict(why)
        self._save()

    def miss(self, missing: Missing) -> None:
        """Record that something will be missing, and why; whoever acts for the person vouches."""
        if self._helper is not None:
            missing = replace(missing, confirmed_by=self._helper["id"])
        rows = [row for row in self.progress.missing if row["what"] != missing.what]
        self.progress.missing = [*rows, asdict(missing)]
        self._save()

    def _keep(self, samples: Sequence[Sample]) -> None:
        """Seal samples and commit them with the progress, in one transaction: all or none."""
        store = self._store
        places = {part.name: part.n for part in store.parts(self.package_id)}
        parts = []
        for sample in samples:
            n = places.setdefault(sample.name, max(places.values(), default=-1) + 1)
            parts.append(
                self._sealer.part(
                    self.package_id,
                    n,
                    sample.name,
                    sample.media_type,
                    sample.plain,
                    self._facts(sample),
                )
            )
        store.add_parts(self.package_id, parts, asdict(self.progress))
        self._names.update(dict.fromkeys(sample.name for sample in samples))

    def _facts(self, sample: Sample) -> Mapping[str, Any]:
        """Return what is said of a sample: also who acted for the person when it was taken."""
        if self._helper is None or sample.facts.get("assisted_by") is not None:
            return sample.facts
        return {**sample.facts, "assisted_by": self._helper}

    def _save(self) -> None:
        self._store.update_sitting(self.package_id, asdict(self.progress))
