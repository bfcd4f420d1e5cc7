"""Whatever somebody sends to `/v1` or calls a package: an answer of the document, and no custody.

Two attackers who know the specification. schemathesis reads the committed document and sends what
fits it and what does not to a running listener over a real store; it belongs to other people and
runs in an environment of its own. And a mutator makes packages: cut, bent, joined, with statements
that the station truly signed for them, for the centre's parser and for the opener of `docs/`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Final

from api.app import V1_BODY_BYTES_MAX, V1_STREAMS, Listener, V1Station, create_v1_app
from api.v1 import paging
from centre.opening import Refused, Rejected, check_statement, open_package
from edge.orders import Known, Orders
from edge.store import PackageRow, Store
from proofs import CannotRun, Proof, Tally
from proofs.premises import Premises, make_premises, open_store
from proofs.sitters import SMALL, sit

HERE: Final = Path(__file__).parent
DOCUMENT: Final = HERE.parent / "docs" / "openapi.json"
OPENER: Final = HERE.parent / "docs" / "opener.py"
SCHEMATHESIS: Final = HERE.parent / ".cache" / "anxin" / "outside" / "bin" / "schemathesis"
TOKEN: Final = "k" * 43
LIMIT_S: Final = 3600
OPERATIONS: Final = 32
"""About so many has the document."""
EVERYTHING: Final = 1000
"""From so many trials on every limit of the document is tried one by one, beside chance."""
HOOKS: Final = """
import schemathesis
from hypothesis import strategies as st


