"""Every technician's measure against a known truth: `docs/calibration-accuracy.md`."""
