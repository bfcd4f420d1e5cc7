"""Cutting the power under a store, and asking a checker what is left.

The tools know nothing of the store: a *writer* fills it and acknowledges what it was told is
durable; a *checker* opens it after the cut and judges it against what was acknowledged.

Rules for a writer: acknowledge after the commit returned, never before; end at the first I/O error;
for `vfs` it is finite and uses apsw's default VFS, for `shutdown` it may run for ever and goes on
with what is there. Rules for a checker: everything acknowledged is there, more is allowed (a cut
between commit and acknowledgement); it leaves no process and no open file behind.
"""
