"""The sums behind the games, compiled where numba is installed and in NumPy elsewhere."""
