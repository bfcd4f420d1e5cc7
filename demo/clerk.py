"""The centre's clerk in the demo: orders a sitting with an earlier photo, over the real `/v1`.

Speaks HTTP as any central system would, with the station's token; knows nothing of its inside.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from demo.earlier_photos import (
    DOCUMENT,
    EARLIER_PHOTOS,
    SOURCE,
    EarlierPhoto,
    dates,
    photo_jpeg,
)
from demo.neighbours import DemoError
from demo.station import PICTURES
from edge.reuse.policy import ReusePolicy
from edge.settings import load_reuse_policy

TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Fate:
    """What `/v1` says of an order: where it stands, how it ended, and what of its photo became."""

    state: str
    result: str | None
    photo: str
    reason: str | None


def clerk_for(name: str | None) -> Clerk | None:
    """Return who orders the case of this name; None for no name.

    Raises:
        DemoError: there is no such case.
        SettingsError: the policy's file.
    """
    if name is None:
        return None
    if name not in EARLIER_PHOTOS:
        raise DemoError(f"No earlier photo {name!r}; there are: {', '.join(EARLIER_PHOTOS)}.")
    return Clerk(EARLIER_PHOTOS[name], load_reuse_policy(), PICTURES)


@dataclass(slots=True)
class Clerk:
    """Orders one case again and again; `ordered` are its sittings, the newest last."""

    case: EarlierPhoto
    policy: ReusePolicy
    pictures: Path
    ordered: list[str] = field(default_factory=list)
    _v1_url: str = ""
    _token: str = field(default="", repr=False)

    def begin(self, v1_url: str, folder: Path) -> None:
        """Order the first sitting; what an earlier run left waiting is cancelled before.

        Args:
            v1_url: of the station's interface, up to and with `v1/`.
            folder: the demo's; the station's token lies in its store.

        Raises:
            DemoError: the station refused.
            OSError: token or photograph cannot be read.
        """
        self._v1_url = v1_url
        self._token = (folder / "store" / "v1.token").read_text(encoding="ascii").strip()
        with closing(self._client()) as v1:
            for row in _heard(v1.get("sittings", params={"state": "waiting"}))["items"]:
                _heard(v1.delete(f"sittings/{row['sitting_id']}", headers={"If-Match": "*"}))
        self.order()

    def end(self) -> None:
        """Cancel what still waits of its own: the next run begins without orders."""
        with closing(self._client()) as v1, suppress(DemoError, httpx.HTTPError):
            for sitting_id in self.ordered:
                if self.fate(sitting_id).state == "waiting":
                    _heard(v1.delete(f"sittings/{sitting_id}", headers={"If-Match": "*"}))

    def order(self) -> str:
        """Order one sitting and bring its photo if one is wanted; its id.

        Raises:
            DemoError: the station refused; says with which status.
            OSError: the photograph cannot be read.
        """
        content = photo_jpeg(self.case, self.pictures)
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
        with closing(self._client()) as v1:
            body, key = self._body(digest, len(content)), secrets.token_hex(16)
            sitting = _heard(v1.post("sittings", json=body, headers={"Idempotency-Key": key}))
            sitting_id = str(sitting["sitting_id"])
            # The rule alone has refused some already: of those no picture is wanted.
            if sitting["reuse_photo"]["state"] == "needed":
                headers = {"Content-Type": "image/jpeg", "Content-Digest": digest}
                path = f"sittings/{sitting_id}/reuse-photo"
                _heard(v1.put(path, content=content, headers=headers))
        self.ordered.append(sitting_id)
        return sitting_id

    def fate(self, sitting_id: str) -> Fate:
        """Return what the station says of this order now. Raises `DemoError`."""
        with closing(self._client()) as v1:
            row = _heard(v1.get(f"sittings/{sitting_id}"))
        photo = row["reuse_photo"]
        return Fate(row["state"], row["result"], photo["state"], photo["reason"])

    def _body(self, digest: str, size: int) -> dict[str, Any]:
        day = dates(self.case, self.policy, datetime.now(self.policy.zone).date())
        return {
            "order_ref": f"demo-{secrets.token_hex(4)}",
            "applies_for": DOCUMENT,
            "applied_on": day.applied_on.isoformat(),
            "person": {"born_on": day.born_on.isoformat()},
            "reuse_photo": {
                "source": SOURCE,
                "taken_at": day.taken_on.isoformat(),
                "digest": digest,
                "size": size,
            },
        }

    def _client(self) -> httpx.Client:
        # trust_env: no proxy of the machine stands between us and our own loopback.
        return httpx.Client(
            base_url=self._v1_url,
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )


def _heard(answer: httpx.Response) -> Any:
    if answer.is_error:
        said = answer.json().get("type", "") if "json" in answer.headers["Content-Type"] else ""
        raise DemoError(f"The station refused the demo's order: {answer.status_code} {said}")
    return answer.json() if answer.content else None
