"""The station file as a technician changes it: questions from its schema, answers, a safe write.

`edge.settings` alone decides what may stand in a file; this room asks it, and keeps what the file's
author wrote around the values.
"""
