"""Which file is which table, and which column is which."""
