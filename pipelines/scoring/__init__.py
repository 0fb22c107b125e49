"""The steps of the verb `score`: what needs scoring, one bucket of deals, and what the credits add up to."""
