"""A simulated company whose true credit is known: exports as real systems give them, and the truth beside them."""
