"""What the verb `review` does beside the page: the exchange between workspace and review database."""
