"""Is this a face or a picture of one? Hints for staff, never a refusal and never a proof.

`docs/presentation-attack.md` says what each of the two checks was seen to catch and what it cannot.
"""
