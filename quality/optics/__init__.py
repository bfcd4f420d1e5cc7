"""What a camera, its lens and its lamps are like, measured on a known target. Pure.

Every measure takes pictures as the camera delivers them (`Picture`: (height, width, 3), BGR,
8 bits, sRGB by IEC 61966-2-1) and returns a frozen record of values in named units, each with a
standard uncertainty (k = 1); or it raises `quality.measure.CannotAssess` with one code of
`quality.optics.refusal`. Nothing here judges: what is accepted stands in
`firmware_configs/calibration/`. Left and right are those of the picture, unmirrored.
"""
