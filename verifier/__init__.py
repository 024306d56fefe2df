"""Checks again and again that cited sources are there, are kept, and say what is quoted."""

__version__ = "0.1.0"
