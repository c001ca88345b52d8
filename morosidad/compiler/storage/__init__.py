"""Compiled forms in model files: packing, unpacking, and checks of what was unpacked."""
