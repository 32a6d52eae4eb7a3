"""Stories and a receipt into a digest, and a digest into all its forms. Pure: nothing here does I/O."""

from monitor.digest.codec import from_json, to_json
from monitor.digest.compose import Material, compose, present
from monitor.digest.schedule import Due
from monitor.digest.settings import Settings

__all__ = ["Due", "Material", "Settings", "compose", "from_json", "present", "to_json"]
