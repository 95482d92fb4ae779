"""What an explanation needs to know of a model of any library: one adapter each."""
