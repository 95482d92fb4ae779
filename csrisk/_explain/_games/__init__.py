"""The games whose Shapley values are the contributions, and the engines that play them."""
