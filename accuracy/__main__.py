"""``python -m accuracy [--check] [--only fingers]``: measure, and write the page or its part."""

from __future__ import annotations

import sys
from difflib import unified_diff
from pathlib import Path
from typing import Final

import click

from accuracy.agreement import agreements
from accuracy.fairness import seen_by_eye
from accuracy.fingers.page import finger_part, part_of, with_part
from accuracy.fingers.section import finger_sections
from accuracy.looker import Looker
from accuracy.material import FOLDER, Material, MaterialMissing
from accuracy.page import Measured, figures, page
from accuracy.portraits import judged_portraits, look_at
from accuracy.sections import sections
from edge.settings import load_document
from edge.vision.client import ModelFiles, ModelUnfit

CHECKOUT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = CHECKOUT / "docs" / "accuracy.md"
MODELS: Final = CHECKOUT / ".cache" / "anxin" / "models"
DOCUMENTS: Final = ("cn_exit_entry", "cn_resident_id")


def measure(material: Material, models: ModelFiles, every: int = 1) -> Measured:
    """Return all that the page shows, painting on every so many-th portrait only.

    Raises:
        MaterialMissing: a part of it is not there.
    """
    documents = tuple(load_document(name) for name in DOCUMENTS)
    compared = agreements(material)
    with Looker(models) as looker:
        portraits = look_at(material, looker)
    more = sections(models, portraits[::every], documents[0])
    return Measured(
        compared, documents, judged_portraits(portraits, documents), seen_by_eye(), more, every
    )


@click.command()
@click.option("--check", is_flag=True, help="Write nothing: compare the page with a new run.")
@click.option(
    "--material", "folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True,
    help="Where the reference material lies.",
)  # fmt: skip
@click.option(
    "--every", type=click.IntRange(min=1), default=1, show_default=True,
    help="Paint on every so many-th portrait only: for a busy machine, and the page says so.",
)  # fmt: skip
@click.option(
    "--only", type=click.Choice(["fingers"]), default=None,
    help="Measure this part of the page anew, and leave the rest as it stands.",
)  # fmt: skip
def main(check: bool, folder: Path, every: int, only: str | None) -> None:
    """Write docs/accuracy.md, whole or not at all."""
    committed = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    try:
        whole = _whole(folder, every) if only is None else ""
        part = finger_part(finger_sections())
    except MaterialMissing as missing:
        click.echo(f"accuracy: {missing}.", err=True)
        sys.exit(2)
    except (ModelUnfit, ModuleNotFoundError) as missing:
        click.echo(f"accuracy: {missing}: run `make test` once.", err=True)
        sys.exit(2)
    if check:
        _compare(part_of(committed) if only else committed, with_part(whole, part))
        return
    PAGE.write_text(with_part(whole or committed, part), encoding="utf-8")


def _whole(folder: Path, every: int) -> str:
    models = ModelFiles(MODELS / "face_landmarker.task", MODELS / "selfie_segmentation.tflite")
    return page(measure(Material(folder), models, every))


def _compare(committed: str, text: str) -> None:
    changed = list(
        unified_diff(figures(committed), figures(text), "committed", "measured", lineterm="", n=0)
    )
    if changed:
        click.echo("\n".join(changed))
        sys.exit(1)


if __name__ == "__main__":
    main()
