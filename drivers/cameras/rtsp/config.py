"""What a settings file says of a network camera."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from drivers.errors import DeviceError


class Config(BaseModel):
    """What the settings file says of this camera.

    Attributes:
        url: rtsp://... or rtsps://..., without a password.
        user, password_file: where the camera asks for them; the file holds the password alone.
        model: what the record shows.
        transport: "udp" only where nothing is lost on the way: a lost packet tears a picture.
        answer_s: a camera that does not describe its stream in this time is given up.
        stall_s: a camera that is silent for so long is asked no more.
        late_after_s: a frame older than this is dropped, never shown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    user: str = ""
    password_file: Path | None = None
    model: str = "Network camera"
    transport: Literal["tcp", "udp"] = "tcp"
    answer_s: Annotated[float, Field(gt=0, le=30)] = 5.0
    stall_s: Annotated[float, Field(gt=0, le=30)] = 2.0
    late_after_s: Annotated[float, Field(gt=0, le=5)] = 0.5

    @field_validator("url")
    @classmethod
    def _tells_no_secret(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("rtsp", "rtsps") or not parts.hostname:
            raise ValueError("the address begins with rtsp:// or rtsps:// and names a machine")
        if parts.username or parts.password:
            raise ValueError("no password in the address: it goes into `user` and `password_file`")
        return url

    def full_url(self) -> str:
        """Return the address with the password in it: for FFmpeg alone, never for a log.

        Raises `DeviceError` where the password's file cannot be read.
        """
        if not self.user:
            return self.url
        parts = urlsplit(self.url)
        secret = quote(self.user, safe="") + ":" + quote(self._password(), safe="")
        return urlunsplit(parts._replace(netloc=f"{secret}@{parts.netloc}"))

    def _password(self) -> str:
        if self.password_file is None:
            return ""
        try:
            return self.password_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as failure:
            raise DeviceError("the file with the camera's password cannot be read") from failure
