"""Importers: one module for each kind of export, from raw files to canonical rows."""
