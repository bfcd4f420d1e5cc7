"""The models of the EF01 family as their files name them, on modules as their makers built them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers.fingerprint import FingerImage
from drivers.peers.line_faults import Fault, Harm
from drivers.peers.zfm import ZfmPeer
from drivers.peers.zfm_module import OLDEST, R503, Make
from drivers.readers.zfm import Config, open_reader
from drivers.zfm_packets import Opcode
from tests.wire.glass import random_pixels

FOLDER = Path(__file__).parents[2] / "firmware_configs/readers"
GATED = {"image_command", "led", "reads_product"}
"""Options that let a command be sent whose number means other things on other branches."""


def options_of(name: str) -> dict[str, object]:
    """Return what a model's file says."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def is_ours(name: str) -> bool:
    """Whether a model's file is one of this driver's."""
    try:
        Config.model_validate({**options_of(name), "port": "/dev/null"})
    except ValidationError:
        return False
    return not name.startswith("gt")


MODELS = sorted(path.stem for path in FOLDER.glob("*.toml") if is_ours(path.stem))


def nobody(_received: int, _expected: int) -> None:
    """Look at no progress."""


def test_the_family_is_here():
    """The models that people have, by the names they know them under."""
    assert {
        "as601", "as608", "fpm10a", "hlk_zw", "r305", "r307", "r308", "r502", "r503", "r551",
        "zfm20",
    } <= set(MODELS)  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_model_says_whether_it_may_enrol(name):
    """In the file, not by default: somebody has thought about it."""
    options = options_of(name)

    assert isinstance(options["enrolment_grade"], bool)
    assert options["enrolment_grade"] is (options.get("width_px", 0) > 192)
    assert bool(options.get("warning")) is not options["enrolment_grade"]


def test_only_a_model_that_is_known_for_it_goes_beyond_115200():
    """960,000 baud by pyfingerprint issue 52; and even there only if the station asks for it."""
    beyond = {name for name in MODELS if options_of(name).get("fastest_baud", 0) > 115_200}

    assert beyond == {"as601"}
    assert options_of("as601")["baud"] == 115_200


def test_what_means_other_things_elsewhere_is_named_by_few():
    """28, 35 and 3C are the R503's; its sister has its ring of light alone."""
    named = {name: GATED & options_of(name).keys() for name in MODELS}
    gated = {name: options for name, options in named.items() if options}

    assert gated == {"r503": GATED, "r502": {"led"}, "hlk_zw": {"reads_product"}}
    assert options_of("hlk_zw")["reads_product"] is False


@pytest.mark.parametrize(
    ("name", "built", "size_px"),
    [
        ("r503", R503, (192, 192)),
        ("r502", R503, (192, 192)),
        ("r551", OLDEST, (192, 192)),
        ("hlk_zw", Make(), (160, 160)),
        ("r308", OLDEST, (256, 288)),
        ("as601", Make(fastest_baud=960_000), (256, 288)),
        ("zfm20", Make(), (256, 288)),
    ],
)
def test_a_model_is_read_as_its_maker_built_it(name, built, size_px):
    """Opened, looked at, fetched: the picture that lies on the glass, at the file's resolution."""
    width_px, height_px = size_px
    options = options_of(name)
    with ZfmPeer(width_px=width_px, height_px=height_px, make=built) as peer:
        reader = open_reader(Config.model_validate({**options, "port": peer.port}))
        pixels = random_pixels(width_px, height_px)
        peer.put(pixels)
        image = reader.capture(5.0, nobody)
        reader.close()

    assert image == FingerImage(pixels, width_px, height_px, options["resolution_ppi"])
    assert reader.facts.baud == 115_200
    assert reader.enrolment_grade is options["enrolment_grade"]
    assert reader.warning == options.get("warning", "")


def test_the_fastest_is_the_stations_choice():
    """An AS601 at 960,000 baud, once the station's options ask for it."""
    options = {**options_of("as601"), "baud": "fastest"}
    with ZfmPeer(make=Make(fastest_baud=960_000)) as peer:
        reader = open_reader(Config.model_validate({**options, "port": peer.port}))
        reader.close()

        assert peer.baud == 960_000


def test_an_image_without_end_wants_a_stated_size():
    """R551: once its size is in the station's options, silence after the last byte is an end."""
    sized = {**options_of("r551"), "width_px": 192, "height_px": 192, "gap_s": 0.1}
    with ZfmPeer(width_px=192, height_px=192, make=OLDEST) as peer:
        reader = open_reader(Config.model_validate({**sized, "port": peer.port}))
        peer.put(random_pixels(192, 192))
        peer.harm(Fault(Harm.NO_END))
        image = reader.capture(5.0, nobody)
        reader.close()

    assert isinstance(image, FingerImage)
    assert peer.heard_opcodes()[Opcode.UP_IMAGE] == 1


@pytest.mark.parametrize("option", sorted(Config.model_fields))
def test_every_option_is_explained_where_a_technician_looks(option):
    """A number that nobody can look up is set by guessing."""
    page = (FOLDER.parents[1] / "docs/add-a-reader.md").read_text(encoding="utf-8")

    assert f"`{option}`" in page
