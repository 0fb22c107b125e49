"""What the verb `compare` finds, as text, as values, as a plot and as a page."""
