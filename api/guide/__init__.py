"""The attendants' console: who waits, who needs somebody, the one sitting, and help from afar.

A listener of its own, off until a station has staff for it. Signing in is `api.console`'s; what is
done goes through the sitting's desk and leaves a row in the audit chain. Shown of a person is the
day's number and the first letter of the surname, until somebody opens the row.
"""
