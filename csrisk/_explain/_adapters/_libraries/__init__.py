"""One file for each library of trees: whether a model is one of it, and what an explanation needs to know of it."""
