"""What no recording can hold, read aloud: a surname, minutes, a number. In memory and nowhere else.

Lines of the catalogue are never spoken here: they are rendered beforehand (`docs/voice.md`).
"""
