"""How long accounts stay: cohorts, curves of retention, remaining life."""
