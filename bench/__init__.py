"""How fast a round is, measured beside other link checkers on one web of this machine's own."""
