"""The evidence pack: one partner's claims of a period in files that open offline and can be recomputed."""
