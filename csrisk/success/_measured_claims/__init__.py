"""Claims of the field, held against the portfolio at hand."""