@schemathesis.serializer("application/jose")
def as_it_is(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


schemathesis.openapi.media_type("application/jose", st.binary(max_size=400))
"""
ANSWERS: Final = "Every answer of /v1 is one of the document, and none is a server error"
PARSERS: Final = "No package that was changed is opened, and no parser stumbles over one"


def ask_everything(trials: int, seed: int) -> Tally:
    """Let schemathesis send about so many requests. Raises `CannotRun` without it."""
    return _attack(trials, seed, ())


def trip_over_cursors(trials: int, seed: int) -> Tally:
    """The same on a station whose lists trust that a cursor is theirs: must be found out."""
    honest = paging.Place.after
    paging.Place.after = _trusting  # type: ignore[method-assign, assignment]
    try:
        return _attack(max(trials, 80), seed, ("list_packages", "list_sittings"))
    finally:
        paging.Place.after = honest  # type: ignore[method-assign]


def _trusting(place: paging.Place, cursor: str | None) -> int:
    return 0 if cursor is None else int(base64.urlsafe_b64decode(cursor).split(b".")[1])


def _attack(trials: int, seed: int, operations: tuple[str, ...]) -> Tally:
    if not SCHEMATHESIS.exists():
        raise CannotRun("schemathesis is not here")
    began_s = time.monotonic()
    with TemporaryDirectory(prefix="anxin-interface-") as name, ExitStack() as stack:
        url = stack.enter_context(_served(Path(name)))
        said = _schemathesis(Path(name), url, trials, seed, operations)
    cases = said["test_cases"]
    kinds = sorted({str(failure.get("title", "")) for failure in said["failures"]})
    return Tally(
        ANSWERS,
        cases["generated"],
        cases["with_failures"] + cases["errored"] + len(said["errors"]),
        time.monotonic() - began_s,
        f"{said['operations']['tested']} operations" + "".join(f"; {kind}" for kind in kinds),
    )


def _schemathesis(
    folder: Path, url: str, trials: int, seed: int, operations: tuple[str, ...]
) -> Mapping[str, Any]:
    """Run it and return its report; it ends with 1 if it found anything."""
    (folder / "anxin_hooks.py").write_text(HOOKS, encoding="utf-8")
    report = folder / "report.json"
    phases = "coverage,fuzzing" if trials >= EVERYTHING else "fuzzing"
    # A stream ends only after an hour: its own tests send it what it must refuse.
    which = [f"--include-operation-id={name}" for name in operations]
    command = [
        str(SCHEMATHESIS), "--config-file", str(HERE / "interface.toml"), "run", str(DOCUMENT),
        "-u", url, "-H", f"Authorization: Bearer {TOKEN}",
        *(which or ["--exclude-operation-id=follow_events"]), "--phases", phases,
        "--max-examples", str(max(1, trials // (len(which) or OPERATIONS))), "--seed", str(seed),
        "--continue-on-failure", "--generation-database", "none", "--no-color",
        "--report", "json", "--report-json-path", str(report),
    ]  # fmt: skip
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "HOME": str(folder)}
    environment["SCHEMATHESIS_HOOKS"] = "anxin_hooks"
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False,
        timeout=LIMIT_S,
    )  # fmt: skip
    if not report.exists():
        raise CannotRun(f"schemathesis says: {(done.stdout + done.stderr)[-500:]}")
    said: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return said


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve `/v1` with orders and packages, as a station with a token does."""
    premises = make_premises(folder / "keys")
    with open_store(folder) as store, ExitStack() as stack:
        for _ in range(5):
            _sealed(premises, store)
        orders = Orders(store, Known(), None)
        stack.callback(orders.close)
        station = V1Station(
            premises.station_id, "proof", "0" * 64, store, premises.verifier, list, list,
            ("centre",), orders=orders,
        )  # fmt: skip
        listener = Listener(
            create_v1_app(station, TOKEN), "127.0.0.1", 0, streams=V1_STREAMS,
            closing=threading.Event(), body_bytes_max=V1_BODY_BYTES_MAX,
        )  # fmt: skip
        listener.start()
        stack.callback(listener.close)
        yield listener.url.rstrip("/")


def _sealed(premises: Premises, store: Store) -> PackageRow:
    record = premises.rooms(store).begin("zh-CN")
    sit(store, record, SMALL, lambda _: None)
    return store.package(record.package_id)


# Packages that somebody made

Parser = Callable[[bytes, str, str], object]
"""Opens (file, statement, package id); raises what it says of a package that does not hold."""


def bend_packages(trials: int, seed: int) -> Tally:
    """Change packages and give them to both parsers, half of them under true statements."""
    return _bend(trials, seed, _opener())


def bend_for_the_credulous(trials: int, seed: int) -> Tally:
    """The same for an opener that demands nothing: must let something pass."""
    credulous = _opener()
    credulous.demand = lambda holds, code: None  # type: ignore[attr-defined]
    return _bend(trials, seed, credulous)


def _bend(trials: int, seed: int, opener: ModuleType) -> Tally:
    dice, began_s = random.Random(seed), time.monotonic()
    failures, wrong = 0, dict[str, int]()
    with TemporaryDirectory(prefix="anxin-parsers-") as name, open_store(Path(name)) as store:
        premises = make_premises(Path(name) / "keys")
        rows = [_sealed(premises, store) for _ in range(3)]
        files = [store.sealed(row.package_id) for row in rows]
        parsers = _parsers(premises, opener)
        for trial in range(trials):
            which = dice.randrange(len(files))
            changed = bent(files[which], files[which - 1], dice)
            if changed == files[which]:
                continue
            statement = rows[which].statement
            if trial % 2:
                statement = _restated(premises, statement, changed)
            for parser in parsers.values():
                word = _word(parser, changed, statement, rows[which].package_id)
                if word:
                    failures += 1
                    wrong[word] = wrong.get(word, 0) + 1
    note = ", ".join(f"{word}: {count}" for word, count in sorted(wrong.items()))
    return Tally(PARSERS, trials, failures, time.monotonic() - began_s, note or "two parsers")


def _parsers(premises: Premises, opener: ModuleType) -> Mapping[str, Parser]:
    """Return the centre's parser and the independent one, with the keys of the premises."""
    station, sealing = premises.station_key.public, premises.keyring.sealing
    stations = {premises.station_id: premises.station_keys}

    def centre(content: bytes, statement: str, package_id: str) -> object:
        said = check_statement(statement, package_id, content, stations)
        return open_package(content, said, premises.keyring, premises.station_keys)

    def independent(content: bytes, statement: str, _: str) -> object:
        keys = {sealing.thumbprint(): sealing.private_key}
        return opener.open_package(content, statement, {station.thumbprint(): station}, keys)

    return {"centre": centre, "opener": independent}


def _word(parser: Parser, content: bytes, statement: str, package_id: str) -> str:
    """Return what is wrong with how a parser took a changed package; empty if it refused."""
    try:
        parser(content, statement, package_id)
    except (Refused, Rejected):
        return ""
    except Exception as error:
        # The opener brings its own class of this name.
        name = type(error).__name__
        return "" if name == "Refused" else name
    return "opened"


def _restated(premises: Premises, statement: str, content: bytes) -> str:
    """Return the statement as the station would sign it for these bytes."""
    middle = statement.split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    said |= {"digest": f"sha-256=:{digest}:", "size": len(content)}
    return premises.station_key.sign_jws(json.dumps(said).encode(), "anxin-seal+jws")


def bent(file: bytes, other: bytes, dice: random.Random) -> bytes:
    """Return a file that differs from a good one in one way that chance chose.

    Args:
        file: a good package.
        other: another one of the same station, to take records from.
        dice: chance.
    """
    records, strange = list(split(file)), list(split(other))
    here, there = dice.randrange(len(records)), dice.randrange(len(records))
    ways: list[Callable[[], bytes]] = [
        lambda: _flipped(file, dice),
        lambda: file[: dice.randrange(len(file))],
        lambda: file + dice.randbytes(dice.randrange(1, 80)),
        lambda: file[:8] + dice.randbytes(dice.randrange(400)),
        lambda: file[:8] + b"".join(records[:here] + records[here + 1 :]),
        lambda: file[:8] + b"".join([*records, records[here]]),
        lambda: file[:8] + b"".join([*records[:here], strange[there % len(strange)],
                                     *records[here + 1 :]]),
        lambda: file[:8] + b"".join(_swapped(records, here, there)),
        lambda: file[:8] + b"".join([*records[:here], _relabelled(records[here], dice),
                                     *records[here + 1 :]]),
    ]  # fmt: skip
    return dice.choice(ways)()


def split(file: bytes) -> Iterator[bytes]:
    """Yield the records of a good file."""
    at = 8
    while at < len(file):
        length = int.from_bytes(file[at : at + 4], "big")
        end = at + 4 + length + json.loads(file[at + 4 : at + 4 + length])["size"]
        yield file[at:end]
        at = end


def _flipped(file: bytes, dice: random.Random) -> bytes:
    changed = bytearray(file)
    changed[dice.randrange(len(file))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _swapped(records: list[bytes], here: int, there: int) -> list[bytes]:
    changed = list(records)
    changed[here], changed[there] = changed[there], changed[here]
    return changed


def _relabelled(record: bytes, dice: random.Random) -> bytes:
    """Return a record whose header says something else of it."""
    length = int.from_bytes(record[:4], "big")
    header = json.loads(record[4 : 4 + length])
    name = dice.choice([*header, "more"])
    header[name] = dice.choice([0, -1, 1 << 40, 0.5, None, "", "../x", [], {}, True, "manifest"])
    text = json.dumps(header, separators=(",", ":")).encode()
    return len(text).to_bytes(4, "big") + text + record[4 + length :]


def _opener() -> ModuleType:
    """Return the opener of `docs/`, which is no part of the product, as a module of its own."""
    spec = spec_from_file_location("independent_opener", OPENER)
    if spec is None or spec.loader is None:
        raise CannotRun(f"{OPENER} is not here")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROOFS: Final[Mapping[str, Proof]] = {
    "answers": Proof(
        ANSWERS, ask_everything, trip_over_cursors, short=32, long=20_000, control_trials=400
    ),
    "parsers": Proof(
        PARSERS,
        bend_packages,
        bend_for_the_credulous,
        short=300,
        long=100_000,
        control_trials=5_000,
    ),
}
