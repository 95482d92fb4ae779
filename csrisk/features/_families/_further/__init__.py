"""Further families, of tables and columns that few portfolios have; each joins where what it reads is there."""
