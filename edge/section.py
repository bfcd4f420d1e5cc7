"""What every section of a station file is made of: frozen, nothing unknown, names of one form."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


class Section(BaseModel):
    """Refuses keys that it does not know, and cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names. Raises `ValueError` where one stands there twice."""
    twice = next((name for n, name in enumerate(names) if name in names[:n]), None)
    if twice is not None:
        raise ValueError(f"each may stand there once, and {twice!r} stands there again")
    return names
