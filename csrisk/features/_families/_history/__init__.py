"""Families that hold an account against its own history: its whole life, and the span that the question asks for."""
