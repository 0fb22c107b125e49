"""Training the model that finds assists: its examples, its evaluation, and what is logged."""
