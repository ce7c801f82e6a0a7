"""Wiring: what runs where, the `entente` command, and the demonstration."""
