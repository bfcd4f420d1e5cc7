"""The way out that a centre on the same network uses: it collects over `/v1`, nothing is sent.

A station starts no thread for it; its deliveries wait until a client hands in the receipt.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Nothing to set: who may collect stands with the clients of `/v1`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
