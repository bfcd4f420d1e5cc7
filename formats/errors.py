"""What a record may be refused for."""


class RecordUnreadable(ValueError):
    """These bytes are no record of this format. Says what is wrong and at which byte."""


class RecordNotMade(Exception):
    """A record of this kind cannot be made here. The message says what is missing."""
