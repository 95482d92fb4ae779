"""The model file without pickle: what is written, and every rule it must keep to be read."""
