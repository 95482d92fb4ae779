"""What is made of contributions: goals, drivers, reasons, steps, tables and pictures."""
