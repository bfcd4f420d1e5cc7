"""What is enough at each step: `firmware_configs/calibration/{camera,reader}.toml`, with sources.

One table a measure, grouped by step. A measure without `min` and `max` is shown and judges nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from edge.settings_file import SettingsError, refusal, toml_table, validated

FOLDER: Final = Path(__file__).resolve().parents[2] / "firmware_configs" / "calibration"
Kind = Literal["camera", "reader"]
_StepName = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
_MeasureName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Limit(BaseModel):
    """One measure's limit. An end of None is open.

    Attributes:
        unit: of both ends and of the value.
        source: where the numbers were read; says "[unverified]" where nobody of ours has read it.
        standing: "house" (our choice), "source" (read in the named text) or "unverified".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min: float | None = None
    max: float | None = None
    unit: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=5)]
    standing: Literal["house", "source", "unverified"]

    @model_validator(mode="after")
    def _honest(self) -> Limit:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        if self.standing == "unverified" and "[unverified]" not in self.source:
            raise ValueError('a source that nobody read says so: "[unverified]"')
        return self


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Kind
    version: Annotated[int, Field(ge=1)]


class _Steps(RootModel[dict[_StepName, dict[_MeasureName, Limit]]]):
    model_config = ConfigDict(frozen=True)


class LimitProfile:
    """The limits of one kind of device.

    Attributes:
        name: "camera@1", as records name it.
        sha256: of the file, hexadecimal.
    """

    def __init__(self, name: str, sha256: str, steps: Mapping[str, Mapping[str, Limit]]) -> None:
        """Use `load_limits`."""
        self.name = name
        self.sha256 = sha256
        self.steps = steps

    def limit(self, step: str, measure: str) -> Limit:
        """Return one measure's limit. Raises `KeyError`: the profile does not know it."""
        return self.steps[step][measure]


def load_limits(kind: Kind, folder: Path = FOLDER) -> LimitProfile:
    """Read the limits of a kind of device. Raises `SettingsError`."""
    path = folder / f"{kind}.toml"
    table = toml_table(path)
    own = _Head.model_fields.keys()
    head = validated(_Head, path, {key: table[key] for key in own & table.keys()})
    if head.id != kind:
        raise refusal(path, ["id"], f"is {head.id!r}", f"the file's own name, {kind!r}")
    rest = {key: step for key, step in table.items() if key not in own}
    steps = validated(_Steps, path, rest).root
    if not steps:
        raise SettingsError(f"{path} sets no limit.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return LimitProfile(f"{kind}@{head.version}", digest, steps)
