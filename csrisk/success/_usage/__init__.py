"""Footprint: features used, their worth, releases, growth and velocity."""
