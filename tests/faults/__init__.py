"""Real rounds, stopped at any moment: by a signal, by the machine, or by a power cut."""
