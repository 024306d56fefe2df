"""What all tests share: how hypothesis is used."""

from hypothesis import settings

# A loaded machine is slow, not wrong: no test fails for the time it took.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
