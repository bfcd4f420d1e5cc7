"""What a technician does and reads beside the sittings: acts with their audit rows, statistics.

Knows ids, codes, counts and times; of a person nothing.
"""
