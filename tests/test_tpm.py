"""The station's key in a TPM, against a TPM of software that speaks the real protocol."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from centre.keys import open_or_make_keys, station_key
from centre.opening import check_statement, open_package
from centre.registry import know_next_key, register
from demo.station import free_port
from edge.seal import Sealer
from edge.trust.centre import CentreKeys
from edge.trust.keys import KeyUnusable
from edge.trust.signatures import verified
from edge.trust.station_key import (
    FORMER,
    IN_FILE,
    IN_TPM,
    former_keys,
    make_next_key,
    open_next_key,
    open_or_make_station_key,
    open_station_key,
    use_next_key,
)
from edge.trust.tpm import KeptKey, Tpm, TpmAway, TpmSigner
from tests.delivery_kit import STATION, Kit, make_kit

LONG_S = 60.0
NOWHERE = "swtpm:host=127.0.0.1,port=1"

pytestmark = pytest.mark.skipif(
    not (shutil.which("swtpm") and shutil.which("tpm2")),
    reason="NOT TESTED: no TPM of software or no tpm2-tools on this machine",
)


@contextmanager
def tpm_at(folder: Path):
    """Run a TPM whose memory is the folder; gives its address."""
    folder.mkdir(exist_ok=True)
    process, tcti, until_s = None, "", time.monotonic() + LONG_S
    try:
        while not (tcti and Tpm(tcti).answers()):
            assert time.monotonic() < until_s, "the TPM never answered"
            if process is None or process.poll() is not None:
                # The tools expect the control port behind the other; either may just be taken.
                process, tcti = begin(folder, free_port())
            time.sleep(0.02)
        yield tcti
    finally:
        process.terminate()
        process.wait()


def begin(folder: Path, port: int):
    arguments = [
        "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}",
        "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
        "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1",
        "--flags", "not-need-init,startup-clear",
    ]  # fmt: skip
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process, f"swtpm:host=127.0.0.1,port={port}"


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    """A TPM with one key of a station in it: its address, and the station's folder."""
    folder = tmp_path_factory.mktemp("tpm")
    with tpm_at(folder / "chip") as tcti:
        (folder / "keys").mkdir()
        open_or_make_station_key(folder / "keys", "auto", tcti)
        yield tcti, folder / "keys"


@pytest.fixture
def tcti(memory):
    return memory[0]


@pytest.fixture
def keys(memory, tmp_path):
    """A copy of the station's folder: no test spoils it for the next."""
    return Path(shutil.copytree(memory[1], tmp_path / "keys"))


def test_a_new_stations_key_is_made_in_the_tpm_that_answers(keys, tcti):
    """Opened again it is the same key, and no key file lies beside it."""
    first = open_station_key(keys, tcti)
    again = open_or_make_station_key(keys, "auto", tcti)

    assert first.algorithm == "ES256"
    assert again.kid == first.kid
    assert [file.name for file in keys.iterdir()] == [IN_TPM]
    assert (keys / IN_TPM).stat().st_mode & 0o777 == 0o600


def test_what_it_signs_anybody_can_check(keys, tcti):
    """ES256 as RFC 7518 has it, by the public half of the card."""
    key = open_station_key(keys, tcti)
    token = key.sign_jws(b'{"v":1,"a":"b"}', "t+jws")
    card = json.loads(key.registration(STATION))
    public = station_key(card["keys"][0])

    assert card["keys"][0].keys() == {"kty", "crv", "x", "y", "kid", "use"}
    assert verified(token, "t+jws", {key.kid: public}) == ({"v": 1, "a": "b"}, key.kid)
    assert len(token.rpartition(".")[2]) == 86


def test_the_centre_takes_and_opens_a_package_that_a_tpm_signed(keys, tcti, tmp_path):
    """Manifest and seal statement by ES256; nothing else differs."""
    made = make_kit(tmp_path / "kit")
    key = open_station_key(keys, tcti)
    card = made.folder / "centre" / "stations" / f"{STATION}.json"
    card.write_text(key.registration(STATION))
    sealer = Sealer(STATION, key, made.keys.sealing[0])
    kit = Kit(made.folder, key, sealer, made.keyring, made.keys, made.shelf)
    with kit.open_store() as store:
        row = kit.hand_in(store)
        content = store.sealed(row.package_id)
    stations = kit.shelf.stations()
    statement = check_statement(row.statement, row.package_id, content, stations)
    opened = open_package(content, statement, kit.keyring, stations[STATION])

    assert set(opened.parts.values()) == {b"portrait" * 500, b"finger" * 300}


