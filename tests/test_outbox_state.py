"""Whatever happens in whatever order: what was sealed is here, or at the centre once, receipted."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from centre.app import create_app
from edge.delivery.outbox import Outbox
from edge.delivery.pace import Pace
from edge.delivery.receipt import Receipt
from edge.sinks.sink import AlreadyThere, PackageRefused, ReceiptPending, SinkAway
from edge.store import PackageGone, Store
from proofs.delivering.ends import CountingShelf
from tests.delivery_kit import SINK, STATION, make_kit

AT_ONCE = Pace(first_max_s=0, base_s=0, max_s=0, pending_s=0, closed_s=0)
FAULTS = ["none", "away", "cut", "lost_answer", "twice", "empty_200", "earlier_receipt", "pending"]


class Wire:
    """The centre's application behind a line that does what a test tells it, once."""

    gives_receipts = True

    def __init__(self, application):
        self.client = application.test_client()
        self.fault, self.earlier = "none", "no.receipt.yet"

    def send(self, package):
        headers = {
            "Content-Digest": package.digest, "If-None-Match": "*",
            "Anxin-Seal": package.statement, "Content-Type": "application/vnd.anxin.package",
        }  # fmt: skip
        path = f"/ingest/v1/packages/{package.package_id}"
        return self._ask(lambda: self.client.put(path, data=package.content, headers=headers))

    def receipt(self, package_id):
        path = f"/ingest/v1/packages/{package_id}/receipt"
        return self._ask(lambda: self.client.get(path))

    def _ask(self, ask):
        fault, self.fault = self.fault, "none"
        if fault == "away":
            raise SinkAway("connect")
        if fault == "cut":
            raise SinkAway("cut", unclear=True)
        if fault == "empty_200":
            return ""
        answer = ask()
        if fault == "twice":
            answer = ask()
        if fault == "lost_answer":
            raise SinkAway("timeout", unclear=True)
        if fault == "pending" and answer.status_code < 300:
            raise ReceiptPending("http_202")
        if answer.status_code == 404:
            return None
        if answer.status_code == 412:
            raise AlreadyThere("http_412")
        if answer.status_code == 422:
            raise PackageRefused("http_422")
        told, self.earlier = answer.text, answer.text if fault == "none" else self.earlier
        return self.earlier if fault == "earlier_receipt" else told

    def receipts_here(self):
        return frozenset()

    def cancel(self):
        pass

    def close(self):
        pass


class Delivery(RuleBasedStateMachine):
    """One station and its centre; the outbox is moved by hand, one try at a time."""

    verifier = None

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="anxin-delivery-"))
        self.kit = make_kit(self.folder)
        self.shelf = CountingShelf(self.folder / "centre")
        self.wire = Wire(create_app(self.shelf, self.kit.keyring))
        self.sealed = {}
        self.store = self._open()
        self.outbox = self._outbox()

    def _open(self):
        return Store.open(
            self.folder / "store.db", self.folder / "store.key", floor_bytes=0, reserve_bytes=0
        )

    def _outbox(self):
        verifier = self.verifier or self.kit.verifier
        return Outbox(self.store, SINK, self.wire, verifier, pace=AT_ONCE)

    @rule(urgent=st.booleans())
    def hand_in(self, urgent):
        package_id = str(uuid.UUID(int=len(self.sealed) + 1, version=4))
        kid = self.kit.sealer.sealing_key.kid
        self.store.open_package(package_id, "sitting", STATION, kid, {}, urgent=urgent)
        self.sealed[package_id] = self.kit.shut(self.store, package_id).digest
        self.outbox.wake()

    @rule(fault=st.sampled_from(FAULTS))
    def one_try(self, fault):
        self.wire.fault = fault
        package = self.outbox._next()
        if package is None:
            self.outbox._look_again()
        else:
            self.outbox._serve(package)

    @rule()
    def kill_and_start_again(self):
        self.store.close()
        self.store = self._open()
        self.outbox = self._outbox()

    @rule()
    def close_and_start_again(self):
        self.outbox._put_back()
        self.outbox = self._outbox()

    @rule()
    def restart_the_centre(self):
        self.shelf._book.close()
        self.shelf = CountingShelf(self.folder / "centre")
        self.wire.client = create_app(self.shelf, self.kit.keyring).test_client()

    @precondition(lambda self: self.sealed)
    @rule()
    def retry_now(self):
        self.outbox.retry_now()

    @invariant()
    def nothing_is_lost(self):
        for package_id, digest in self.sealed.items():
            try:
                assert self.store.sealed(package_id)
            except PackageGone:
                word = self.shelf.word(package_id)
                assert word is not None, "deleted here, never kept there"
                assert word.digest == digest

    @invariant()
    def nothing_is_done_twice(self):
        effects = [row[0] for row in self.shelf._book.execute("select package_id from effect")]
        assert len(effects) == len(set(effects))

    def teardown(self):
        """Once the line holds, all arrive."""
        for _ in range(6 * len(self.sealed) + 6):
            self.one_try("none")
        self.outbox._put_back()
        waiting = self.store.pending(SINK)
        self.store.close()
        self.shelf._book.close()
        shutil.rmtree(self.folder)

        assert waiting == []


Delivery.TestCase.settings = settings(max_examples=12, stateful_step_count=24, deadline=None)
TestWhateverHappens = Delivery.TestCase


class _Believing:
    def verify(self, token, package_id, digest, size):
        return Receipt("believed", "stored", None, token or "200")


class Deleting(Delivery):
    """The control: an outbox that takes any answer for custody."""

    verifier = _Believing()


def test_an_outbox_that_deletes_on_an_answer_is_found_out(tmp_path):
    """The machine above would notice: with this outbox it ends with a package that is nowhere."""
    control = Deleting()
    try:
        control.hand_in(urgent=False)
        control.one_try("empty_200")
        control.kill_and_start_again()
        control.outbox = control._outbox()
        control.one_try("empty_200")
        control.outbox._put_back()

        with pytest.raises(AssertionError, match="never kept there"):
            control.nothing_is_lost()
    finally:
        control.teardown()
