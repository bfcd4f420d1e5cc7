"""A reference ingest gateway: takes sealed packages in, keeps them, tells of them, gives receipts.

station → **gateway** → object storage (the bytes: the truth) → event bus (a hint) → workers.
It keeps nothing itself: any number of gateways may stand side by side, and any may die.
Written from `docs/package.md` alone. It holds no key that opens a package.

    seal.py       what a seal statement and a receipt are; no I/O
    places.py     object storage (S3) and event bus (NATS JetStream)
    ingest.py     what is answered to a station
    listener.py   TLS 1.3, with a certificate of the station where a client CA is set
    __main__.py   settings and commands: serve, prepare, reconcile
"""
