"""The person's pages: a pure function of the snapshot, and forms that post moves."""
