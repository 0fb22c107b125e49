"""The pages, one module each: what is shown at which address, and what a form does."""
