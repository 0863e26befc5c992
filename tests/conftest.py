"""What holds for all tests."""

from hypothesis import settings

settings.register_profile("deliver", deadline=None)  # a busy machine takes as long as it takes
settings.load_profile("deliver")
