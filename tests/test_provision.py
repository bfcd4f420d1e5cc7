"""`run_edge.py provision`: repeatable, atomic, and telling nobody the PIN; its page, run."""

from __future__ import annotations

import json
import re
import shlex
import stat
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc import jws
from joserfc.jwk import OKPKey

import edge.trust.keys
from centre.__main__ import fingerprint, main
from centre.keys import open_or_make_keys, signed
from centre.registry import KNOWN_TYP, know_next_key
from edge.seal import Sealer
from edge.settings import load_settings
from edge.store import Store
from edge.trust.audit_check import read_heads, verify_whole
from edge.trust.centre import PinnedCentre
from edge.trust.enrolment import certificate_request, open_or_make_tls_key
from edge.trust.heads import signed_head
from edge.trust.keys import StationKey
from edge.trust.pin import TechnicianPin
from edge.trust.station_key import open_station_key
from run_edge import cli

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs" / "provision.md"
STATION = "demo-000001"
PIN = "271828"
NO_TPM = "swtpm:host=127.0.0.1,port=1"


class Bench:
    """A machine before provisioning, and a centre."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        demo = (CHECKOUT / "firmware_configs" / "stations" / "demo.toml").read_text("utf-8")
        self.folder, self.centre, self.store = folder, folder / "centre", folder / "store"
        self.pins = folder / "pins"
        self.file = folder / "station.toml"
        text = demo.replace("var/demo/store", str(self.store))
        text = text.replace(
            '"var/demo/centre"', f'"{self.pins}"\ntpm = "{NO_TPM}"\nreserve_mib = 1'
        )
        self.file.write_text(text, "utf-8")
        open_or_make_keys(self.centre)
        (self.centre / "tls-ca.pem").write_text("a certificate")

    def provision(self, *options: str, typed: str = ""):
        arguments = ["provision", "--settings", str(self.file), *options]
        return CliRunner().invoke(cli, arguments, typed)

    def whole(self):
        """Everything at once."""
        return self.provision("--centre", str(self.centre), typed=f"y\n{PIN}\n{PIN}\n")

    def files(self) -> dict[str, bytes]:
        kept = [*self.pins.rglob("*"), *self.store.rglob("*")]
        return {
            str(file.relative_to(self.folder)): file.read_bytes()
            for file in kept
            if file.is_file() and not re.match(r"store\.db|reserve", file.name)
        }


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_the_commands_of_the_page_do_what_it_says(bench, tmp_path, monkeypatch):
    """Whoever copies them, in this order, gets what stands beside them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FILE", str(bench.file))
    places = {"$FILE": bench.file, "$STORE": bench.store, "$CENTRE": bench.centre}
    said, checked = "", 0
    blocks = re.findall(r"(?ms)^```(sh|text)\n(.*?)^```", PAGE.read_text("utf-8"))
    for kind, block in blocks:
        if kind == "text":
            assert [line for line in block.splitlines() if line not in said] == []
            checked += 1
            continue
        said = ""
        for line in block.splitlines():
            said += run(re.sub(r"\$[A-Z]+", lambda name: str(places[name[0]]), line))

    assert checked == 7
    assert json.loads(next((bench.centre / "stations").iterdir()).read_text())["keys"][1]


def run(line: str) -> str:
    """Run a command of the page; what it is asked is answered, what it shows is returned."""
    command, _, file = line.partition(" > ")
    words = shlex.split(command)
    if words[:3] == ["python", "-m", "centre"]:
        with redirect_stdout(StringIO()) as shown:
            assert main(words[3:]) == 0
        if file:
            Path(file).write_text(shown.getvalue())
        return shown.getvalue()
    assert words[:2] == ["python", "run_edge.py"]
    typed = "y\n" if "--centre" in words else f"{PIN}\n{PIN}\n"
    done = CliRunner().invoke(cli, words[2:], typed)
    assert done.exit_code in {0, 1}, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.output


