"""Ways out for sealed packages: one output a module, opened by its configured name."""
