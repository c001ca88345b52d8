"""Settings from arguments, the environment, ``.env``, a JSON file and the hardware, each with its source."""

from morosidad.settings.hardware_tuning import Hardware, tune
from morosidad.settings.settings import Settings, SettingSource

__all__ = ["Hardware", "SettingSource", "Settings", "tune"]