def test_again_changes_nothing_and_asks_nothing(bench):
    """Byte for byte; a technician who is not sure runs it once more."""
    assert bench.whole().exit_code == 0
    before = bench.files()
    again = bench.provision()
    pinned_again = bench.provision("--centre", str(bench.centre))

    assert (again.exit_code, pinned_again.exit_code) == (0, 0)
    assert "PIN" not in again.output
    assert "Is it the same" not in pinned_again.output
    assert bench.files() == before


def test_a_provisioned_station_has_what_it_needs_to_begin(bench):
    """Key, pin, sealing key, PIN; all of it readable by its owner alone."""
    bench.whole()
    settings = load_settings(bench.file, check_camera=False)
    with Store.open(bench.store / "store.db", bench.store / "store.key") as store:
        centre = PinnedCentre.open(settings.store.centre_keys, store)
        key = open_station_key(settings.store.folder, settings.store.tpm)

        assert centre.reasons() == ()
        assert Sealer(STATION, key, centre.sealing()[0]).station_key.algorithm == "Ed25519"
        assert TechnicianPin(bench.store, store).check(PIN)
        acts = [json.loads(row.entry)["act"] for row in store.audit_rows()]
        assert {"centre.pin", "keys.accept", "technician-pin.set"} <= set(acts)
    for name in ("station-key.pem", "tls-key.pem", "technician.pin", "store.key"):
        assert stat.S_IMODE((bench.store / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(bench.store.stat().st_mode) == 0o700
    assert (bench.pins / "tls-ca.pem").exists()


def test_the_pin_is_shown_nowhere(bench):
    """Not on the terminal, not in a file, not in the journal."""
    done = bench.whole()

    assert PIN not in done.output
    for content in bench.files().values():
        assert PIN.encode() not in content


@pytest.mark.parametrize("pin", ["12345", "geheim1", "1234567890123", "１２３４５６"])
def test_a_pin_of_another_form_is_not_set(bench, pin):
    """One sentence, exit status 2, and it asks again the next time."""
    done = bench.provision("--centre", str(bench.centre), typed=f"y\n{pin}\n{pin}\n")

    assert done.exit_code == 2
    assert "6 to 12 digits" in done.output
    assert not (bench.store / "technician.pin").exists()
    assert "PIN is set" in bench.provision(typed=f"{PIN}\n{PIN}\n").output


def test_a_new_pin_takes_the_place_of_the_old(bench):
    """`--new-pin` is for whoever has the command line of the station."""
    bench.whole()
    assert bench.provision("--new-pin", typed="314159\n314159\n").exit_code == 0
    with Store.open(bench.store / "store.db", bench.store / "store.key") as store:
        pin = TechnicianPin(bench.store, store)

        assert not pin.check(PIN)
        assert pin.check("314159")


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_a_fingerprint_that_was_not_confirmed_pins_nothing(bench, answer):
    """No is no, and so is no answer."""
    done = bench.provision("--centre", str(bench.centre), typed=answer)

    assert done.exit_code in {1, 2}
    assert not bench.pins.exists()
    assert fingerprint(bench.centre) in done.output


def test_a_written_fingerprint_is_compared_by_the_command(bench):
    """In whatever case and spacing it was written; a wrong one pins nothing."""
    right = fingerprint(bench.centre)
    wrong = right.replace(right[0], "0" if right[0] != "0" else "1")
    refused = bench.provision("--centre", str(bench.centre), "--fingerprint", wrong)
    assert refused.exit_code == 2
    assert "nothing was pinned" in refused.output
    assert not bench.pins.exists()

    written = right.replace(" ", "").upper()
    taken = bench.provision(
        "--centre", str(bench.centre), "--fingerprint", written, typed=f"{PIN}\n{PIN}\n"
    )
    assert taken.exit_code == 0
    assert "Is it the same" not in taken.output


def test_another_centre_is_pinned_only_on_purpose(bench, tmp_path):
    """Else the first one stays, files and journal alike."""
    bench.whole()
    before = bench.files()
    other = tmp_path / "other"
    open_or_make_keys(other)
    refused = bench.provision("--centre", str(other), typed="y\n")
    assert refused.exit_code == 2
    assert "--another-centre" in refused.output
    assert bench.files() == before

    changed = bench.provision("--centre", str(other), "--another-centre", typed="y\n")
    assert changed.exit_code == 0
    assert (bench.pins / "root.json").read_bytes() == (other / "root.json").read_bytes()


def test_a_folder_without_a_centre_in_it_changes_nothing(bench, tmp_path):
    """One sentence that names the file."""
    empty = tmp_path / "empty"
    empty.mkdir()
    done = bench.provision("--centre", str(empty))

    assert done.exit_code == 2
    assert "root.json" in done.output
    assert not bench.pins.exists()


def test_a_running_station_is_not_provisioned(bench):
    """It would go on with the old keys."""
    bench.whole()
    with Store.open(bench.store / "store.db", bench.store / "store.key"):
        done = bench.provision("--new-pin", typed="314159\n314159\n")

    assert done.exit_code == 2
    assert "already uses" in done.output


def test_without_a_tpm_it_says_so_plainly_and_with_a_must_it_stops(bench):
    """A weaker place for a key is never taken in silence."""
    assert "WARNING: the station's key lies in a file" in bench.whole().output
    strict = Bench(bench.folder / "strict")
    text = strict.file.read_text("utf-8")
    strict.file.write_text(text.replace("[store]\n", '[store]\nstation_key = "tpm"\n'), "utf-8")
    done = strict.whole()

    assert done.exit_code == 2
    assert "TPM" in done.output
    assert not (strict.store / "station-key.pem").exists()


class _Cut(BaseException):
    """The power goes."""


def test_whenever_it_is_cut_short_running_it_again_completes_it(tmp_path, monkeypatch):
    """At each file that it writes; no half file, and no key that changed in between."""
    renamed = Path.rename
    for cut in range(9):
        bench, left = Bench(tmp_path / str(cut)), iter(range(cut))

        def rename(part, name, left=left):
            if next(left, None) is None:
                raise _Cut
            return renamed(part, name)

        monkeypatch.setattr(Path, "rename", rename)
        with pytest.raises(_Cut):
            bench.whole()
        monkeypatch.undo()
        half = {name: file for name, file in bench.files().items() if "/." not in name}
        done = bench.provision(
            "--centre", str(bench.centre), "--fingerprint", fingerprint(bench.centre),
            typed=f"{PIN}\n{PIN}\n",
        )  # fmt: skip

        assert done.exit_code == 0, done.output
        whole = bench.files()
        assert half.items() <= whole.items()
        assert {"store/station-key.pem", "pins/root.json", "store/technician.pin"} <= whole.keys()


def test_the_request_asks_for_a_client_and_server_by_the_stations_name(tmp_path):
    """URI name, hosts, both uses; self-signed by the TLS key, which is not the station's own."""
    key = open_or_make_tls_key(tmp_path)
    pem = certificate_request(key, STATION, ["station-7.example", "192.0.2.7", "2001:db8::7"])
    request = x509.load_pem_x509_csr(pem)
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uses = request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value

    assert request.is_signature_valid
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"anxin:station:{STATION}"]
    assert names.get_values_for_type(x509.DNSName) == ["station-7.example"]
    addresses = [str(name) for name in names.get_values_for_type(x509.IPAddress)]
    assert addresses == ["192.0.2.7", "2001:db8::7"]
    assert set(uses) == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
    assert open_or_make_tls_key(tmp_path).private_numbers() == key.private_numbers()


def test_hosts_of_an_earlier_run_stay_in_the_request(bench):
    """Running it again without them takes nothing away."""
    bench.provision("--host", "a.example", typed=f"{PIN}\n{PIN}\n")
    before = (bench.store / "to-centre" / f"{STATION}.csr").read_bytes()
    bench.provision()
    assert (bench.store / "to-centre" / f"{STATION}.csr").read_bytes() == before
    bench.provision("--host", "b.example")

    assert (bench.store / "to-centre" / f"{STATION}.csr").read_bytes() != before


def test_a_damaged_tls_key_is_named_and_not_written_over(tmp_path):
    """The operator reads which file it is."""
    (tmp_path / "tls-key.pem").write_text("half")
    with pytest.raises(edge.trust.keys.KeyUnusable, match=r"tls-key\.pem"):
        open_or_make_tls_key(tmp_path)
    assert (tmp_path / "tls-key.pem").read_text() == "half"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_file_that_others_may_touch_is_not_used(bench, mode):
    """Whoever could read it can sign as this station; the sentence says what to do."""
    bench.whole()
    (bench.store / "station-key.pem").chmod(mode)
    done = bench.provision()

    assert done.exit_code == 2
    assert "chmod 600" in done.output


def test_a_word_about_another_key_changes_nothing(bench, tmp_path):
    """Nor one by somebody else: the present key goes on."""
    bench.whole()
    main(["register", str(bench.centre), str(bench.store / "to-centre" / f"{STATION}.json")])
    bench.provision("--next-key")
    card = (bench.store / "to-centre" / f"{STATION}.next-key.jws").read_text()
    kid = json.loads(jws.extract_compact(card.encode()).payload)["jwk"]["kid"]
    receipt = open_or_make_keys(bench.centre).receipt
    right = {"v": 1, "station_id": STATION, "kid": kid}
    before = bench.files()
    for word in (
        "nonsense",
        "a.b.c",
        card,
        signed({**right, "station_id": "st-other"}, KNOWN_TYP, receipt),
        signed({**right, "kid": "another"}, KNOWN_TYP, receipt),
        signed(right, "anxin-receipt+jws", receipt),
        signed(right, KNOWN_TYP, OKPKey.generate_key("Ed25519")),
    ):
        (tmp_path / "word").write_text(word)
        done = bench.provision("--known", str(tmp_path / "word"))

        assert done.exit_code == 2
        assert "nothing changed" in done.output
    assert bench.files() == before
    (tmp_path / "word").write_text(signed(right, KNOWN_TYP, receipt))
    assert bench.provision("--known", str(tmp_path / "word")).exit_code == 0


def test_heads_of_before_a_change_of_keys_are_still_held_against_the_chain(bench, tmp_path):
    """The centre's heads are older than the key; a forged one is still by nobody."""
    bench.whole()
    store, out = bench.store, bench.store / "to-centre"
    main(["register", str(bench.centre), str(out / f"{STATION}.json")])
    with Store.open(store / "store.db", store / "store.key") as journal:
        head = signed_head(journal, StationKey.open(store / "station-key.pem"), STATION)
    bench.provision("--next-key")
    card = (out / f"{STATION}.next-key.jws").read_text().strip()
    keyring = open_or_make_keys(bench.centre)
    (tmp_path / "word").write_text(know_next_key(bench.centre, keyring, card))
    assert bench.provision("--known", str(tmp_path / "word")).exit_code == 0

    (tmp_path / "head").write_text(head)
    found = read_heads(tmp_path / "head", store, STATION)
    assert verify_whole(store, found).n > found[0].n > 0


def test_the_stand_in_refuses_a_card_or_a_next_key_of_a_stranger(bench, tmp_path, capsys):
    """A known station gets no second first card, and a next key is signed by a known one."""
    bench.whole()
    card = bench.store / "to-centre" / f"{STATION}.json"
    assert main(["register", str(bench.centre), str(card)]) == 0
    assert main(["register", str(bench.centre), str(card)]) == 0
    other = Bench(tmp_path / "other")
    other.whole()
    other.provision("--next-key")
    out = other.store / "to-centre"

    assert main(["register", str(bench.centre), str(out / f"{STATION}.json")]) == 2
    assert main(["know", str(bench.centre), str(out / f"{STATION}.next-key.jws")]) == 2
    assert "another key" in capsys.readouterr().err
