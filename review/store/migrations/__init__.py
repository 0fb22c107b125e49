"""How the database comes from one schema to the next."""
