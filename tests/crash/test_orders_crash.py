"""Orders after a kill: what was acknowledged is there, and its sitting can go on from it."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time

from edge.orders.idempotency import Once
from edge.trust import audit
from tests.delivery_kit import make_kit
from tests.order_kit import SURNAME, all_text, opened

KILLS = 2
WRITER = """
import sys, json, itertools
from pathlib import Path
from edge.orders.idempotency import Once
from tests.delivery_kit import make_kit
from tests.order_kit import opened, wanted
kit = make_kit(Path(sys.argv[1]))
run = sys.argv[2]
def say(*words):
    print(json.dumps(words), flush=True)
with kit.open_store() as store, opened(store) as orders:
    say("ready")
    for n in itertools.count():
        key = f"{run}-{n:020}"
        once = Once.of("token", key, "POST", "/v1/sittings", b"{}")
        order = orders.add(wanted(), once=once, answer=lambda row: row.sitting_id)
        say("waiting", order.sitting_id, key)
        if n % 3:
            orders.take(order.sitting_id)
            say("running", order.sitting_id)
        if n % 3 == 2:
            orders.end(order.sitting_id, "accepted")
            say("ended", order.sitting_id)
"""


def killed_run(folder, run, after_s):
    """What one run acknowledged before it was killed: state and key of each order."""
    command = [sys.executable, "-c", WRITER, str(folder), str(run)]
    states, keys = {}, {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        for line in writer.stdout:
            if line == '["ready"]\n':
                time.sleep(after_s)
                writer.send_signal(signal.SIGKILL)
            elif line.startswith("[") and line.endswith("]\n"):
                state, sitting_id, *key = json.loads(line)
                states[sitting_id] = state
                keys.update(dict.fromkeys(key, sitting_id))
    return states, keys


def test_no_acknowledged_order_is_lost_or_done_twice_by_a_kill(tmp_path):
    """Killed at random instants: each order is there once, its answer with it, nothing personal of
    those that ended; what ran without a sitting waits again.
    """
    dice = random.Random(11)
    states, keys = {}, {}
    for run in range(KILLS):
        seen = killed_run(tmp_path, run, dice.uniform(0.02, 0.25))
        states.update(seen[0])
        keys.update(seen[1])

    kit = make_kit(tmp_path)
    with kit.open_store() as store, opened(store) as orders:
        rows = {row.sitting_id: row.state for row in orders.rows(limit=1 << 20)}
        assert states
        assert set(states) <= set(rows)
        # The word of a step may be lost with the kill, the step itself never half done.
        at_most = {"waiting": {"waiting", "ended"}, "running": {"waiting", "ended"}}
        for sitting_id, state in states.items():
            assert rows[sitting_id] in at_most.get(state, {"ended"})
        assert len(rows) - len(states) <= KILLS
        for key, sitting_id in keys.items():
            once = Once.of("token", key, "POST", "/v1/sittings", b"{}")
            with orders.repeats.first(once) as earlier:
                assert earlier == sitting_id
        for order in orders.waiting():
            orders.take(order.sitting_id)
            orders.end(order.sitting_id, "to_window")
        assert SURNAME not in all_text(store)
        audit.verify(store.audit_rows(limit=1 << 20))
        assert store.alarms == ()
