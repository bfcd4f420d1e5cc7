"""The few ways in which a device can fail, told apart by what the caller can do."""


class DeviceError(Exception):
    """Base of every error that a driver may raise. The device works no more: call staff."""


class DeviceAbsent(DeviceError):
    """Nothing answers there: unplugged, powered off, wrong path. Wait for it to come back."""


class DeviceTimeout(DeviceError, TimeoutError):
    """It is there but did not answer in time. Reopen it once, then call it absent."""


class ProtocolViolation(DeviceError):
    """It answered bytes that its manual forbids. Resynchronise; never guess what it meant."""


class SpeedRefused(DeviceError):
    """The line cannot run at the speed that was set. Try another, or leave it as it is."""


class PortHeld(DeviceAbsent):
    """Another program or a login console has the port. Free it: the sentence says whom to ask."""


class DeviceHeld(DeviceError):
    """It is there, but another program has it. End that one: the sentence names it."""


class TechnicianNeeded(DeviceError):
    """Base of what no retry mends: somebody must change something, and then say so."""


class WrongModel(TechnicianNeeded):
    """Another device answers than the one that is set up. Connect that one, or set up this one."""


class PermissionRefused(TechnicianNeeded):
    """This user may not open it. Mend the group or the udev rule."""


class SettingsRefused(TechnicianNeeded):
    """The device refuses what its settings ask of it. Correct them."""


class PasswordLocked(TechnicianNeeded):
    """The module has a password that is not ours. Set it back with its maker's program."""
