"""A centre's machinery for the proofs of `docs/centre/gateway`: real servers, killed and restarted.

object_store.py    an S3 server (moto) that finds its objects again after it was killed
machinery.py       three NATS nodes, the object store, gateways: each a process
worker.py          what consumes events and counts effects
hasty_gateway.py   the control: a gateway that answers before it stores
"""