def test_the_key_cannot_be_taken_out_of_its_tpm(keys, tcti, tmp_path):
    """Not by the command that does so for keys that may leave: the control is such a key."""
    kept = KeptKey.read(keys / IN_TPM)

    def duplicate(handle: str) -> tuple[int, str]:
        session, out = tmp_path / "session", tmp_path / "out"
        steps = [
            ["startauthsession", "--policy-session", "-S", str(session)],
            ["policycommandcode", "-S", str(session), "TPM2_CC_Duplicate"],
            ["duplicate", "-C", "null", "-c", handle, "-G", "null", "-p", f"session:{session}",
             "-r", str(out), "-s", str(tmp_path / "seed")],
        ]  # fmt: skip
        done = [run(tcti, *step) for step in steps]
        run(tcti, "flushcontext", str(session))
        assert [one.returncode for one in done[:2]] == [0, 0]
        return done[2].returncode, done[2].stderr.decode()

    leaving = key_that_may_leave(tcti, tmp_path)
    assert duplicate(leaving)[0] == 0
    code, why = duplicate(hex(kept.handle))
    assert code != 0
    assert "Esys_Duplicate" in why
    told = run(tcti, "readpublic", "-c", hex(kept.handle)).stdout.decode()
    assert "fixedtpm|fixedparent|sensitivedataorigin" in told


def run(tcti, *arguments):
    env = {"TPM2TOOLS_TCTI": tcti, "TSS2_LOG": "all+NONE", "PATH": "/usr/bin:/bin"}
    flush = ["tpm2", "flushcontext", "-t"]
    done = subprocess.run(
        ["tpm2", *arguments], env=env, capture_output=True, timeout=LONG_S, check=False
    )
    # Nobody manages the slots of this TPM but we.
    subprocess.run(flush, env=env, capture_output=True, timeout=LONG_S, check=True)
    return done


def key_that_may_leave(tcti, folder):
    """A key without fixedtpm, under a policy that allows duplication."""
    session, policy = folder / "trial", folder / "policy"
    place = {name: str(folder / name) for name in ("primary", "pub", "priv", "loose")}
    for step in (
        ["startauthsession", "-S", str(session)],
        ["policycommandcode", "-S", str(session), "-L", str(policy), "TPM2_CC_Duplicate"],
        ["flushcontext", str(session)],
        ["createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", place["primary"]],
        ["create", "-Q", "-C", place["primary"], "-G", "ecc256:ecdsa-sha256", "-L", str(policy),
         "-a", "sensitivedataorigin|userwithauth|sign|noda", "-u", place["pub"], "-r",
         place["priv"]],
        ["flushcontext", "-t"],
        ["load", "-Q", "-C", place["primary"], "-u", place["pub"], "-r", place["priv"], "-c",
         place["loose"]],
    ):  # fmt: skip
        assert run(tcti, *step).returncode == 0, step
    return place["loose"]


def test_the_disk_alone_is_of_no_use_with_another_tpm(keys, tcti, tmp_path):
    """The wrapped key loads where it was made, the control, and nowhere else."""
    kept = KeptKey.read(keys / IN_TPM)
    Tpm(tcti).forget(kept.handle)
    assert TpmSigner(Tpm(tcti), kept).public.thumbprint() == kept.kid
    with tpm_at(tmp_path / "another") as another:
        with pytest.raises(TpmAway):
            Tpm(another).settle(kept.public, kept.private)
        with pytest.raises(KeyUnusable, match="cannot be used"):
            open_station_key(keys, another)
        with pytest.raises(KeyUnusable, match="cannot be used"):
            open_or_make_station_key(keys, "auto", another)

    assert [file.name for file in keys.iterdir()] == [IN_TPM]


def test_another_key_in_its_place_is_noticed(keys, tcti):
    """By the thumbprint: a TPM that was given to another station."""
    kept = KeptKey.read(keys / IN_TPM)
    tpm = Tpm(tcti)
    other = tpm.make_key()
    odd = KeptKey(other.handle, kept.public, kept.private, kept.kid)

    with pytest.raises(TpmAway):
        TpmSigner(tpm, odd)
    tpm.forget(other.handle)


@pytest.mark.parametrize("wanted", ["auto", "tpm", "file"])
def test_a_tpm_that_is_gone_is_a_plain_error_and_no_other_key_is_made(keys, wanted):
    """Whatever the settings say: the centre would refuse all that a new key signs."""
    for opened in (
        lambda: open_station_key(keys, NOWHERE),
        lambda: open_or_make_station_key(keys, wanted, NOWHERE),
    ):
        with pytest.raises(KeyUnusable, match=r"No other key is made.*docs/provision\.md"):
            opened()

    assert [file.name for file in keys.iterdir()] == [IN_TPM]


