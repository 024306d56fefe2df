"""How fast the pages of ``verifier serve`` are: ``make bench-site``."""
