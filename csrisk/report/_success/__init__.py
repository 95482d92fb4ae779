"""What the report says of success beside the risk: tables, claims, pictures."""