def test_a_station_that_must_have_a_tpm_makes_no_file(tmp_path):
    """`tpm` means the TPM; `auto` without one is the file, as the control shows."""
    with pytest.raises(TpmAway):
        open_or_make_station_key(tmp_path, "tpm", NOWHERE)
    assert list(tmp_path.iterdir()) == []

    assert open_or_make_station_key(tmp_path, "auto", NOWHERE).algorithm == "Ed25519"
    assert [file.name for file in tmp_path.iterdir()] == [IN_FILE]


def test_a_station_without_a_key_is_told_the_command(tmp_path):
    """A start makes none."""
    with pytest.raises(KeyUnusable, match="provision"):
        open_station_key(tmp_path, NOWHERE)
    assert list(tmp_path.iterdir()) == []


def test_a_tpm_that_goes_away_while_we_run_is_the_same_error(keys, tmp_path):
    """Between two signatures; nothing is signed with anything else."""
    with tpm_at(tmp_path / "chip") as tcti:
        (tmp_path / "own").mkdir()
        key = open_or_make_station_key(tmp_path / "own", "tpm", tcti)
        assert key.sign_jws(b"{}", "t")
    with pytest.raises(TpmAway):
        key.sign_jws(b"{}", "t")


@pytest.fixture
def centre(tmp_path):
    """A centre, and the station's card in it by hand."""
    folder = tmp_path / "centre"

    def know(key):
        (tmp_path / "card").write_text(key.registration(STATION))
        keyring = open_or_make_keys(folder)
        register(folder, tmp_path / "card")
        return keyring, dict(CentreKeys.load(folder).receipts)

    know.folder = folder
    return know


def test_a_key_in_a_file_gives_way_to_one_in_a_tpm(tmp_path, tcti, centre):
    """The next key is signed by the present one, and used only when the centre knows it."""
    folder = tmp_path / "own"
    folder.mkdir()
    old = open_or_make_station_key(folder, "file", tcti)
    keyring, receipts = centre(old)
    card = make_next_key(folder, "auto", tcti, STATION, old)
    following = open_next_key(folder, tcti)

    assert open_station_key(folder, tcti).kid == old.kid
    word = know_next_key(centre.folder, keyring, card)
    assert know_next_key(centre.folder, keyring, card)
    new = use_next_key(folder, tcti, STATION, word, receipts)
    assert (new.kid, new.algorithm) == (following.kid, "ES256")
    assert {file.name for file in folder.iterdir()} == {IN_TPM, FORMER}
    assert [key.thumbprint() for key in former_keys(folder)] == [old.kid]
    assert use_next_key(folder, tcti, STATION, word, receipts).kid == new.kid
    stations = json.loads((centre.folder / "stations" / f"{STATION}.json").read_text())
    assert [jwk["kid"] for jwk in stations["keys"]] == [old.kid, new.kid]


def test_a_change_that_was_cut_short_leaves_no_old_key_behind(tmp_path, tcti, centre, monkeypatch):
    """The move is made and the power fails; again destroys the key in the file."""
    folder = tmp_path / "own"
    folder.mkdir()
    old = open_or_make_station_key(folder, "file", tcti)
    keyring, receipts = centre(old)
    word = know_next_key(centre.folder, keyring, make_next_key(folder, "auto", tcti, STATION, old))
    with monkeypatch.context() as power:
        power.setattr(Path, "unlink", lambda *_, **__: sys.exit("the power fails"))
        with pytest.raises(SystemExit):
            use_next_key(folder, tcti, STATION, word, receipts)
    assert (folder / IN_FILE).exists()

    assert use_next_key(folder, tcti, STATION, word, receipts).algorithm == "ES256"
    assert not (folder / IN_FILE).exists()
    Tpm(tcti).forget(KeptKey.read(folder / IN_TPM).handle)


def test_a_key_in_a_tpm_gives_way_to_another_there_and_leaves_no_room_taken(
    tmp_path, memory, centre
):
    """The old one's place is free again; never is a key moved from a TPM into a file."""
    tcti, _ = memory
    folder = tmp_path / "own"
    folder.mkdir()
    old = open_or_make_station_key(folder, "tpm", tcti)
    handles = run(tcti, "getcap", "handles-persistent").stdout
    keyring, receipts = centre(old)
    card = make_next_key(folder, "file", tcti, STATION, old)
    word = know_next_key(centre.folder, keyring, card)
    new = use_next_key(folder, tcti, STATION, word, receipts)

    assert new.algorithm == "ES256"
    assert {file.name for file in folder.iterdir()} == {IN_TPM, FORMER}
    left = run(tcti, "getcap", "handles-persistent").stdout
    assert len(left.splitlines()) == len(handles.splitlines())
    Tpm(tcti).forget(KeptKey.read(folder / IN_TPM).handle)
