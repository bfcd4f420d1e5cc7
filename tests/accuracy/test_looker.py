"""What the other tests of this folder stand on."""

from __future__ import annotations

from edge.settings import load_document
from quality.document import judge
from quality.measure import Verdict


def test_the_compliant_portraits_pass_every_hard_gate(compliant):
    """A defect's test means something only if nothing was wrong before."""
    document = load_document("cn_exit_entry")
    for portrait in compliant:
        readings = judge(document, portrait.looked.natives, live=False)
        failed = [r for r in readings if not r.advisory and r.verdict is not Verdict.ACCEPTED]

        assert portrait.looked.faces == 1
        assert failed == [], portrait.name
