"""Tables in: the contract, validation, loading, and a simulator whose truth is known."""
