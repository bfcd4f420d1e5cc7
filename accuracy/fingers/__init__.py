"""Gates, score, causes and matching, measured on drawn prints beside NFIQ 2 and bozorth3.

Nothing here is a person's. What drawn prints prove is plumbing, limits and hints: nothing about how
often people's fingers are read.
"""
