"""The other end of each wire protocol: simulated devices for tests and the demo, nothing else."""
