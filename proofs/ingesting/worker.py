"""What stands behind the bus at a centre: takes each event, looks at the object, counts an effect.

The table of effects is its database. It acknowledges an event after the commit, and now and then
forgets to, so that the bus brings the same event again as it does after a crash of a worker.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import apsw
import nats.errors
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig

from proofs.ingesting.machinery import BUCKET, LIMIT_S, STREAM, Machinery

ACK_WAIT_S: Final = 2.0
FORGOTTEN: Final = 0.1
"""Share of the acknowledgements that are never sent."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """The stream as the bus tells of it: the name of its leader, and events not acknowledged."""

    leader: str
    waiting: int


def stream_state(centre: Machinery) -> StreamState:
    """Ask the bus until it answers: without a leader it does not. Raises `TimeoutError`."""
    return asyncio.run(asyncio.wait_for(_ask_state(centre.bus_servers), LIMIT_S))


async def _unheard(_error: Exception) -> None:
    """What matters is told where it hits; the library would write it to the log."""


async def _ask_state(servers: list[str]) -> StreamState:
    client = Client()
    await client.connect(servers, max_reconnect_attempts=-1, error_cb=_unheard)
    try:
        while True:
            with suppress(nats.errors.Error, TimeoutError):
                info = await client.jetstream(timeout=2).stream_info(STREAM)
                leader = info.cluster.leader if info.cluster else None
                if leader or len(servers) == 1:
                    return StreamState(leader or "", info.state.messages)
            await asyncio.sleep(0.1)
    finally:
        await client.close()


class Worker:
    """A consumer in a thread of its own.

    Attributes:
        brought: how often the bus brought each package's event.
        mismatched: whose bytes were not those of the event when looked at, and by how many more.
    """

    def __init__(self, servers: Sequence[str], s3: Any, *, unique: bool = True) -> None:
        """`unique` is what makes an effect happen once; without it this is a control."""
        self._servers = list(servers)
        self._s3 = s3
        self._random = random.Random(1)
        self._db = apsw.Connection(":memory:")
        self._db.execute(f"create table effect(id text {'unique' if unique else ''})")
        self._turn = threading.Lock()
        self._ending = threading.Event()
        self.mismatched: dict[str, int] = {}
        self.brought: Counter[str] = Counter()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), name="worker")
        self._thread.start()

    def effects(self) -> Counter[str]:
        """Return how many effects each package had."""
        with self._turn:
            rows = self._db.execute("select id from effect").fetchall()
        return Counter(str(name) for (name,) in rows)

    def close(self) -> None:
        """End the thread."""
        self._ending.set()
        self._thread.join()

    async def _work(self) -> None:
        client = Client()
        await client.connect(
            self._servers, max_reconnect_attempts=-1, reconnect_time_wait=1, error_cb=_unheard
        )
        try:
            while not self._ending.is_set():
                # Whatever the bus says while a node is away: the next round asks again.
                with suppress(nats.errors.Error, TimeoutError, OSError):
                    await self._consume(client)
        finally:
            await client.close()

    async def _consume(self, client: Client) -> None:
        bus = client.jetstream(timeout=2)
        config = ConsumerConfig(ack_wait=ACK_WAIT_S, max_ack_pending=1000)
        subscription = await bus.pull_subscribe(f"{STREAM}.>", "workers", STREAM, config=config)
        while not self._ending.is_set():
            with suppress(nats.errors.TimeoutError):
                for message in await subscription.fetch(20, timeout=0.5):
                    await self._take(message)

    async def _take(self, message: Msg) -> None:
        event = json.loads(message.data)
        facts = event["data"]
        try:
            content = await asyncio.to_thread(self._content, facts["key"])
        except (BotoCoreError, ClientError):
            # The store is away: the bus brings the event again.
            return
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        self.brought[event["id"]] += 1
        if facts["digest"] != f"sha-256=:{digest}:":
            # Cut on its way as the store was killed: not acknowledged, the bus brings it again.
            self.mismatched[event["id"]] = len(content) - int(facts["size"])
            return
        with self._turn:
            self._db.execute("insert or ignore into effect values(?)", (event["id"],))
        if self._random.random() > FORGOTTEN:
            await message.ack()

    def _content(self, key: str) -> bytes:
        content: bytes = self._s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content
