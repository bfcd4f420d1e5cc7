"""From a bare machine to a station that can start: Python's standard library only.

Run by the system's own Python (`python3 -m setup run`), before anything is installed. Every step
looks first whether it is done, so a second start costs a moment. A step that cannot be done stops
with one sentence that says what to do.
"""
