"""One proof with its control, run to a verdict; and what proofs there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

from proofs import Proof, Tally

FOLDER: Final = Path(__file__).parent
SEED: Final = 20261122


@dataclass(frozen=True, slots=True)
class Outcome:
    """A proof's tally beside its control's."""

    name: str
    tally: Tally
    control: Tally

    @property
    def verdict(self) -> str:
        """Return "holds", "broken" (a trial failed) or "blind" (a control passed, or none ran)."""
        if self.tally.failures:
            return "broken"
        seen = self.tally.trials and self.control.trials and self.control.failures
        return "holds" if seen else "blind"

    def flat(self) -> dict[str, Any]:
        """Return one flat object, as it is printed and kept."""
        tally, control = self.tally, self.control
        return {
            "name": self.name,
            "promise": tally.promise,
            "verdict": self.verdict,
            "trials": tally.trials,
            "failures": tally.failures,
            "bound": tally.bound,
            "seconds": round(tally.seconds, 1),
            "note": tally.note,
            "control_trials": control.trials,
            "control_failures": control.failures,
            "control_seconds": round(control.seconds, 1),
            "control_note": control.note,
        }


def module_names() -> list[str]:
    """Return the modules of this folder that offer proofs."""
    modules = sorted(FOLDER.glob("[a-z]*.py"))
    return [one.stem for one in modules if "\nPROOFS" in one.read_text(encoding="utf-8")]


def proofs_of(module: str) -> Mapping[str, Proof]:
    """Return a module's proofs under their full names, such as "power.ext4"."""
    found = cast("Mapping[str, Proof]", import_module(f"proofs.{module}").PROOFS)
    return {f"{module}.{name}": proof for name, proof in found.items()}


def proofs_named(names: tuple[str, ...]) -> dict[str, Proof]:
    """Return the proofs of these names; a module's name stands for all of it, none for every one.

    Raises:
        KeyError: there is no such proof; its argument says which there are.
    """
    wanted = {name.partition(".")[0] for name in names} or set(module_names())
    unknown = wanted - set(module_names())
    if unknown:
        raise KeyError(f"no proof {min(unknown)!r}; there are: {', '.join(module_names())}")
    every = {full: proof for module in sorted(wanted) for full, proof in proofs_of(module).items()}
    chosen = {
        full: proof
        for full, proof in every.items()
        if not names or full in names or full.partition(".")[0] in names
    }
    missing = [name for name in names if "." in name and name not in every]
    if missing:
        raise KeyError(f"no proof {missing[0]!r}; there are: {', '.join(every)}")
    return chosen


def run_proof(
    name: str, proof: Proof, *, long: bool = False, trials: int | None = None, seed: int = SEED
) -> Outcome:
    """Try the product, then its control. Raises `CannotRun`.

    Args:
        name: of the proof, in full.
        proof: what is tried.
        long: the sizes of `make proof`, else those of the test suite.
        trials: another size, for the run and for a control without a size of its own.
        seed: of every choice that chance makes.
    """
    size = trials or (proof.long if long else proof.short)
    control_size = (proof.control_trials if long and not trials else None) or size
    return Outcome(name, proof.run(size, seed), proof.control(control_size, seed))
