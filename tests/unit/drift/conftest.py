from __future__ import annotations

from hypothesis import settings

settings.register_profile("drift", max_examples=25, deadline=None)
settings.load_profile("drift")
