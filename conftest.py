"""Settings of every test in the repository."""

from hypothesis import settings

# machines differ and are shared: no test asserts on timing
settings.register_profile("ssv", deadline=None)
settings.load_profile("ssv")
