"""Where packages lie and how others hear of them: S3 for the bytes, NATS JetStream for the word.

Neither tries anything twice: the station does, and it has the patience.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import boto3  # type: ignore[import-untyped]
import nats.errors
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StreamConfig

from gateway.seal import Stored, sealed_size

CONNECT_S: Final = 30.0
T = TypeVar("T")
MEDIA_TYPE: Final = "application/vnd.anxin.package"
EVENT_TYPE: Final = "anxin.package.stored"
BUS_S: Final = 5.0
"""How long the bus may take to say that an event is on the disks of most of its nodes."""


class Away(Exception):
    """A place does not answer, or not as it should: 503, the station tries again."""


def place_of(package_id: str) -> str:
    """Return the object's key: the last two digits are random, so listings split into 256."""
    return f"p/{package_id[-2:]}/{package_id}"


class Objects:
    """One bucket: the truth. An object is written once and never changed."""

    def __init__(self, endpoint: str | None, bucket: str, connections: int) -> None:
        """Credentials and region are found where every AWS client looks for them."""
        config = Config(
            connect_timeout=3,
            read_timeout=30,
            retries={"total_max_attempts": 1},
            max_pool_connections=connections,
            s3={"addressing_style": "path"} if endpoint else {},
        )
        self.bucket = bucket
        self._s3 = boto3.client("s3", endpoint_url=endpoint, config=config)

    def put(self, stored: Stored, content: bytes) -> Stored | None:
        """Keep a package unless its id is taken: then what lies there. Raises `Away`."""
        metadata = {
            "station-id": stored.station_id,
            "digest": stored.digest,
            "received-at": stored.received_at,
            "seal": stored.seal,
            "audit-head": stored.audit_head,
        }
        status, answer = self._ask(
            "put_object",
            Key=place_of(stored.package_id),
            Body=content,
            IfNoneMatch="*",
            # As in Content-Digest: a store that checks it refuses a flipped bit.
            ChecksumSHA256=stored.digest[len("sha-256=:") : -1],
            ContentType=MEDIA_TYPE,
            Metadata=metadata,
        )
        if status == 200:
            return None
        earlier = self.find(stored.package_id) if status == 412 else None
        if earlier is None:
            raise Away(f"s3 {answer}")
        return earlier

    def find(self, package_id: str) -> Stored | None:
        """Return what is known of a package, None if it is not here. Raises `Away`."""
        status, answer = self._ask("head_object", Key=place_of(package_id))
        if status == 404:
            return None
        if status != 200:
            raise Away(f"s3 {answer}")
        said, size = answer["Metadata"], answer["ContentLength"]
        try:
            facts = said["station-id"], said["digest"], size, said["received-at"], said["seal"]
        except KeyError as error:
            # Whoever copied objects without their metadata has to copy them again.
            raise Away(f"s3 object without {error}") from error
        if size != sealed_size(said["seal"]):
            # A store that keeps what it got of a cut upload: no receipt for that. Remove it there.
            raise Away(f"s3 object {package_id} is cut")
        return Stored(package_id, *facts, said.get("audit-head", ""))

    def listed(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Yield id and time of arrival of the packages whose id ends in these digits."""
        pages = self._s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=f"p/{prefix}"):
            for row in page.get("Contents", ()):
                yield row["Key"].rpartition("/")[2], row["LastModified"]

    def prepare(self) -> None:
        """Make the bucket where it is not there."""
        if self.bucket not in {row["Name"] for row in self._s3.list_buckets()["Buckets"]}:
            self._s3.create_bucket(Bucket=self.bucket)

    def _ask(self, operation: str, **arguments: Any) -> tuple[int, Any]:
        """Return S3's status and answer, or the code of its refusal. Raises `Away`."""
        try:
            return 200, getattr(self._s3, operation)(Bucket=self.bucket, **arguments)
        except ClientError as error:
            said = error.response
            return said["ResponseMetadata"]["HTTPStatusCode"], said["Error"]["Code"]
        except BotoCoreError as error:
            raise Away(f"s3 {type(error).__name__}") from error


class Bus:
    """One stream of events. nats-py speaks asyncio, so it has a loop and a thread of its own."""

    def __init__(self, servers: Sequence[str], stream: str, source: str) -> None:
        """Begin to connect; `source` is what events name as their origin. Close it when done."""
        if not servers:
            raise ValueError("name a server of the bus")
        self._stream = stream
        self._source = source
        self._client = Client()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bus")
        self._thread.start()
        self._connecting = asyncio.run_coroutine_threadsafe(self._connect(servers), self._loop)

    def wait(self) -> None:
        """Wait for the first connection. Raises `Away`."""
        try:
            self._connecting.result(CONNECT_S)
        except (nats.errors.Error, TimeoutError) as error:
            raise Away("bus not connected") from error

    @property
    def connected(self) -> bool:
        """Whether a node of the bus is at the other end right now."""
        return bool(self._client.is_connected)

    def publish(self, stored: Stored) -> None:
        """Return once most nodes have the event on disk; twice is once. Raises `Away`."""
        if not self.connected:
            raise Away("bus not connected")
        self._run(
            self._client.jetstream().publish(
                f"{self._stream}.stored",
                self.event(stored),
                timeout=BUS_S,
                headers={"Nats-Msg-Id": stored.package_id},
            )
        )

    def event(self, stored: Stored) -> bytes:
        """Return a CloudEvent 1.0 of 500 bytes: where the package lies, nothing of whom."""
        event = {
            "specversion": "1.0",
            "id": stored.package_id,
            "source": self._source,
            "type": EVENT_TYPE,
            "subject": stored.package_id,
            "time": stored.received_at,
            "datacontenttype": "application/json",
            "data": {
                "station_id": stored.station_id,
                "digest": stored.digest,
                "size": stored.size,
                "key": place_of(stored.package_id),
            },
        }
        return json.dumps(event, separators=(",", ":")).encode()

    def prepare(self, replicas: int, bytes_max: int) -> None:
        """Make the stream where it is not there. Raises `Away`.

        A work queue: an event goes when its worker has acknowledged it. When it is full it refuses
        the new, never drops the old: then stations wait, and nothing is lost.
        """
        self.wait()
        config = StreamConfig(
            name=self._stream,
            subjects=[f"{self._stream}.>"],
            num_replicas=replicas,
            retention=RetentionPolicy.WORK_QUEUE,
            discard=DiscardPolicy.NEW,
            max_bytes=bytes_max,
            duplicate_window=600,
        )
        self._run(self._client.jetstream().add_stream(config))

    def close(self) -> None:
        """Leave the bus and end the thread."""
        self._connecting.cancel()
        asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _connect(self, servers: Sequence[str]) -> None:
        async def unheard(_error: Exception) -> None:
            # What matters is told by the publish that it hits.
            return

        await self._client.connect(
            list(servers),
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=2,
            error_cb=unheard,
        )

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(BUS_S + 1)
        except (nats.errors.Error, TimeoutError) as error:
            future.cancel()
            raise Away(f"bus {type(error).__name__}") from error
