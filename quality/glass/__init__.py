"""What a fingerprint reader's glass and optics are like, measured on nothing, on films, on prints.

Pure. Every measure takes pictures as the reader delivers them (`FingerPicture` of
`quality.finger.print`) and returns a frozen record with a standard uncertainty (k = 1) where there
is one, or raises `quality.measure.CannotAssess` with a code of `quality.optics.refusal`. A film is
made for a reader: total reflection and capacity see no paper, and without a film only the blank
glass, the range of greys and live presses can be measured.
"""
