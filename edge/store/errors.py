"""The ways in which the store can fail, told apart by what the caller can do."""


class StoreError(Exception):
    """Base of the store's errors. Its text is a plain sentence for the operator."""


class StoreBusy(StoreError):
    """Another service already runs on this store. Stop that one, or leave this one."""


class StoreKeyWrong(StoreError):
    """The key file does not belong to this store. Bring the right key file; nothing was touched."""


class StoreFull(StoreError):
    """The disk is full. Nothing happened; refuse new sittings and go on delivering."""


class StoreBroken(StoreError):
    """An I/O error: what reached the disk is unknown. End the service; a restart recovers."""


class NoSuchPackage(StoreError):
    """The store holds no package of that id."""


class PackageClosed(StoreError):
    """The package is signed and closed: nothing can be added to it any more."""


class OutOfTurn(StoreError):
    """Another package was closed after this manifest was made. Make the manifest again."""


class PackageUnreadable(StoreError):
    """The stored bytes do not agree with their digest. Quarantine it; the queue goes on."""


class PackageGone(StoreError):
    """The centre has receipted the package and its parts are deleted. Ask the centre for it."""


class PartsDamaged(StoreError):
    """A package's parts cannot even be deleted. The writer sets it aside and does the job again.

    Never inside the same transaction: after the first unreadable page it can neither read nor end.
    """

    def __init__(self, cursor: int) -> None:
        super().__init__("a package's parts cannot be read")
        self.cursor = cursor
